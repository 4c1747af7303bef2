"""The index of a recording: how far apart its states are, what counts as a fault, and how building it ends."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Any

import pytest

from kraken_tui.engine import indexer as module
from kraken_tui.engine.indexer import Indexer
from kraken_tui.recording.format import GAP, SENT, frame_line, gap_frame
from kraken_tui.recording.index import Index
from kraken_tui.settings import Settings
from kraken_tui.units import SECOND
from tests.outputs.test_recorded import START, beats, file, later, ns_of, session


def indexer(path: Path, **options: Any) -> Indexer:
    found = Indexer(path, Settings(pairs=()), **options)
    found.hurry = True
    return found


def built(folder: Path, lines: list[str]) -> Index:
    found = indexer(file(folder, "day.jsonl", lines), keeps=False)
    found.run()
    assert found.index.complete
    return found.index


def states(index: Index) -> list[tuple[float, int]]:
    """(seconds, frames) of every state."""
    return [((each.ns - START) / SECOND, each.frames) for each in index.checkpoints]


def test_a_state_is_kept_every_half_minute(tmp_path: Path) -> None:
    times = (0, 1, 30 * SECOND - 1, 30 * SECOND, 60 * SECOND - 1, 61 * SECOND, 90 * SECOND, 91 * SECOND)
    index = built(tmp_path, beats(*times))
    assert states(index) == [(30.0, 4), (61.0, 6), (91.0, 8)]
    assert (index.begin_ns, index.known_ns, index.frames) == (START, START + 91 * SECOND, 8)
    assert [each.line for each in index.checkpoints] == [4, 6, 8]
    assert (index.faults, index.problem, index.failed) == ([], "", False)


def test_or_every_fifteen_hundred_frames_where_that_is_sooner(tmp_path: Path) -> None:
    index = built(tmp_path, beats(*(number * SECOND // 1000 for number in range(4600))))
    assert [frames for _, frames in states(index)] == [1500, 3000, 4500]


def test_no_state_is_kept_of_a_book_without_proof_unless_that_lasts_five_minutes(tmp_path: Path) -> None:
    lines = session()
    books = [number for number, line in enumerate(lines) if '"update","data":[{"symbol":"BTC/USD","bids"' in line]
    lines[books[0]] = re.sub(r'"checksum":\d+', '"checksum":7', lines[books[0]])
    begin = ns_of(lines[0])
    after = [(begin + ns - START) for ns in (*range(20 * SECOND, 300 * SECOND, 20 * SECOND), 300 * SECOND - 1)]
    index = built(tmp_path, [*lines, *beats(*after)])
    assert index.checkpoints == []
    last = begin + 300 * SECOND - START
    assert [each.ns - begin for each in built(tmp_path, [*lines, *beats(*after, last)]).checkpoints] == [300 * SECOND]
    # A book that is proven does not keep anybody waiting.
    whole = built(tmp_path, [*session(), *beats(*after)])
    assert [each.ns - begin for each in whole.checkpoints][:2] == [40 * SECOND, 80 * SECOND]


def test_faults_are_told_with_their_kind_and_moment(tmp_path: Path) -> None:
    lines = session()
    end = ns_of(lines[-1]) - START
    gap = frame_line(gap_frame(3), START + end + 1, GAP).decode()
    silent = [end + 2 * SECOND, end + 62 * SECOND - 1, end + 122 * SECOND]
    index = built(tmp_path, [*lines, gap, *beats(*silent)])
    assert [(each.ns - START, each.kind, each.text) for each in index.faults] == [
        (end + 1, "gap", "the recorder lost 3 frames here"),
        (silent[2], "gap", "nothing was recorded for 1 min 0 s"),
    ]
    books = [number for number, line in enumerate(lines) if '"update","data":[{"symbol":"BTC/USD","bids"' in line]
    lines[books[3]] = re.sub(r'"checksum":\d+', '"checksum":7', lines[books[3]])
    again = later(session(), ns_of(lines[-1]) - ns_of(lines[0]) + SECOND)
    again = [line.replace('"connection_id":', '"connection_id":1') for line in again]
    index = built(tmp_path, [*lines, *again])
    assert [(each.ns, each.kind) for each in index.faults] == [
        (ns_of(lines[books[3]]), "mismatch"),
        (ns_of(again[0]), "session"),
    ]
    assert index.faults[0].text.startswith("BTC/USD: ")
    assert index.faults[1].text == "another connection begins"


def test_a_clock_that_was_set_is_a_fault(tmp_path: Path) -> None:
    lines = session(steps=200)
    half = len(lines) // 2
    set_back = [*lines[:half], *later(lines[half:], -3600 * SECOND)]
    index = built(tmp_path, set_back)
    assert [(each.kind, each.text) for each in index.faults] == [
        ("gap", "the recorder's clock was set back by 1 h 0 min")
    ]


def test_what_was_sent_is_no_frame_of_the_exchange(tmp_path: Path) -> None:
    lines = session()
    book = next(line for line in lines if '"channel":"book","type":"update"' in line)
    frame = book[book.index('"frame":') + 8 :].rstrip()[:-1].encode()
    index = built(tmp_path, [*lines, frame_line(frame, ns_of(lines[-1]) + 1, SENT).decode()])
    assert index.faults == []


class Rests:
    """Stands for the event by which an indexer is stopped, and counts its rests."""

    def __init__(self, after: int = 10**9) -> None:
        self.waits: list[float] = []
        self.after = after

    def is_set(self) -> bool:
        return len(self.waits) >= self.after

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)


@pytest.mark.parametrize(("hurry", "work_s", "rests"), [(False, 0.0, 5), (True, 0.0, 0), (False, 1e9, 0)])
def test_it_rests_after_a_piece_of_work_unless_somebody_waits(
    hurry: bool, work_s: float, rests: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_WORK_S", work_s)
    found = indexer(file(tmp_path, "day.jsonl", beats(*range(119))), keeps=False)
    found._stopped = event = Rests()  # type: ignore[assignment]
    found.hurry = hurry
    found.run()
    assert event.waits == [0.004] * rests
    assert found.index.complete


def test_told_to_stop_it_gives_up_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_WORK_S", 0.0)
    found = indexer(file(tmp_path, "day.jsonl", beats(*range(119))))
    found.hurry = False
    found._stopped = Rests(after=2)  # type: ignore[assignment]
    found.run()
    assert (found.index.frames, found.index.complete, found.index.failed, found.stopped) == (60, False, False, True)
    plain = indexer(tmp_path / "day.jsonl")
    assert not plain.stopped
    plain.stop()
    assert plain.stopped


class Kept:
    """What is asked of the index beside a recording."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, found: Index | None = None) -> None:
        self.asked: list[tuple[object, ...]] = []
        monkeypatch.setattr(module.sidecar, "load", lambda *given: self.asked.append(("load", *given)) or found)
        monkeypatch.setattr(module.sidecar, "identity", lambda _path: (1, 2, "a", "b"))
        monkeypatch.setattr(module.sidecar, "save", lambda *given: self.asked.append(("save", *given)))


