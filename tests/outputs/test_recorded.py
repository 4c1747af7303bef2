"""Recordings played for a sink: which frames are told, from where to where, what stands between two files."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kraken_tui.errors import RecordingError
from kraken_tui.feed.events import BookLine
from kraken_tui.market.events import BookChanged, CandleChanged, FlowEvent, Trade
from kraken_tui.outputs import recorded
from kraken_tui.outputs.recorded import Player, Wanted
from kraken_tui.recording.format import GAP, STATE, frame_line, gap_frame
from kraken_tui.recording.reader import V1
from kraken_tui.units import SECOND
from tests.recording.test_foreign import bare, v1_frames
from tests.reference.session import BTC, ETH, Session

START = 1_789_387_200 * SECOND
BEAT = '{"channel":"heartbeat"}'


def session(*, steps: int = 60) -> list[str]:
    """The lines of two books and their trades."""
    writer = Session(7, BTC, ETH)
    writer.begin()
    writer.open("BTC/USD")
    writer.open("ETH/USD")
    writer.run(steps, "BTC/USD", "ETH/USD")
    return writer.lines


def ns_of(line: str) -> int:
    return int(json.loads(line)["rx_ns"])


def later(lines: Sequence[str], by_ns: int) -> list[str]:
    return [re.sub(r'"rx_ns":\d+', f'"rx_ns":{ns_of(line) + by_ns}', line, count=1) for line in lines]


def beats(*moments: int) -> list[str]:
    return [f'{{"rx_ns":{START + ns},"frame":{BEAT}}}\n' for ns in moments]


def file(folder: Path, name: str, lines: Sequence[str]) -> Path:
    path = folder / name
    path.write_text("".join(lines))
    return path


def play(*paths: Path, **wanted: Any) -> tuple[Player, list[Any]]:
    told: list[Any] = []
    player = Player(paths, Wanted(**wanted), told.append)
    for _ in player.play():
        pass
    return player, told


def test_a_step_is_five_hundred_frames_and_says_how_far_it_has_come(tmp_path: Path) -> None:
    lines = beats(*(number * SECOND // 100 for number in range(1200)))
    one, two = file(tmp_path, "a.jsonl", lines), file(tmp_path, "b.jsonl", later(lines[:400], 12 * SECOND))
    player = Player([one, two], Wanted(), lambda _: None)
    assert player.share == 0.0
    frames, shares = [], []
    for _ in player.play():
        frames.append(player.frames)
        shares.append(player.share)
    assert frames == [500, 1000, 1200, 1500, 1600]
    assert shares == sorted(shares)
    # What has been read is ahead of what has been played.
    assert 0.0 < shares[0] <= shares[2] == pytest.approx(0.75)
    assert shares[-1] == 1.0
    assert player.now_ns == ns_of(lines[399]) + 12 * SECOND


def test_of_no_files_nothing_has_been_read() -> None:
    assert Player([], Wanted(), lambda _: None).share == 0.0


def test_a_file_that_grows_while_it_is_played_is_read_to_its_end_and_no_further(tmp_path: Path) -> None:
    path = file(tmp_path, "a.jsonl", beats(*range(10)))
    player = Player([path], Wanted(), lambda _: None)
    file(tmp_path, "a.jsonl", beats(*range(600)))
    assert [(player.frames, player.share) for _ in player.play()] == [(500, 1.0), (600, 1.0)]


def test_books_and_trades_are_told_and_what_is_not_known_of_a_pair_is_none(tmp_path: Path) -> None:
    lines = session()
    player, told = play(file(tmp_path, "a.jsonl", lines))
    books = [event for event in told if type(event) is BookLine]
    trades = [event for event in told if type(event) is Trade]
    frames = [json.loads(line)["frame"] for line in lines]
    assert len(books) == player.messages == sum(frame.get("channel") == "book" for frame in frames)
    assert len(trades) == sum(len(frame["data"]) for frame in frames if frame.get("channel") == "trade")
    assert len(books) + len(trades) == len(told)
    assert player.frames == len(lines)
    spec = player.spec_of("BTC/USD")
    assert spec is not None
    assert (spec.price_precision, spec.qty_precision) == (1, 8)
    assert player.spec_of("XBT/USD") is None
    assert all(line.changed.verified for line in books)


def test_levels_are_those_asked_for_or_all_of_a_snapshot_alone(tmp_path: Path) -> None:
    path = file(tmp_path, "a.jsonl", session())
    sizes = {
        levels: {
            (line.changed.symbol, line.changed.kind, len(line.bids), len(line.asks), line.depth)
            for line in play(path, levels=levels)[1]
            if type(line) is BookLine
        }
        for levels in (0, 1, 3)
    }
    for levels in (1, 3):
        assert sizes[levels] == {
            (symbol, kind, levels, levels, depth)
            for symbol, depth in (("BTC/USD", 10), ("ETH/USD", 25))
            for kind in ("snapshot", "update")
        }
    assert sizes[0] == {
        ("BTC/USD", "snapshot", 10, 10, 10), ("ETH/USD", "snapshot", 25, 25, 25),
        ("BTC/USD", "update", 0, 0, 10), ("ETH/USD", "update", 0, 0, 25),
    }  # fmt: skip


def test_only_the_pairs_asked_for_are_told(tmp_path: Path) -> None:
    path = file(tmp_path, "a.jsonl", session())
    symbols = {event.changed.symbol if type(event) is BookLine else event.symbol
               for event in play(path, pairs=("XBT/USD",))[1]}  # fmt: skip
    assert symbols == {"BTC/USD"}


def test_time_is_from_the_one_moment_up_to_the_other(tmp_path: Path) -> None:
    lines = session()
    path = file(tmp_path, "a.jsonl", lines)
    whole = [event for event in play(path)[1] if type(event) is BookLine]
    first, last = whole[10].changed.received_ns, whole[20].changed.received_ns
    found = [event for event in play(path, begin_ns=first, end_ns=last)[1] if type(event) is BookLine]
    states, updates = found[:2], found[2:]
    # The books as they stood before come first, proven, as if received when the time begins.
    assert [(line.changed.symbol, line.changed.kind, line.changed.verified) for line in states] == [
        ("BTC/USD", "snapshot", True),
        ("ETH/USD", "snapshot", True),
    ]
    assert {line.changed.received_ns for line in states} == {first}
    for line in states:
        before = [other for other in whole[:10] if other.changed.symbol == line.changed.symbol][-1]
        assert line.changed.venue_ns == before.changed.venue_ns
        assert line.changed.checksum == before.changed.checksum
    assert [line.changed.received_ns for line in updates] == [line.changed.received_ns for line in whole[10:20]]
    assert play(path, begin_ns=first, end_ns=last)[0].messages == 10
    after = [event for event in play(path, begin_ns=first + 1)[1] if type(event) is BookLine]
    assert [line.changed.received_ns for line in after[2:]] == [line.changed.received_ns for line in whole[11:]]
    assert play(path, begin_ns=ns_of(lines[-1]) + 1)[1] == []


def test_a_book_that_is_being_fetched_again_does_not_begin_the_time(tmp_path: Path) -> None:
    lines = session()
    books = [number for number, line in enumerate(lines) if '"update","data":[{"symbol":"BTC/USD","bids"' in line]
    lines[books[5]] = re.sub(r'"checksum":\d+', '"checksum":7', lines[books[5]])
    found = play(file(tmp_path, "a.jsonl", lines), begin_ns=ns_of(lines[books[10]]))[1]
    books_told = [event for event in found if type(event) is BookLine]
    assert [line.changed.symbol for line in books_told if line.changed.kind == "snapshot"] == ["ETH/USD"]
    assert {line.changed.verified for line in books_told if line.changed.symbol == "BTC/USD"} == {False}


def test_after_a_gap_no_book_is_known(tmp_path: Path) -> None:
    lines = session()
    gap = frame_line(gap_frame(3), ns_of(lines[-1]) + 1000, GAP).decode()
    more = later(session(steps=80)[len(lines) :], 2000)
    player, told = play(file(tmp_path, "a.jsonl", [*lines, gap, *more]), begin_ns=ns_of(more[0]))
    assert not any(type(event) is BookLine for event in told)
    assert player.session.pairs["BTC/USD"].reason == "the recorder lost 3 frames here"


def test_what_was_sent_is_not_taken_for_what_came_and_what_the_recorder_made_is(tmp_path: Path) -> None:
    lines = session()
    book = next(line for line in lines if '"channel":"book","type":"snapshot"' in line)
    frame = book[book.index('"frame":') + 8 :].rstrip()[:-1].encode()
    for direction, more in (("tx", 0), (STATE, 1)):
        again = frame_line(frame, ns_of(lines[-1]) + 1000, direction).decode()
        player, _ = play(file(tmp_path, f"{direction}.jsonl", [*lines, again]))
        assert player.messages == play(file(tmp_path, "a.jsonl", lines))[0].messages + more


# -- several files --------------------------------------------------------------------------------------------------


def two(folder: Path, between_ns: int) -> tuple[Path, Path]:
    """One session in two files, with so much time between the last frame of the one and the first of the other."""
    lines = session()
    cut = next(number for number in range(len(lines) - 20, len(lines)) if '"channel":"book"' in lines[number])
    rest = later(lines[cut:], ns_of(lines[cut - 1]) + between_ns - ns_of(lines[cut]))
    return file(folder, "z.jsonl", lines[:cut]), file(folder, "a.jsonl", rest)


@pytest.mark.parametrize(("between_ns", "proven"), [(-SECOND, True), (2 * SECOND, True), (2 * SECOND + 1, False)])
def test_files_are_played_in_the_order_of_time_and_no_book_is_known_after_a_hole_between_them(
    between_ns: int, proven: bool, tmp_path: Path
) -> None:
    one, other = two(tmp_path, between_ns)
    player, told = play(other, one)
    count = play(one)[0].messages
    books = [event for event in told if type(event) is BookLine]
    assert all(line.changed.verified for line in books[:count])
    assert {line.changed.verified for line in books[count:]} == ({True} if proven else set())
    stamps = [line.changed.received_ns for line in books]
    assert stamps == sorted(stamps)
    assert not player.notes


def test_files_of_the_same_time_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError) as caught:
        play(*two(tmp_path, -SECOND - 1))
    assert str(caught.value) == "a.jsonl begins before z.jsonl ends; export files of the same time one by one"


def test_a_file_of_no_frame_goes_before_the_others(tmp_path: Path) -> None:
    header = '{"format":"kraken-tui","version":1,"created":"2026-09-14T12:00:00.000Z","url":"x","pairs":[]}\n'
    player, told = play(file(tmp_path, "a.jsonl", session()), file(tmp_path, "b.jsonl", [header]))
    assert player.messages > 50
    assert told


def test_what_is_wrong_with_a_file_is_noted_with_its_name(tmp_path: Path) -> None:
    lines = session()
    player, _ = play(file(tmp_path, "a.jsonl", [*lines, lines[-1][:40]]))
    assert [note.partition(": ")[0] for note in player.notes] == ["a.jsonl"]
    (tmp_path / "b.jsonl").write_text(bare(v1_frames()))
    player, _ = play(tmp_path / "b.jsonl")
    assert player.notes == [f"b.jsonl is {V1}"]


# -- what a market derives ------------------------------------------------------------------------------------------


class Desk:
    """Takes note of what it is given, and when."""

    def __init__(self, *_: object) -> None:
        self.handled: list[object] = []
        self.ticks: list[int] = []
        made.append(self)

    def handle(self, event: object) -> None:
        self.handled.append(event)

    def tick(self, ns: int) -> None:
        self.ticks.append(ns - START)


made: list[Desk] = []


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> list[Desk]:
    made.clear()
    monkeypatch.setattr(recorded, "Desk", Desk)
    return made


def test_markets_are_told_the_time_ten_times_a_second_and_at_the_end(tmp_path: Path, desk: list[Desk]) -> None:
    tenth = SECOND // 10
    play(file(tmp_path, "a.jsonl", beats(0, tenth - 1, tenth, 2 * tenth - 1, 2 * tenth, SECOND)), derived=True)
    assert desk[0].ticks == [0, tenth, 2 * tenth, SECOND, SECOND, 3 * SECOND]


def test_the_end_asked_for_is_an_end_too(tmp_path: Path, desk: list[Desk]) -> None:
    path = file(tmp_path, "a.jsonl", beats(0, SECOND, 2 * SECOND, 3 * SECOND))
    player, _ = play(path, derived=True, end_ns=START + 2 * SECOND)
    assert (desk[0].ticks, player.frames) == ([0, SECOND, SECOND, 3 * SECOND], 2)


@pytest.mark.parametrize("books", [True, False])
def test_markets_look_at_books_only_where_they_need_them(books: bool, tmp_path: Path, desk: list[Desk]) -> None:
    player, told = play(file(tmp_path, "a.jsonl", session()), derived=True, books=books)
    assert any(isinstance(event, BookChanged) for event in desk[0].handled) is books
    assert len({type(event) for event in desk[0].handled}) > 2
    assert (told, player.messages) == ([], 0)


def minutes(count: int) -> list[str]:
    """A session that goes on for so many minutes."""
    writer = Session(7, BTC)
    writer.begin()
    writer.open("BTC/USD")
    for _ in range(count):
        begun = writer.now
        while (writer.now - begun).total_seconds() < 60:
            writer.pass_time(3.0)
            writer.trades("BTC/USD", [writer.trade("BTC/USD", "buy", "64215.8", "5.00000000")])
            writer.heartbeat()
    return writer.lines


def test_candles_belong_to_their_own_time_and_none_ends_by_time_that_was_not_recorded(tmp_path: Path) -> None:
    path = file(tmp_path, "a.jsonl", minutes(4))
    _, told = play(path, derived=True, books=False)
    candles = [event.candle for event in told if isinstance(event, CandleChanged)]
    begins = sorted({candle.begin_s for candle in candles})
    assert begins == [START // SECOND + 60 * number for number in range(5)]
    assert candles[-1].begin_s == begins[-1]
    assert not candles[-1].closed
    _, told = play(path, derived=True, books=False, begin_ns=begins[1] * SECOND, end_ns=begins[3] * SECOND)
    assert sorted({event.candle.begin_s for event in told if isinstance(event, CandleChanged)}) == begins[1:3]
    _, told = play(path, derived=True, books=False, begin_ns=begins[1] * SECOND + 1, end_ns=begins[3] * SECOND + 1)
    assert sorted({event.candle.begin_s for event in told if isinstance(event, CandleChanged)}) == begins[2:3]
    _, told = play(path, derived=True, books=False, interval=5)
    assert {event.candle.interval for event in told if isinstance(event, CandleChanged)} == {5}


def test_a_minute_that_ends_with_the_recording_stays_open(tmp_path: Path) -> None:
    """Two seconds are waited for flow events; they must not end the candle."""
    writer = Session(7, BTC)
    writer.begin()
    writer.open("BTC/USD")
    last = writer.trade("BTC/USD", "buy", "64215.8", "5.00000000")
    writer.trades("BTC/USD", [last])
    end = f'{{"rx_ns":{START + 59 * SECOND},"frame":{BEAT}}}\n'
    _, told = play(file(tmp_path, "a.jsonl", [*writer.lines, end]), derived=True)
    candles = [event.candle for event in told if isinstance(event, CandleChanged)]
    assert candles
    assert not any(candle.closed for candle in candles if candle.begin_s == START // SECOND)


def test_flow_is_told_within_the_time_asked_for_even_what_comes_late(tmp_path: Path) -> None:
    path = file(tmp_path, "a.jsonl", session(steps=1500))
    flow = [event for event in play(path, derived=True)[1] if isinstance(event, FlowEvent)]
    assert flow
    _, told = play(path, derived=True, begin_ns=START + 60 * SECOND)
    after = [event for event in told if isinstance(event, FlowEvent)]
    assert 0 < len(after) < len(flow)
    assert flow[-len(after) :] == after


def test_a_candle_beyond_the_end_is_not_told_though_the_recorders_clock_was_slow(tmp_path: Path) -> None:
    path = file(tmp_path, "a.jsonl", later(minutes(3), -2 * SECOND))
    end = START + 120 * SECOND
    _, told = play(path, derived=True, books=False, end_ns=end)
    begins = {event.candle.begin_s * SECOND for event in told if isinstance(event, CandleChanged)}
    assert begins == {START, START + 60 * SECOND}


def test_a_silence_within_a_file_is_no_hole_between_two(tmp_path: Path) -> None:
    writer = Session(7, BTC)
    writer.begin()
    writer.open("BTC/USD")
    writer.run(20, "BTC/USD")
    writer.now += timedelta(seconds=10)
    writer.run(20, "BTC/USD")
    player, told = play(file(tmp_path, "a.jsonl", writer.lines))
    assert player.messages == sum('"channel":"book","type"' in line for line in writer.lines)
    assert all(event.changed.verified for event in told if type(event) is BookLine)


def test_everything_is_wanted_unless_told_otherwise() -> None:
    assert Wanted() == Wanted((), 0, False, True, None, None, 1)
