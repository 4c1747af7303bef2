"""Recordings: the reader, the timeline, the clock, and real frames through a whole session."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kraken_tui.errors import RecordingError
from kraken_tui.feed.events import BookStateChanged, Note, PairAdded, Refused, Resync
from kraken_tui.feed.session import Session
from kraken_tui.market.events import BookChanged, BookState, Proof
from kraken_tui.recording import reader as recording_module
from kraken_tui.recording.format import gap_frame, lost_frames
from kraken_tui.recording.reader import Recorded, Recording, open_recording
from kraken_tui.recording.replay import ReplayClock, run_replay
from kraken_tui.recording.timeline import gap_sentence, timeline
from kraken_tui.units import SECOND
from tests.rig.bench import Rig
from tests.rig.clock import VENUE_START as WALL
from tests.rig.scripted import ScriptedVenue as Venue
from tests.rig.scripted import SlowBook, stamp

BEAT = b'{"channel":"heartbeat"}'


def play(frames: Any, *names: str) -> tuple[Session, list[Any]]:
    """All frames through a replay session at once."""
    session, events = Session(replay=True), []
    for name in names:
        session.want(name)
    items = [frame if isinstance(frame, Recorded) else Recorded(None, bytes(frame)) for frame in frames]
    asyncio.run(run_replay(session, items, ReplayClock(0), events.extend, asyncio.Event()))
    return session, events


class HostClock:
    """The computer's clock, moved by hand."""

    def __init__(self) -> None:
        self.at = 0

    def now(self) -> int:
        return self.at

    def wall(self) -> int:
        return self.at


# -- a session on a recording -------------------------------------------------------------------------------------


def recorded_session(seconds: float = 5) -> tuple[Rig, list[bytes]]:
    """Everything a live session received, as a recording would hold it."""
    rig, frames = Rig("BTC/USD", "ETH/USD"), []
    live_frame = rig.session.frame

    def tap(data: Any, now: int, wall: int) -> None:
        frames.append(data.encode() if isinstance(data, str) else data)
        live_frame(data, now, wall)

    rig.session.frame = tap  # type: ignore[method-assign]
    rig.run(seconds)
    return rig, frames


def test_p16_a_replay_of_a_live_session_ends_in_the_same_books() -> None:
    rig, frames = recorded_session()
    session, events = play(frames)
    for symbol, book in rig.session.books.items():
        assert (session.books[symbol].bids.top(), session.books[symbol].asks.top()) == (
            book.bids.top(),
            book.asks.top(),
        )
        assert not session.specs[symbol].assumed
    live = rig.of(BookChanged)
    replayed = [event for event in events if isinstance(event, BookChanged)]
    assert [(e.symbol, e.checksum, e.changes) for e in live] == [(e.symbol, e.checksum, e.changes) for e in replayed]
    assert session.counters.frames == session.counters.applied + sum(session.counters.ignored.values())


def test_only_the_named_pairs_are_taken_and_missing_ones_are_refused() -> None:
    _, frames = recorded_session(3)
    session, events = play(frames, "xbt-usd", "ETH/USDX")
    assert set(session.books) == {"BTC/USD"}
    assert [e for e in events if isinstance(e, PairAdded)] == [PairAdded("xbt-usd", "BTC/USD")]
    (refused,) = [e for e in events if isinstance(e, Refused)]
    assert (refused.symbol, refused.nearest[0]) == ("ETH/USDX", "ETH/USD")


