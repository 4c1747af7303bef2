"""Promise 9 among books: one seed of injections, and proof that harm to a neighbour is noticed."""

from __future__ import annotations

from random import Random

import pytest

from tests.rig import neighbours
from tests.rig.world import World


def test_what_is_done_to_one_book_changes_no_other() -> None:
    harm = neighbours.play(3)
    assert not harm.failure, f"python -m tests.rig.neighbours --from 3 --count {neighbours.INJECTIONS}"
    assert harm.kinds.total() == neighbours.INJECTIONS
    assert harm.noticed > 10
    assert harm.messages > 3000


def test_harm_to_a_neighbour_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def both(world: World, symbol: str, rng: Random) -> None:
        for each in (symbol, "P07/USD"):
            world.weather.arm("flip", each, 3)

    monkeypatch.setattr(neighbours, "FAULTS", {"both": both})
    assert "P07/USD is" in neighbours.play(0).failure


def test_a_lost_message_of_a_neighbour_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def ignored(world: World, symbol: str, rng: Random) -> None:
        # A message that arrives and is not applied, although nothing is wrong with it.
        world.client.stitchers["P07/USD"].counters.applied -= 1

    monkeypatch.setattr(neighbours, "FAULTS", {"ignored": ignored})
    assert "P07/USD was" in neighbours.play(0).failure
