"""How often frames are examined for unknown fields, and how many names are kept."""

from __future__ import annotations

from kraken_tui.wire import decode as module
from kraken_tui.wire.decode import MOST_NAMES, FieldCensus, NameCounter, decode

BEAT = '{"channel":"heartbeat","new":1}'


def examined(census: FieldCensus, frames: int) -> list[int]:
    message, seen = decode(BEAT), []
    for number in range(1, frames + 1):
        before = census.unknown.total()
        census.look(BEAT, message)
        if census.unknown.total() > before:
            seen.append(number)
    return seen


def test_the_first_three_of_a_kind_are_examined_and_then_one_in_512() -> None:
    assert examined(FieldCensus(), 1100) == [1, 2, 3, 512, 1024]


def test_each_kind_is_counted_by_itself() -> None:
    census = FieldCensus(always=1, every=1000)
    assert examined(census, 2) == [1]
    status = '{"channel":"status","type":"update","data":[],"new":1}'
    census.look(status, decode(status))
    assert census.unknown == {"heartbeat.new": 1, "status.new": 1}


def test_two_hundred_names_are_kept_and_the_rest_counted_together() -> None:
    names = NameCounter()
    for number in range(MOST_NAMES + 5):
        names[f"name {number}"] += 1
    assert MOST_NAMES == 200
    assert names[f"name {MOST_NAMES - 1}"] == 1
    assert names[f"name {MOST_NAMES}"] == 0
    assert names[module.OTHERS] == 5
    names["name 0"] += 1
    assert names["name 0"] == 2