def test_a_failed_book_of_a_recording_goes_on_unverified_until_a_new_snapshot() -> None:
    venue = Venue({"BTC/USD": (1, 8)})
    frames = [venue.book_snapshot("BTC/USD", 10), venue.book_update("BTC/USD")]
    venue.wrong_checksums["BTC/USD"] = 1
    frames += [venue.book_update("BTC/USD"), venue.book_update("BTC/USD"), venue.book_update("BTC/USD")]
    session, events = play([frame.encode() for frame in frames])
    assert session.stitchers["BTC/USD"].state is BookState.RESYNCING
    assert [e.verified for e in events if isinstance(e, BookChanged)] == [True, True, False, False, False]
    assert len([e for e in events if isinstance(e, Resync)]) == 1
    assert session.books["BTC/USD"].bids.top() == venue.books["BTC/USD"].top()[0]
    assert session.take_sends() == []
    healed, _ = play([frame.encode() for frame in [*frames, venue.book_snapshot("BTC/USD", 10)]])
    assert healed.stitchers["BTC/USD"].proof is Proof.VERIFIED


def test_a_reconnect_inside_a_recording_unproves_its_books() -> None:
    venue = Venue({"BTC/USD": (1, 8)})
    first, second = venue.welcome(), venue.welcome().replace("18125794168470749634", "18125794168470749635")
    frames = [first, venue.book_snapshot("BTC/USD", 10), first, second, venue.book_update("BTC/USD")]
    session, events = play([frame.encode() for frame in frames])
    assert session.stitchers["BTC/USD"].proof is Proof.UNVERIFIED
    assert session.counters.deltas_ignored == 1
    assert "reconnected" in [e for e in events if isinstance(e, BookStateChanged)][-1].reason


def test_an_unreadable_frame_of_a_recording_is_left_out() -> None:
    venue = Venue({"BTC/USD": (1, 8)})
    frames = [venue.book_snapshot("BTC/USD", 10).encode(), b'{"channel":"book"}', venue.book_update("BTC/USD").encode()]
    session, events = play(frames)
    assert session.counters.invalid == 1
    assert session.counters.checks_ok == 2
    assert any("left out" in e.text for e in events if isinstance(e, Note))


# -- the clock ----------------------------------------------------------------------------------------------------


def test_the_clock_runs_at_its_speed_stands_while_paused_and_stops_at_the_end() -> None:
    host = HostClock()
    clock = ReplayClock(2.0, host)
    clock.begin(WALL)
    host.at += 3 * SECOND
    assert clock.position_ns == 6 * SECOND
    assert clock.wait_s(WALL + 10 * SECOND) == 2.0
    clock.pause(True)
    host.at += 100 * SECOND
    assert clock.position_ns == 6 * SECOND
    assert clock.wait_s(WALL) is None
    clock.pause(False)
    clock.set_speed(0.5)
    host.at += 4 * SECOND
    assert clock.now() == clock.wall() == WALL + 8 * SECOND
    clock.set_speed(0)
    assert clock.wait_s(WALL + 10**15) == 0
    clock.reach(WALL + 9 * SECOND)
    clock.finish(WALL + 9 * SECOND)
    host.at += SECOND
    assert clock.finished
    assert clock.position_ns == 9 * SECOND


def test_another_speed_counts_from_the_moment_it_is_chosen() -> None:
    host = HostClock()
    clock = ReplayClock(2.0, host)
    clock.begin(WALL)
    for speed, position in ((0.5, 6), (4.0, 12), (1.0, 24)):
        host.at += {6: 3, 12: 12, 24: 3}[position] * SECOND
        assert clock.position_ns == position * SECOND
        clock.set_speed(speed)
        assert clock.position_ns == position * SECOND
    clock.pause(True)
    host.at += 60 * SECOND
    clock.set_speed(2.0)
    clock.pause(False)
    assert clock.position_ns == 24 * SECOND
    host.at += SECOND
    assert clock.position_ns == 26 * SECOND


def test_at_full_speed_the_clock_never_goes_back() -> None:
    clock = ReplayClock(0, HostClock())
    clock.begin(WALL)
    for at, position in ((5, 5), (3, 5), (4, 5), (6, 6)):
        clock.reach(WALL + at * SECOND)
        assert clock.position_ns == position * SECOND
    clock.finish(WALL + SECOND)
    assert clock.position_ns == 6 * SECOND


