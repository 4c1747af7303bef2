"""What an engine does unless a program chooses otherwise."""

from __future__ import annotations

from kraken_tui.engine.options import EngineOptions


def test_the_usual_is_everything_of_the_market_and_nothing_of_the_past() -> None:
    usual = EngineOptions()
    assert (usual.channels, usual.relay) == (None, None)
    assert (usual.ignore_gaps, usual.history, usual.book_levels, usual.tell_state, usual.stand) == (
        False, False, 0, False, False,
    )  # fmt: skip
    assert (usual.shares, usual.keeps_index) == (True, True)
    event = object()
    assert list(usual.transform(event)) == [event]
