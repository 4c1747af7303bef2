"""Moving about in the past."""

from __future__ import annotations

import pytest

from kraken_tui.market.history.moments import MarketHistory
from kraken_tui.tui.time_control import TimeControl
from kraken_tui.units import SECOND
from tests.market.history.test_moments import RECORDINGS, played, view_of


@pytest.fixture(scope="module")
def past() -> tuple[MarketHistory, int]:
    """The past of one pair, and its newest moment."""
    history, last = None, 0
    for now, desk in played(RECORDINGS / "lost-message.jsonl.gz"):
        for symbol, market in desk.by_symbol.items():
            view_of(desk, symbol, now)
            history = market.history if symbol == "BTC/USD" else history
        last = now
    assert history is not None
    return history, last


def test_back_from_now_and_forward_to_now_again(past: tuple[MarketHistory, int]) -> None:
    history, now = past
    control = TimeControl()
    assert control.step(history, now, -1)
    assert control.moment_ns == now - SECOND
    assert control.step(history, now, -4)
    assert control.moment_ns == now - 5 * SECOND
    assert control.step(history, now, 2)
    assert control.step(history, now, 60)
    assert control.moment_ns is None
    assert not control.live()


def test_no_further_back_than_what_is_held(past: tuple[MarketHistory, int]) -> None:
    history, now = past
    control = TimeControl()
    assert control.step(history, now, -10_000)
    assert control.moment_ns == history.since_ns
    assert not control.step(history, now, -10)
    assert history.view(history.since_ns or 0) is not None


def test_message_by_message_every_change_is_met(past: tuple[MarketHistory, int]) -> None:
    history, now = past
    control, seen = TimeControl(), []
    while len(seen) < 50 and control.step_message(history, now, -1):
        seen.append(control.moment_ns)
    assert seen == sorted(set(seen), reverse=True)  # type: ignore[type-var]
    for moment in reversed(seen[:-1]):
        assert control.step_message(history, now, 1)
        assert control.moment_ns == moment
    while control.step_message(history, now, 1):
        pass
    assert control.moment_ns is None


def test_the_lost_proof_is_an_event(past: tuple[MarketHistory, int]) -> None:
    history, now = past
    control, found = TimeControl(), []
    while control.step_event(history, now, -1):
        assert control.moment_ns is not None
        assert control.found is not None
        found += control.found.text.split(", ")
    assert {"UNVERIFIED", "VERIFIED"} <= set(found)
    assert control.live()


def test_without_a_past_nothing_moves() -> None:
    control = TimeControl()
    empty = MarketHistory(SECOND, 2**20)
    assert not control.step(empty, 5, -1)
    assert not control.step_message(empty, 5, -1)
    assert not control.step_event(empty, 5, -1)
    assert control.moment_ns is None