def test_at_a_pace_frames_do_not_move_the_clock() -> None:
    clock = ReplayClock(1.0, HostClock())
    clock.begin(WALL)
    clock.reach(WALL + 9 * SECOND)
    assert clock.position_ns == 0


@pytest.mark.parametrize("speed", [-1, float("nan"), float("inf"), 1e9])
def test_an_impossible_speed_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="replay speed"):
        ReplayClock(speed)


async def test_frames_wait_for_their_time_and_pause_holds_them() -> None:
    host, seen, stop = HostClock(), [], asyncio.Event()
    clock = ReplayClock(1.0, host)
    items = [Recorded(WALL + second * SECOND, BEAT) for second in range(4)]
    task = asyncio.create_task(
        run_replay(
            Session(replay=True),
            items,
            clock,
            lambda _: None,
            stop,
            lambda frame, ns, way: seen.append((ns - WALL, way)),
        )
    )

    async def settle() -> None:
        clock.changed()
        for _ in range(5):
            await asyncio.sleep(0)

    await settle()
    assert seen == [(0, "rx")]
    host.at += SECOND
    await settle()
    assert len(seen) == 2
    clock.pause(True)
    host.at += 10 * SECOND
    await settle()
    assert len(seen) == 2
    clock.pause(False)
    clock.set_speed(0)
    assert await task == 4


async def test_a_replay_at_full_speed_lets_others_run_and_can_be_stopped() -> None:
    stop, turns = asyncio.Event(), 0

    async def other() -> None:
        nonlocal turns
        while turns < 3:
            turns += 1
            await asyncio.sleep(0)
        stop.set()

    events: list[Any] = []
    task = asyncio.create_task(other())
    items = (Recorded(WALL + i, BEAT) for i in range(10**9))
    played = await run_replay(Session(replay=True), items, ReplayClock(0), events.extend, stop)
    await task
    assert 0 < played < 10_000
    assert events[-1].cause == "stopped"


# -- the timeline -------------------------------------------------------------------------------------------------


def test_epoch_like_times_are_taken_as_they_are_and_never_run_backwards() -> None:
    items = [Recorded(WALL + offset, BEAT) for offset in (0, 5, 3, 9)]
    assert [item.ns - WALL for item in timeline(items)] == [0, 5, 5, 9]


def test_a_monotonic_clock_is_anchored_at_the_first_timestamp() -> None:
    book = SlowBook(10)
    frame = book.frame("BTC/USD", "update", [], [], WALL).encode()
    items = [Recorded(1000, BEAT), Recorded(1000 + SECOND, frame), Recorded(1000 + 3 * SECOND, BEAT)]
    assert [item.ns - WALL for item in timeline(items)] == [-SECOND, 0, 2 * SECOND]


def test_bare_frames_follow_their_timestamps_with_a_heartbeat_a_second() -> None:
    book = SlowBook(10)

    def at(seconds: float) -> bytes:
        return book.frame("BTC/USD", "update", [], [], WALL + round(seconds * SECOND)).encode()

    items = [Recorded(None, frame) for frame in (b'{"channel":"status","data":[]}', at(0), BEAT, BEAT, at(2.5), BEAT)]
    assert [(item.ns - WALL) / SECOND for item in timeline(items)] == [0, 0, 0, 1, 2.5, 2.5]


def test_a_recording_without_any_time_still_plays() -> None:
    assert [item.ns for item in timeline([Recorded(None, BEAT)] * 3)] == [0, SECOND, 2 * SECOND]
    assert list(timeline([])) == []


def changes(*times: tuple[float, float | None]) -> list[Recorded]:
    """Book changes of (receipt by the recorder's clock, time written by the exchange), s; None for a heartbeat."""
    book = SlowBook(10)
    return [
        Recorded(
            WALL + round(rx * SECOND),
            BEAT if at is None else book.frame("BTC/USD", "update", [], [], WALL + round(at * SECOND)).encode(),
        )
        for rx, at in times
    ]


