"""What a client keeps of passing events, and which errors they mean."""

from __future__ import annotations

import pytest

from kraken_tui.client.gaps import GapPolicy
from kraken_tui.client.tap import Tap
from kraken_tui.engine.events import BookLine, FrameRejected
from kraken_tui.errors import (
    ChecksumMismatch,
    ConnectionClosed,
    ConnectionFailed,
    InvalidMessage,
    KrakenError,
    RateLimited,
    SubscriptionFailed,
)
from kraken_tui.feed.events import BookStateChanged, Refused, Resync, StateChanged
from kraken_tui.market.events import BookChanged, BookState, Proof
from kraken_tui.wire.checksum import checksum_of_units
from kraken_tui.wire.symbols import PairSpec

SPEC = PairSpec("A/USD", "A", "USD", 1, 8)
BIDS, ASKS = ((10, 5),), ((11, 6),)
RIGHT = checksum_of_units(ASKS, BIDS)


def state(name: str, cause: str = "why", retry_in_s: float | None = None) -> StateChanged:
    return StateChanged(0, name, cause, 2, retry_in_s)


def line(checksum: int, kind: str = "update", verified: bool | None = None) -> BookLine:
    proven = checksum == RIGHT if verified is None else verified
    return BookLine(BookChanged("A/USD", kind, proven, checksum, None, None, 0), BIDS, ASKS, SPEC)


def errors(tap: Tap, *events: object) -> list[KrakenError]:
    return [each for event in events for each in tap.transform(event) if isinstance(each, KrakenError)]


def test_a_dial_that_fails_and_a_connection_that_is_lost_are_two_errors() -> None:
    tap = Tap()
    (failed,) = errors(tap, state("CONNECTING"), state("DISCONNECTED", "refused", 1.5))
    assert isinstance(failed, ConnectionFailed)
    assert (failed.cause, failed.attempt, failed.retry_in_s) == ("refused", 2, 1.5)
    assert str(failed) == "no connection: refused; next try in 1.5 s"
    assert errors(tap, state("CONNECTING")) == []
    assert tap.trouble is failed, "a dial under way cures nothing yet"
    (closed,) = errors(tap, state("SUBSCRIBING"), state("SUBSCRIBED"), state("DISCONNECTED", "reset", 0.5))
    assert isinstance(closed, ConnectionClosed)
    assert tap.trouble is closed
    errors(tap, state("CONNECTING"), state("SUBSCRIBING"))
    assert tap.trouble is None


def test_a_ban_says_when_it_ends() -> None:
    tap = Tap()
    (banned,) = errors(tap, state("CONNECTING"), state("COOLDOWN", "HTTP 429", 600.0))
    assert isinstance(banned, RateLimited)
    assert banned.retry_after == 600.0


def test_closing_is_no_error_but_explains_why_nothing_comes() -> None:
    tap = Tap()
    assert errors(tap, state("SUBSCRIBED"), state("CLOSED", "closed")) == []
    assert isinstance(tap.trouble, ConnectionClosed)


def test_a_mismatch_a_refusal_and_a_bad_frame_carry_their_facts() -> None:
    tap = Tap()
    mismatch, refused, invalid = errors(
        tap,
        Resync(0, "A/USD", "reconnect"),
        Resync(0, "A/USD", "checksum", 1, 2),
        Refused(0, "A/USX", "", "no such pair", ("A/USD",)),
        FrameRejected(0, None, "not JSON", 1),
    )
    assert isinstance(mismatch, ChecksumMismatch)
    assert (mismatch.expected, mismatch.actual, mismatch.symbol) == (1, 2, "A/USD")
    assert isinstance(refused, SubscriptionFailed)
    assert (refused.symbol, refused.reason, refused.nearest) == ("A/USX", "no such pair", ("A/USD",))
    assert str(refused) == "A/USX: no such pair; nearest: A/USD"
    assert isinstance(invalid, InvalidMessage)
    assert str(invalid) == "not JSON"
    assert tap.refused["A/USX"] is refused


def test_an_ignored_mismatch_is_told_once_a_gap() -> None:
    tap = Tap(GapPolicy.IGNORE)
    assert errors(tap, line(RIGHT, "snapshot")) == []
    first = errors(tap, line(RIGHT ^ 1))
    assert [(type(each), each.expected, each.actual) for each in first] == [(ChecksumMismatch, RIGHT ^ 1, RIGHT)]  # type: ignore[attr-defined]
    assert errors(tap, line(RIGHT ^ 2), line(RIGHT, verified=False)) == []
    assert errors(tap, line(RIGHT, "snapshot")) == []
    assert len(errors(tap, line(RIGHT ^ 1))) == 1


@pytest.mark.parametrize(
    ("proof", "verified", "expected"),
    [
        (Proof.VERIFIED, True, True),
        (Proof.UNVERIFIED, True, False),
        (Proof.VERIFIED, False, False),
        (Proof.CHECKING, True, False),
    ],
)
def test_a_book_is_verified_only_where_its_message_and_its_state_agree(
    proof: Proof, verified: bool, expected: bool
) -> None:
    tap = Tap()
    errors(tap, BookStateChanged(0, "A/USD", BookState.LIVE, proof, ""), line(RIGHT, verified=verified))
    assert tap.is_verified("A/USD") is expected
    tap.forget("A/USD")
    assert not tap.is_verified("A/USD")