@pytest.mark.parametrize("keeps", [True, False])
def test_a_whole_index_is_kept_beside_the_recording_where_it_may(
    keeps: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Kept(monkeypatch)
    path = file(tmp_path, "day.jsonl", beats(0))
    found = Indexer(path, Settings(pairs=(), depth=25, interval=5), ignore_gaps=True, keeps=keeps)
    found.run()
    made_for = (25, 5, True)
    saved = [("save", path, found.index, made_for, (1, 2, "a", "b"))] if keeps else []
    assert kept.asked == [("load", path, made_for), *saved]
    session, _ = found.new_session()
    assert (session.options.depth, session.options.interval, session.options.ignore_gaps) == made_for


def test_one_that_is_there_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = Index()
    kept = Kept(monkeypatch, there)
    path = file(tmp_path, "day.jsonl", beats(0))
    found = indexer(path)
    found.run()
    assert found.index is there
    assert kept.asked == [("load", path, (100, 1, False))]


def test_what_goes_wrong_is_kept_as_its_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = indexer(tmp_path / "none.jsonl")
    missing.run()
    assert missing.index.failed
    assert "none.jsonl" in missing.index.problem

    def defect(*_: object) -> None:
        raise ValueError("a defect")

    monkeypatch.setattr(module, "_Building", defect)
    found = indexer(file(tmp_path, "day.jsonl", beats(0)))
    found.run()
    assert (found.index.failed, found.index.problem, found.index.complete) == (True, "ValueError: a defect", False)
    monkeypatch.undo()
    torn = beats(*range(50))
    half = indexer(file(tmp_path, "torn.jsonl", [*torn, torn[0][:30]]), keeps=False)
    half.run()
    assert half.index.complete
    assert half.index.problem


def test_it_is_begun_once_in_a_thread_of_its_own_and_not_again_after_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[threading.Thread] = []
    monkeypatch.setattr(Indexer, "run", lambda _self: ran.append(threading.current_thread()))
    found = indexer(tmp_path / "day.jsonl")
    found.start()
    found.start()
    assert found._thread is not None
    found._thread.join(5)
    assert [(thread.name, thread.daemon) for thread in ran] == [("kraken-tui-indexer", True)]
    failed = indexer(tmp_path / "day.jsonl")
    failed.index.failed = True
    failed.start()
    assert failed._thread is None