def times_of(items: list[Recorded]) -> tuple[list[float], dict[int, float], dict[int, float]]:
    """(times, clock steps by index, gaps by index), s."""
    played = list(timeline(items))
    steps = {number: item.step_ns / SECOND for number, item in enumerate(played) if item.step_ns}
    gaps = {number: item.gap_ns / SECOND for number, item in enumerate(played) if item.gap_ns}
    return [(item.ns - WALL) / SECOND for item in played], steps, gaps


@pytest.mark.parametrize("set_by", [-12.0, -0.9, -90.0, 12.0, 90.0, 86_400.0])
def test_across_a_step_of_the_recorders_clock_the_exchanges_time_leads(set_by: float) -> None:
    items = changes(*((at / 2 + (set_by if at >= 20 else 0), at / 2) for at in range(40)))
    times, steps, gaps = times_of(items)
    assert times == [at / 2 for at in range(40)]
    assert steps == {20: set_by}
    assert gaps == {}


def test_a_step_that_only_heartbeats_surround_stops_the_time_for_none_of_the_frames_after() -> None:
    times, steps, _ = times_of(changes((0, None), (1, None), (-9, None), (-8, None)))
    assert times == [0, 1, 1, 2]
    assert steps == {2: -10}


def test_frames_that_waited_somewhere_are_no_step_of_the_clock() -> None:
    """A connection that stood still for ten seconds brings late frames, and less and less late ones after them."""
    items = changes((0, 0), (1, 1), *((11 + at / 100, 1.5 + at / 2) for at in range(20)), (12, 12), (13, 13))
    times, steps, gaps = times_of(items)
    assert times == [((item.rx_ns or 0) - WALL) / SECOND for item in items]
    assert (steps, gaps) == ({}, {})


def test_late_frames_at_the_end_do_not_prove_a_step() -> None:
    assert times_of(changes((0, 0), (1, 1), (13, 1.5), (13.1, 2)))[1] == {}


def test_an_old_snapshot_after_a_leap_is_no_step_of_the_clock() -> None:
    """A snapshot is of the moment of the last change, hours ago on a quiet pair."""
    old = SlowBook(10).frame("BTC/USD", "snapshot", [], [], WALL + SECOND).encode()
    items = [*changes((0, 0), (1, 1)), Recorded(WALL + 7200 * SECOND, old), *changes((7201, 7201), (7203, 7203))]
    times, steps, gaps = times_of(items)
    assert times == [0, 1, 7200, 7201, 7203]
    assert (steps, gaps) == ({}, {2: 7199})


def test_a_gap_is_a_minute_without_a_frame() -> None:
    times, steps, gaps = times_of(changes((0, 0), (59.9, None), (119.9, None), (30_000, 30_000), (30_001, 30_001)))
    assert times == [0, 59.9, 119.9, 30_000, 30_001]
    assert steps == {}
    assert gaps == {2: 60, 3: 30_000 - 119.9}


def test_a_second_session_by_another_monotonic_clock_goes_on_by_the_exchanges_time() -> None:
    """The computer was started again in between: its clock counts from the start."""
    both = changes((0, 0), (1, 1), (0, 500), (1, 501))
    items = [item.__class__((item.rx_ns or 0) - WALL + 10**12, item.frame) for item in both]
    times, _, gaps = times_of(items)
    assert times == [0, 1, 500, 501]
    assert gaps == {2: 499}


@pytest.mark.parametrize("absurd", [10.0**8, -(10.0**8)])
def test_a_single_absurd_receive_time_is_passed_over(absurd: float) -> None:
    times, steps, gaps = times_of(changes((0, 0), (1, 1), (absurd, 2), (3, 3), (4, 4)))
    assert times == [0, 1, 1, 3, 4]
    assert (steps, gaps) == ({}, {})


def test_a_single_absurd_time_of_the_exchange_does_not_carry_bare_frames_away() -> None:
    frames = [item.frame for item in changes((0, 0), (0, 1), (0, 10.0**8), (0, 2), (0, 3), (0, 4000), (0, 4001))]
    times, _, gaps = times_of([Recorded(None, frame) for frame in frames])
    assert times == [0, 1, 1, 2, 3, 4000, 4001]
    assert gaps == {5: 3997}


