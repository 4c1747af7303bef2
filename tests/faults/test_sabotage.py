"""The tests of the faults can fail: each does where what it looks for is broken on purpose."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Container
from pathlib import Path
from typing import Any

import pytest

from kraken_tui import core, text
from kraken_tui.feed import limits, pair, session
from kraken_tui.feed.connection import backoff, dialler, watchdog
from kraken_tui.feed.proof import stitcher
from kraken_tui.market.book.l2 import OrderBook
from kraken_tui.recording import reader
from tests.faults import test_book, test_clock, test_connection, test_recording, test_subscriptions, test_text

Break = Callable[[pytest.MonkeyPatch], None]


def attribute(target: object, name: str, value: object) -> Break:
    return lambda patch: patch.setattr(target, name, value)


def limit(**values: float) -> Break:
    """Other defaults of the limits every session starts with."""
    changed = limits.Limits(**values)  # type: ignore[arg-type]
    return lambda patch: patch.setattr(session, "Limits", lambda: changed)


def believe_everything(patch: pytest.MonkeyPatch) -> None:
    """A book that takes the exchange's checksum for its own."""
    real = stitcher.BookStitcher._prove

    def prove(self: Any, kind: str, data: Any, *rest: Any) -> Any:
        expected = stitcher.valid_checksum(data.checksum)
        patch.setattr(OrderBook, "checksum", lambda book: expected)
        return real(self, kind, data, *rest)

    patch.setattr(stitcher.BookStitcher, "_prove", prove)
    compiled = core.update
    if compiled is not None:

        def update(
            frame: bytes | str, lanes: dict[str, core.Lane], granted: Container[str | None]
        ) -> core.Updated | None:
            found = compiled(frame, lanes, granted)
            return None if found is None else (*found[:3], found[2], *found[4:])

        patch.setattr(core, "update", update)


def nought_is_nought(patch: pytest.MonkeyPatch) -> None:
    """What is missing counts as 0, here and there."""
    patch.setattr(stitcher, "valid_checksum", lambda _: 0)
    patch.setattr(OrderBook, "checksum", lambda _: 0)


def forget_the_ban(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(backoff.DialBudget, "restore", lambda *_: None)


def pongs_count(patch: pytest.MonkeyPatch) -> None:
    real = watchdog.Watchdog.frame
    patch.setattr(watchdog.Watchdog, "frame", lambda self, now, application: real(self, now, application=True))


CASES: list[tuple[Callable[..., None], Break]] = [
    (test_book.test_f49_a_lost_message_shows_with_the_next_checksums, believe_everything),
    (test_book.test_f51_swapped_neighbours_end_in_equality, believe_everything),
    (test_book.test_f52_a_flipped_digit_is_never_shown_as_verified, believe_everything),
    (test_book.test_f54_a_checksum_wrong_for_ever_is_quarantined, limit(resync_limit=100, resync_window_s=1.0)),
    (test_book.test_f57_without_a_valid_checksum_nothing_is_verified, nought_is_nought),
    (test_subscriptions.test_f30_a_lost_acknowledgement_is_asked_for_again_every_five_seconds, limit(ack_s=120.0)),
    (test_subscriptions.test_f31_an_acknowledged_book_without_a_snapshot_is_never_live, limit(snapshot_s=60.0)),
    (
        test_subscriptions.test_f37_another_precision_in_mid_session,
        attribute(pair.Pair, "set_spec", lambda *_: []),
    ),
    (
        test_connection.test_f01_a_closed_port_is_dialled_for_a_day_within_the_budget,
        limit(dial_limit=10_000, backoff_cap_s=5.0),
    ),
    (
        test_connection.test_f06_accepting_and_closing_never_becomes_a_storm,
        limit(dial_limit=10_000, backoff_cap_s=5.0),
    ),
    (test_connection.test_f10_a_half_open_connection_is_noticed_in_six_seconds, limit(feed_deadline_s=20.0)),
    (test_connection.test_f11_pongs_do_not_keep_a_dead_feed_alive, pongs_count),
    (test_connection.test_f14_a_narrow_line_is_late_and_says_so, limit(lag_drop_s=500.0)),
    (test_connection.test_f22_restarts_do_not_reset_the_budget, forget_the_ban),
    (
        test_connection.test_f03_a_ban_is_waited_out_to_the_second,
        attribute(dialler.Dialler, "after_ban", lambda *_: 0.0),
    ),
    (
        test_clock.test_f23_after_a_sleep_nothing_old_is_shown_as_fresh,
        attribute(watchdog.Watchdog, "backlog", lambda *_: None),
    ),
    (
        test_recording.test_f82_a_flipped_bit_spoils_its_frame_alone_or_is_told,
        attribute(reader, "checksum_holds", lambda _: True),
    ),
    (test_recording.test_f84_bombs_and_strangers_are_refused, attribute(reader, "MAX_RATIO", 10**9)),
    (test_text.test_f98_hostile_text_reaches_nobody, attribute(text, "_UNSAFE", frozenset())),
]

ARGUMENTS: dict[str, Any] = {"ledger": lambda *_: None, "checksum": None, "suffix": ".jsonl"}
"""What the tests take; their rows are not written down."""


@pytest.mark.parametrize(("test", "break_it"), CASES, ids=[test.__name__ for test, _ in CASES])
def test_a_broken_part_is_noticed(
    test: Callable[..., None], break_it: Break, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given = {**ARGUMENTS, "tmp_path": tmp_path, "monkeypatch": monkeypatch}
    break_it(monkeypatch)
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        test(**{name: given[name] for name in inspect.signature(test).parameters})
