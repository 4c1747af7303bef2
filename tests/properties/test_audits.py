"""Audits under random faults: the oracle notices one that accuses the innocent and one that finds nothing."""

from __future__ import annotations

import pytest

from kraken_tui.feed.proof.book_history import BookHistory, Comparison
from tests.rig.chaos import make_world, play


def test_an_audit_that_accuses_an_honest_book_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BookHistory, "compare", lambda *_: (Comparison.DIFFERENT, "a lie"))
    assert any("an audit accuses" in play(seed).failure for seed in (2, 5, 8))


def test_an_audit_that_finds_everything_right_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BookHistory, "compare", lambda *_: (Comparison.EQUAL, ""))

    def deep_harm(seed: int) -> str:
        world = make_world(seed)
        try:
            world.until_well(20)
            for _ in range(10):
                world.weather.arm("lose", "BTC/USD")
                world.run(20)
        except AssertionError as error:
            return str(error)
        return ""

    assert any("levels below the tenth are wrong" in deep_harm(seed) for seed in (2, 5, 8, 11))


def test_audits_take_place_and_find_what_was_lost() -> None:
    found = lost = 0
    for seed in (2, 5, 8, 11):
        world = make_world(seed)
        world.until_well(20)
        for _ in range(30):
            world.weather.arm("lose", "BTC/USD")
            world.run(4)
        found += world.oracle.audits
        lost += world.oracle.audits_failed
    assert found > 100
    assert lost > 0