@pytest.mark.parametrize("speed", [1.0, 10.0])
async def test_a_gap_is_named_shown_for_seconds_and_skipped_at_any_speed(speed: float) -> None:
    host, seen, told, stop = HostClock(), [], [], asyncio.Event()
    clock = ReplayClock(speed, host)
    items = changes((0, 0), (28_797, 28_797), (28_798, 28_798))
    task = asyncio.create_task(
        run_replay(Session(replay=True), items, clock, told.extend, stop, lambda _, ns, __: seen.append(ns))
    )
    await turn(clock)
    host.at += 2 * SECOND
    await turn(clock)
    assert len(seen) == 1
    assert clock.gap_ns == 28_797 * SECOND
    notes = [event.text for event in told if isinstance(event, Note)]
    assert notes[-1] == "nothing was recorded for 7 h 59 min; the gap is skipped"
    clock.pause(True)
    host.at += 60 * SECOND
    await turn(clock)
    assert len(seen) == 1, "a pause holds the gap too"
    clock.pause(False)
    await turn(clock)
    host.at += round(1.1 * SECOND)
    await turn(clock)
    assert len(seen) == 2
    assert clock.gap_ns == 0
    assert clock.position_ns == 28_797 * SECOND
    host.at += 2 * SECOND
    assert await task == 3


async def test_a_key_skips_a_gap_or_a_silence_at_once() -> None:
    host, seen, stop = HostClock(), [], asyncio.Event()
    clock = ReplayClock(1.0, host)
    clock.skip()
    items = changes((0, 0), (30, 30), (40_000, 40_000))
    task = asyncio.create_task(
        run_replay(Session(replay=True), items, clock, lambda _: None, stop, lambda _, ns, __: seen.append(ns))
    )
    await turn(clock)
    clock.skip()
    await turn(clock)
    assert len(seen) == 2
    clock.pause(True)
    clock.skip()
    await turn(clock)
    assert (len(seen), clock.position_ns) == (2, 40_000 * SECOND)
    clock.pause(False)
    assert await task == 3


async def turn(clock: ReplayClock) -> None:
    """Let the player look at its clock."""
    clock.changed()
    for _ in range(5):
        await asyncio.sleep(0)


# -- the reader ---------------------------------------------------------------------------------------------------


def our_recording(count: int) -> bytes:
    head = json.dumps({"format": "kraken-tui", "version": 1, "symbols": ["BTC/USD"]})
    lines = [f'{{"rx_ns":{WALL + i},"frame":{{"channel":"heartbeat","n":  {i}.50}}}}' for i in range(count)]
    return "\n".join([head, f'{{"rx_ns":{WALL},"dir":"tx","frame":{{"method":"ping"}}}}', *lines, ""]).encode()


def frames_of(path: Path) -> tuple[list[Recorded], Recording]:
    recording = Recording(path)
    return list(recording), recording


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".jsonl.zst"])
def test_raw_bytes_order_and_direction_survive_in_every_packing(tmp_path: Path, suffix: str) -> None:
    content = our_recording(500)
    if suffix.endswith("gz"):
        content = gzip.compress(content[:4000]) + gzip.compress(content[4000:])
    elif suffix.endswith("zst"):
        zstandard = pytest.importorskip("zstandard")
        content = zstandard.compress(content[:4000]) + zstandard.compress(content[4000:])
    items, recording = frames_of(write(tmp_path / f"r{suffix}", content))
    assert items[0] == Recorded(WALL, b'{"method":"ping"}', direction="tx", line=2)
    assert [item.frame for item in items[1:]] == [b'{"channel":"heartbeat","n":  %d.50}' % i for i in range(500)]
    assert recording.problem == ""
    assert recording.frames == 501


