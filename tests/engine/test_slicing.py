"""A stretch of a recording: where it begins and ends, the state before it, and how much of it is held."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kraken_tui.engine import slicing as module
from kraken_tui.engine.indexer import Indexer
from kraken_tui.engine.slicing import Slice, slice_of
from kraken_tui.recording.format import GAP, SENT, frame_line, gap_frame
from kraken_tui.settings import Settings
from tests.outputs.test_recorded import file, later, ns_of, session


@pytest.fixture
def lines() -> list[str]:
    return session()


def cut(path: Path, begin_ns: int, end_ns: int, *, indexed: bool = False) -> Slice | None:
    indexer = Indexer(path, Settings(pairs=()), keeps=False)
    if indexed:
        indexer.run()
    return slice_of(indexer, begin_ns, end_ns)


def test_a_stretch_is_every_frame_from_its_beginning_to_its_end(lines: list[str], tmp_path: Path) -> None:
    path = file(tmp_path, "day.jsonl", lines)
    moments = [ns_of(line) for line in lines]
    for first, last in ((30, 50), (30, 30), (len(lines) - 1, len(lines) - 1)):
        found = cut(path, moments[first], moments[last])
        assert found is not None
        opening, frames = found
        assert [ns for _, ns, _ in frames] == moments[first : last + 1]
        # The state is that of the frame before.
        assert (opening.wall_ns, opening.url, opening.lost) == (moments[first - 1], "day.jsonl", 0)
    found = cut(path, moments[30] - 1, moments[50] - 1)
    assert found is not None
    assert [ns for _, ns, _ in found[1]] == moments[30:50]
    directions = {direction for _, _, direction in (cut(path, 0, moments[-1]) or (None, []))[1]}
    assert SENT in directions


def test_the_state_before_holds_what_was_known_then(lines: list[str], tmp_path: Path) -> None:
    path = file(tmp_path, "day.jsonl", lines)
    found = cut(path, ns_of(lines[-1]), ns_of(lines[-1]))
    assert found is not None
    opening = found[0]
    assert opening.pairs == ("BTC/USD", "ETH/USD")
    books = [frame for frame in map(json.loads, opening.frames) if frame.get("channel") == "book"]
    assert sorted(row["symbol"] for frame in books for row in frame["data"]) == ["BTC/USD", "ETH/USD"]


def test_before_the_first_frame_nothing_is_known(lines: list[str], tmp_path: Path) -> None:
    path = file(tmp_path, "day.jsonl", lines)
    begin = ns_of(lines[0])
    found = cut(path, 0, begin)
    assert found is not None
    assert (found[0].wall_ns, found[0].pairs, len(found[1])) == (begin, (), 1)
    assert cut(path, 0, begin - 1) is None
    # A stretch after the end is the state at the end.
    end = ns_of(lines[-1])
    found = cut(path, end + 1, end + 2)
    assert found is not None
    assert (found[0].wall_ns, found[1]) == (end, [])


def test_a_gap_before_it_leaves_no_book(lines: list[str], tmp_path: Path) -> None:
    gap = frame_line(gap_frame(3), ns_of(lines[-1]) + 1000, GAP).decode()
    more = later(session(steps=80)[len(lines) :], 2000)
    path = file(tmp_path, "day.jsonl", [*lines, gap, *more])
    found = cut(path, ns_of(more[-1]), ns_of(more[-1]))
    assert found is not None
    assert not any(json.loads(frame).get("channel") == "book" for frame in found[0].frames)
    found = cut(path, ns_of(lines[-1]) + 1000, ns_of(more[-1]))
    assert found is not None
    assert found[1][0] == (gap_frame(3), ns_of(lines[-1]) + 1000, GAP)


def test_of_a_long_stretch_only_the_beginning_is_held(
    lines: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert module.MOST_BYTES == 256 * 2**20
    path = file(tmp_path, "day.jsonl", lines)
    begin, end = ns_of(lines[30]), ns_of(lines[-1])
    whole = cut(path, begin, end)
    assert whole is not None
    sizes = [len(frame) for frame, _, _ in whole[1]]
    for more, count in ((0, 5), (-1, 4)):
        # The frame that goes beyond it is the last.
        monkeypatch.setattr(module, "MOST_BYTES", sum(sizes[:4]) + more)
        found = cut(path, begin, end)
        assert found is not None
        assert found[1] == whole[1][:count]


def test_an_index_changes_nothing(tmp_path: Path) -> None:
    long = session(steps=2500)
    path = file(tmp_path, "day.jsonl", long)
    for first, last in ((1, 40), (1700, 1750), (len(long) - 5, len(long) - 1)):
        begin, end = ns_of(long[first]), ns_of(long[last])
        plain, indexed = cut(path, begin, end), cut(path, begin, end, indexed=True)
        assert plain is not None
        assert indexed is not None
        assert indexed[1] == plain[1]
        assert (indexed[0].wall_ns, indexed[0].pairs) == (plain[0].wall_ns, plain[0].pairs)
        assert books_of(indexed) == books_of(plain)


def books_of(found: Slice) -> list[object]:
    frames = map(json.loads, found[0].frames)
    return [frame["data"] for frame in frames if frame.get("channel") == "book"]
