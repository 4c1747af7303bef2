"""When a token is fetched: once for each connection, right before it is used, and never on a timer."""

from __future__ import annotations

import random

import pytest

from kraken_tui.feed.connection import auth
from kraken_tui.feed.connection.auth import Authentication, FetchToken, Stop, Subscribe, TokenTurn, Wait
from kraken_tui.secret import Secret
from kraken_tui.units import SECOND
from kraken_tui.wire.refusals import NotSent, OutcomeUnknown, refusal
from kraken_tui.wire.rest_account import WebSocketsToken

INVALID = "ESession:Invalid session"


def a_token(number: int = 1) -> WebSocketsToken:
    return WebSocketsToken(Secret(f"dG9rZW4gbnVtYmVy{number:08}", lasting=False), 900)


def standing(now: int = 0) -> Authentication:
    found = Authentication()
    assert found.opened(now) == FetchToken()
    assert found.fetched(a_token(), now) == Subscribe(a_token().token)
    found.accepted(0)
    assert found.state == auth.STANDING
    return found


def test_mistake_08_every_connection_fetches_its_own_token() -> None:
    found = standing()
    for number in range(2, 5):
        found.closed()
        assert found.token is None
        assert found.opened(number) == FetchToken()
        assert found.fetched(a_token(number), number) == Subscribe(a_token(number).token)
        found.accepted(0)
        assert found.token == a_token(number).token
    assert found.tokens == 4


def test_mistake_09_no_timer_fetches_a_token() -> None:
    found = standing()
    for hour in range(1, 500):
        assert found.tick(hour * 3600 * SECOND) is None
    assert found.token == a_token().token
    assert found.tokens == 1


def test_an_invalid_session_is_retried_once_with_a_new_token_and_then_waits() -> None:
    found = Authentication()
    found.opened(0)
    found.fetched(a_token(1), 0)
    assert found.refused(INVALID, 0) == FetchToken()
    assert found.token is None
    assert found.fetched(a_token(2), 0) == Subscribe(a_token(2).token)
    waits = []
    now = 0
    for number in range(3, 13):
        step = found.refused(INVALID, now)
        assert isinstance(step, Wait)
        assert "token" in step.sentence
        waits.append((step.until - now) / SECOND)
        assert found.tick(step.until - 1) is None
        now = step.until
        assert found.tick(now) == FetchToken()
        found.fetched(a_token(number), now)
    assert waits == [2, 4, 8, 16, 32, 64, 120, 120, 120, 120]
    found.accepted(now)
    assert isinstance(found.refused(INVALID, now + int(auth.STABLE_S * SECOND) - 1), Wait)
    found = standing()
    assert found.refused(INVALID, now) == FetchToken()


def test_a_subscription_that_has_stood_for_a_while_starts_over() -> None:
    found = standing()
    stable = int(auth.STABLE_S * SECOND)
    assert found.refused(INVALID, stable) == FetchToken()
    found.fetched(a_token(2), stable)
    assert found.refused(INVALID, stable) == Wait(stable + 2 * SECOND, found.sentence)


def test_a_token_that_an_upgrade_ends_is_fetched_anew_while_the_connection_stands() -> None:
    found = standing()
    assert found.refused(INVALID, 5) == FetchToken()
    assert found.fetched(a_token(2), 6) == Subscribe(a_token(2).token)


def test_a_refusal_of_something_else_leaves_the_token_alone() -> None:
    found = standing()
    for text in (
        "EOrder:Insufficient funds",
        "EGeneral:Permission denied",
        "EService:Unavailable",
        "Already subscribed",
    ):
        assert found.refused(text, 1) is None
    assert found.token == a_token().token