@settings(max_examples=100)
@given(st.data())
def test_p17_f81_any_prefix_gives_a_prefix_of_the_frames(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    content = our_recording(6)
    whole = [line.partition(b'"frame":')[2][:-1] for line in content.splitlines()[1:]]
    cut = data.draw(st.integers(content.index(b"\n") + 1, len(content)))
    path = write(tmp_path_factory.mktemp("cut") / "r.jsonl", content[:cut])
    items, recording = frames_of(path)
    assert [item.frame for item in items] == whole[: len(items)]
    complete = content[:cut].count(b"\n") - 1
    assert complete <= len(items) <= complete + 1
    torn = content[:cut].split(b"\n")[-1]
    if torn and len(items) == complete:
        assert f"cut off in line {complete + 2}" in recording.problem
    else:
        assert recording.problem == ""


@pytest.mark.parametrize("kind", ["gz", "zst"])
def test_a_cut_archive_gives_what_was_whole(tmp_path: Path, kind: str) -> None:
    content = our_recording(20_000)
    packed = gzip.compress(content) if kind == "gz" else pytest.importorskip("zstandard").compress(content)
    items, recording = frames_of(write(tmp_path / f"r.{kind}", packed[: len(packed) * 3 // 4]))
    assert 5_000 < len(items) < 20_000
    assert "cut off" in recording.problem


def test_f82_a_damaged_line_is_left_out_and_named(tmp_path: Path) -> None:
    lines = our_recording(5).splitlines()
    lines[4] = lines[4].replace(b"frame", b"fr\xffme")[:-1]
    items, recording = frames_of(write(tmp_path / "r.jsonl", b"\n".join([*lines, b""])))
    assert len(items) == 5
    assert recording.damaged == 1
    assert "line 5 is damaged" in recording.problem


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("empty.jsonl", b"", "is empty"),
        ("photo.jsonl", b"\x89PNG\r\n\x1a\n", "is not a recording"),
        ("list.jsonl", b"[1,2]\n", "is not a recording"),
        ("pretty.json", b'{\n "init": {}\n}', "is not a recording"),
        ("other.jsonl", b'{"format":"tardis","version":1}\n', "of another program"),
        ("new.jsonl", b'{"format":"kraken-tui","version":2}\n', "newer than this program"),
        ("odd.jsonl", b'{"format":"kraken-tui","version":"1"}\n', "newer than this program"),
        ("head.jsonl", b'{"format":"kraken-tui","version":1}\n', "holds no whole frame"),
        ("lie.gz", b"plain text", "not what its name says"),
        ("lie.zst", b"plain text", "not what its name says"),
        ("plain.zst", b'{"format":"kraken-tui","version":1}\n', r"is not compressed, though its name ends in \.zst"),
        ("plain.gz", b'[{"channel":"heartbeat"}]\n', r"is not compressed, though its name ends in \.gz"),
        ("packed.jsonl", gzip.compress(b"{}\n", mtime=0), r"is compressed, but its name does not end in \.gz"),
        ("packed.gz", bytes.fromhex("28b52ffd") + b"x", r"is compressed, but its name does not end in \.zst"),
        ("ours.jsonl", bytes.fromhex("502a4d18") + b"x", r"is compressed, but its name does not end in \.zst"),
        ("printed.jsonl", b'{"event":"state","connection":"CONNECTING"}\n', "what kraken-tui stream printed"),
        ("printed.jsonl", b'{"event":"candle","symbol":"BTC/USD"}\n', "what kraken-tui stream printed"),
    ],
)
def test_f84_foreign_files_are_refused_in_one_sentence(
    tmp_path: Path, name: str, content: bytes, sentence: str
) -> None:
    with pytest.raises(RecordingError, match=sentence) as caught:
        open_recording(write(tmp_path / name, content))
    assert "\n" not in str(caught.value)


def test_a_missing_file_or_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"nothing\.jsonl cannot be read: No such file"):
        open_recording(tmp_path / "nothing.jsonl")
    with pytest.raises(RecordingError, match="cannot be read"):
        open_recording(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="FIFOs are a POSIX thing")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "pipe.jsonl"
    os.mkfifo(path)
    with pytest.raises(RecordingError, match=r"/pipe\S* cannot be read: it is not a regular file"):
        open_recording(path)


def test_f84_a_bomb_is_refused_early(tmp_path: Path) -> None:
    bomb = write(tmp_path / "bomb.gz", gzip.compress(our_recording(1) + (b" " * 1000 + b"\n") * 20_000))
    with pytest.raises(RecordingError, match="200 times"):
        list(Recording(bomb))


def test_a_line_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording_module, "MAX_LINE", 1000)
    with pytest.raises(RecordingError, match="has a line of over"):
        list(Recording(write(tmp_path / "long.jsonl", our_recording(1) + b'{"x":"' + b"y" * 600_000)))


async def test_a_torn_end_is_told_and_the_rest_played(tmp_path: Path) -> None:
    path = write(tmp_path / "torn.jsonl", our_recording(5)[:-10])
    events: list[Any] = []
    played = await run_replay(Session(replay=True), Recording(path), ReplayClock(0), events.extend, asyncio.Event())
    assert played == 5
    assert any("cut off in line 7" in e.text for e in events if isinstance(e, Note))


def test_the_header_of_another_recorder_is_skipped(tmp_path: Path) -> None:
    head = b'{"captured_at":"2026","url":"wss://x","symbol":"BTC/USD"}\n'
    items, _ = frames_of(write(tmp_path / "r.ndjson", head + b'{"rx_ns": 5, "frame": {"channel":"heartbeat"}}\n\n'))
    assert items == [Recorded(5, BEAT, line=2)]
    assert stamp(WALL).endswith("Z")


def test_no_book_is_proven_over_a_gap_until_its_next_snapshot() -> None:
    venue = Venue()
    frames = [venue.book_snapshot("BTC/USD", 10), venue.book_update("BTC/USD")]
    before = [Recorded(WALL, frame.encode()) for frame in frames]
    gap = Recorded(WALL + SECOND, gap_frame(1234), "gap")
    session, events = play([*before, gap])
    assert session.stitchers["BTC/USD"].proof is Proof.UNVERIFIED
    [note] = [event for event in events if isinstance(event, Note)]
    assert note.text == "the recorder lost 1,234 frames here"
    assert session.counters.frames == 2, "a gap is no frame"
    again = Recorded(WALL + 2 * SECOND, venue.book_snapshot("BTC/USD", 10).encode(), "state")
    changed = [event for event in play([*before, gap, again])[1] if isinstance(event, BookStateChanged)]
    assert [event.proof for event in changed][-2:] == [Proof.UNVERIFIED, Proof.VERIFIED]
    assert (Proof.UNVERIFIED, "the recorder lost 1,234 frames here") in [
        (event.proof, event.reason) for event in changed
    ]


def test_a_gap_that_cannot_be_read_is_one_all_the_same() -> None:
    assert lost_frames(b"{}") == 0
    assert gap_sentence(b"{}") == "the recorder lost frames here"


def test_two_names_of_one_pair_are_both_found_and_neither_is_refused() -> None:
    venue = Venue({"BTC/USD": (1, 8)})
    frames = [venue.book_snapshot("BTC/USD", 10).encode(), venue.book_update("BTC/USD").encode()]
    session, events = play(frames, "xbt/usd", "BTCUSD", "BTC/USD", "ETHUSD")
    assert dict(session.names) == {"xbt/usd": "BTC/USD", "BTCUSD": "BTC/USD", "BTC/USD": "BTC/USD", "ETHUSD": None}
    found = [event.name for event in events if isinstance(event, PairAdded)]
    assert found == ["xbt/usd", "BTCUSD", "BTC/USD"]
    assert [event.symbol for event in events if isinstance(event, Refused)] == ["ETHUSD"]