@pytest.mark.parametrize(
    "text", ["EAPI:Invalid key", "EAPI:Invalid signature", "EAPI:Invalid nonce", "EGeneral:Permission denied",
             "EGeneral:Temporary lockout"],
)  # fmt: skip
def test_what_only_the_user_can_cure_stops_it_for_every_later_connection(text: str) -> None:
    found = Authentication()
    found.opened(0)
    step = found.fetched(refusal(text), 0)
    assert isinstance(step, Stop)
    assert step.sentence == refusal(text).sentence
    found.closed()
    assert found.opened(10**15) == step
    assert found.tick(10**15) is None
    found.resume()
    assert found.opened(10**15) == FetchToken()


@pytest.mark.parametrize("answer", [NotSent("no way"), OutcomeUnknown("silence"), refusal("EAPI:Rate limit exceeded")])
def test_what_may_pass_is_waited_for_and_a_reconnect_cuts_no_wait_short(answer: object) -> None:
    found = Authentication()
    found.opened(0)
    step = found.fetched(answer, 0)  # type: ignore[arg-type]
    assert step == Wait(2 * SECOND, found.sentence)
    found.closed()
    assert found.opened(SECOND) == step
    assert found.tick(2 * SECOND) == FetchToken()
    assert found.fetched(answer, 2 * SECOND) == Wait(6 * SECOND, found.sentence)  # type: ignore[arg-type]


def test_answers_for_a_connection_that_is_gone_are_dropped() -> None:
    found = Authentication()
    found.opened(0)
    found.closed()
    assert found.fetched(a_token(), 1) is None
    assert found.token is None
    assert found.refused(INVALID, 1) is None
    found.accepted(0)
    assert found.state == auth.CLOSED


def test_silence_ends() -> None:
    found = Authentication()
    found.opened(0)
    assert found.tick(int(auth.FETCH_S * SECOND) - 1) is None
    assert isinstance(found.tick(int(auth.FETCH_S * SECOND)), Wait)
    found = Authentication()
    found.opened(0)
    found.fetched(a_token(), 0)
    assert found.tick(int(auth.ANSWER_S * SECOND) - 1) is None
    assert isinstance(found.tick(int(auth.ANSWER_S * SECOND)), Wait)


def test_no_schedule_fetches_tokens_in_a_loop() -> None:
    """However connections and answers fall, tokens are at most two for each try, and tries back off."""
    for seed in range(200):
        rng = random.Random(seed)
        found, now, fetches = Authentication(), 0, 0
        for _ in range(400):
            now += rng.randrange(SECOND)
            kind = rng.randrange(4)
            step: object = None
            if kind == 0:
                step = found.tick(now)
            elif kind == 1:
                step = found.refused(INVALID, now)
            elif kind == 2:
                step = found.fetched(a_token(), now)
            else:
                found.accepted(now)
            if found.state == auth.CLOSED:
                step = found.opened(now)
            fetches += isinstance(step, FetchToken)
        assert fetches <= 10, seed


def test_connections_of_one_key_use_a_token_before_the_next_is_fetched() -> None:
    turn = TokenTurn()
    orders, book = Authentication(turn), Authentication(turn)
    assert orders.opened(0) == FetchToken()
    step = book.opened(0)
    assert step == Wait(auth.TURN_NS, "another connection gets its token first")
    orders.fetched(a_token(1), 1)
    assert isinstance(book.tick(auth.TURN_NS), Wait)
    orders.accepted(auth.TURN_NS + 1)
    assert book.tick(2 * auth.TURN_NS) == FetchToken()
    # The other way round, however the one in front ends.
    for end in ("closed", "refused", "stopped", "silent"):
        turn = TokenTurn()
        first, second = Authentication(turn), Authentication(turn)
        first.opened(0)
        assert isinstance(second.opened(0), Wait)
        if end == "closed":
            first.closed()
        elif end == "refused":
            first.fetched(NotSent("no way"), 1)
        elif end == "stopped":
            first.fetched(refusal("EAPI:Invalid key"), 1)
        else:
            first.tick(int(auth.FETCH_S * SECOND))
        assert second.tick(int(auth.FETCH_S * SECOND)) == FetchToken(), end
