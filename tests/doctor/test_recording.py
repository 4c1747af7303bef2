"""A recording at the doctor's: what is in it, what is wrong, where, and the hash of the state before."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from kraken_tui.cli import main as cli
from kraken_tui.doctor.recording import FAULTS_SHOWN, Examination, examine
from kraken_tui.feed.session import Session
from kraken_tui.recording.format import gap_frame
from kraken_tui.recording.writer import Recorder
from tests.rig.clock import VENUE_START as WALL
from tests.rig.scripted import ScriptedVenue as Venue
from tests.rig.scripted import stamp

SECOND = 1_000_000_000
STEP = SECOND // 10


def good(venue: Venue) -> list[str | bytes]:
    """A connection with everything on it; line 2 of a recording is its first frame."""
    frames: list[str | bytes] = [venue.welcome(), venue.instruments()]
    for symbol in venue.pairs:
        frames += [venue.book_snapshot(symbol, 10), venue.trades(symbol, range(90, 95), "snapshot")]
        frames += [venue.ticker(symbol), venue.candle(symbol, 1)]
    frames += ['{"channel":"heartbeat"}', venue.book_update("BTC/USD"), venue.book_update("ETH/USD")]
    return frames


def write(path: Path, frames: Sequence[str | bytes]) -> Path:
    recorder = Recorder(path, wall_ns=WALL)
    for number, frame in enumerate(frames):
        recorder.write(frame.encode() if isinstance(frame, str) else frame, WALL + number * STEP)
        recorder.tick(WALL + number * STEP)
    recorder.close()
    return path


def report(path: Path, *, until_fault: bool = False) -> tuple[int, dict[str, Any]]:
    said: list[str] = []
    code = examine(path, until_fault=until_fault, machine=True, write=said.append)
    return code, json.loads("".join(said))


def wrong_touch(venue: Venue) -> str:
    """The ticker tells ten times the price: no race explains that."""
    return venue.ticker("BTC/USD", "update").replace("5000.0", "50000.0").replace("5000.1", "50001.0")


def wrong_checksum(venue: Venue) -> str:
    venue.wrong_checksums["BTC/USD"] = 1
    return venue.book_update("BTC/USD")


FAULTS: dict[str, tuple[Callable[[Venue], list[str | bytes]], str, str, str]] = {
    "checksum": (
        lambda venue: [wrong_checksum(venue)],
        "BTC/USD", r"\d+", r"\d+",
    ),
    "no checksum": (
        lambda venue: [re.sub(r',"checksum":\d+', "", venue.book_update("ETH/USD"))],
        "ETH/USD", "a checksum from 0 to 4294967295", "none, or no such number",
    ),
    "bad number": (
        lambda venue: [re.sub(r'"qty":[\d.]+', '"qty":-1', venue.book_update("BTC/USD"))],
        "BTC/USD", "plain decimal numbers.*", "unacceptable number: .*'-1'",
    ),
    "trade gap": (
        lambda venue: [venue.trades("BTC/USD", [95, 98, 99])],
        "BTC/USD", "trade 96", "trade 98; 2 missing",
    ),
    "unreadable frame": (
        lambda venue: [b"\x00{"],
        "", "a message of the exchange", ".+",
    ),
    "rejected frame": (
        lambda venue: [venue.trades("ETH/USD", [95]).replace('"buy"', '"bye"')],
        "ETH/USD", "values that can be taken", ".*a trade of side 'bye'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".jsonl.zst"])
def test_a_sound_recording_has_no_fault(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"day{suffix}", good(Venue()))
    code, found = report(path)
    assert (code, found["ok"], found["faults"], found["faults_by_kind"]) == (0, True, [], {})
    assert (found["frames"], found["checksums_right"], found["checksums_wrong"]) == (13, 4, 0)
    assert found["last_ns"] - found["first_ns"] == 12 * STEP
    pairs = {pair["symbol"]: pair for pair in found["pairs"]}
    assert pairs["BTC/USD"] | {"state_hash": ""} == {
        "symbol": "BTC/USD", "depth": 10, "state": "LIVE", "proof": "VERIFIED", "messages": 2, "checksums_right": 2,
        "checksums_wrong": 0, "resyncs": 0, "trades": 5, "trades_missing": 0, "state_hash": "",
    }  # fmt: skip
    code, stopped = report(path, until_fault=True)
    assert (code, stopped["state_hash"], stopped["state_hash_before"]) == (0, found["state_hash"], None)


@pytest.mark.parametrize("kind", FAULTS)
def test_until_fault_names_the_line_and_hashes_all_before_it(tmp_path: Path, kind: str) -> None:
    """The hash is that of a recording that ends with the line before."""
    venue = Venue()
    before = good(venue)
    make, symbol, expected, seen = FAULTS[kind]
    fault = make(venue)
    after = [venue.book_update("ETH/USD"), b"nonsense"]
    code, found = report(write(tmp_path / "whole.jsonl", [*before, *fault, *after]), until_fault=True)
    assert code == 1
    (told,) = found["faults"]
    assert (told["kind"], told["symbol"], told["line"]) == (kind, symbol, len(before) + 2)
    assert told["ns"] == WALL + len(before) * STEP
    assert told["time"] == stamp(told["ns"])
    assert re.fullmatch(expected, told["expected"])
    assert re.fullmatch(seen, told["seen"])
    assert found["frames"] == len(before) + 1
    _, prefix = report(write(tmp_path / "prefix.jsonl", before))
    assert prefix["ok"]
    assert found["state_hash_before"] == prefix["state_hash"]
    assert found["state_hash_before"] != found["state_hash"]
    code, all_of_it = report(tmp_path / "whole.jsonl")
    assert code == 1
    assert all_of_it["faults"][0] == told
    assert all_of_it["faults_by_kind"]["unreadable frame"] == 1 + (kind == "unreadable frame")


def test_the_checksums_told_are_the_ones_compared(tmp_path: Path) -> None:
    venue = Venue()
    before = good(venue)
    update = venue.book_update("BTC/USD")
    right = venue.books["BTC/USD"].checksum()
    frames = [*before, update.replace(f'"checksum":{right}', '"checksum":7')]
    _, found = report(write(tmp_path / "day.jsonl", frames))
    assert (found["faults"][0]["expected"], found["faults"][0]["seen"]) == ("7", str(right))


def test_a_ticker_that_contradicts_the_book_is_a_fault(tmp_path: Path) -> None:
    venue = Venue()
    granted = {"channel": "ticker", "symbol": "BTC/USD", "event_trigger": "bbo"}
    frames = [json.dumps({"method": "subscribe", "success": True, "result": granted}), *good(venue)]
    for number in range(60):
        frames.append(wrong_touch(venue) if number % 10 == 0 else '{"channel":"heartbeat"}')
    code, found = report(write(tmp_path / "day.jsonl", frames), until_fault=True)
    assert code == 1
    (told,) = found["faults"]
    assert (told["kind"], told["symbol"], told["expected"]) == ("witness", "BTC/USD", "book and ticker agree")
    assert re.fullmatch(r"the ticker's (bid 50000.0|ask 50001.0) is not the book's [\d.]+", told["seen"])


def test_one_lost_book_is_one_fault_and_a_snapshot_makes_it_two(tmp_path: Path) -> None:
    venue = Venue()
    frames = good(venue)
    venue.wrong_checksums["BTC/USD"] = 3
    frames += [venue.book_update("BTC/USD") for _ in range(3)]
    frames += [venue.book_snapshot("BTC/USD", 10)]
    venue.wrong_checksums["BTC/USD"] = 1
    frames += [venue.book_update("BTC/USD")]
    _, found = report(write(tmp_path / "day.jsonl", frames))
    assert found["faults_by_kind"] == {"checksum": 2}
    assert found["checksums_wrong"] == 4
    assert [fault["line"] for fault in found["faults"]] == [15, 19]
    assert found["resyncs"] == {"checksum": 2}


def test_a_reconnect_and_a_new_precision_are_no_faults(tmp_path: Path) -> None:
    venue = Venue()
    frames = [*good(venue), venue.welcome().replace("18125794168470749634", "7"), *good(venue)[1:]]
    venue.pairs["BTC/USD"] = (2, 8)
    frames += [venue.instruments("update", "BTC/USD")]
    frames += [venue.book_update("BTC/USD").replace("5000.", "500.0"), venue.book_snapshot("BTC/USD", 10)]
    code, found = report(write(tmp_path / "day.jsonl", frames))
    assert (code, found["faults"]) == (0, [])
    assert (found["connection_changes"], found["resyncs"]) == (1, {"precision changed": 1})
    assert found["pairs"][0]["proof"] == "VERIFIED"


# -- damaged files ------------------------------------------------------------------------------------------------


def test_a_flipped_byte_is_found_at_its_line_with_the_state_before_it(tmp_path: Path) -> None:
    frames = good(Venue())
    path = write(tmp_path / "day.jsonl", frames)
    lines = path.read_bytes().split(b"\n")
    lines[9] = lines[9].replace(b"ETH", b"ETX", 1)
    path.write_bytes(b"\n".join(lines))
    code, found = report(path, until_fault=True)
    assert code == 1
    (told,) = found["faults"]
    assert (told["kind"], told["line"], told["ns"]) == ("damaged file", 10, WALL + 7 * STEP)
    _, prefix = report(write(tmp_path / "prefix.jsonl", frames[:8]))
    assert found["state_hash_before"] == found["state_hash"] == prefix["state_hash"]
    code, found = report(path)
    assert (code, found["damaged_lines"], found["frames"]) == (1, 1, len(frames) - 1)


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".jsonl.zst"])
def test_a_cut_off_file_is_damaged(tmp_path: Path, suffix: str) -> None:
    frames = good(Venue())
    path = write(tmp_path / f"day{suffix}", frames)
    path.write_bytes(path.read_bytes()[:-20])
    code, found = report(path, until_fault=True)
    assert code == 1
    (told,) = found["faults"]
    assert told["kind"] == "damaged file"
    assert "cut off" in told["seen"]
    assert told["line"] == found["frames"] + 2
    _, prefix = report(write(tmp_path / "prefix.jsonl", frames[: found["frames"]]))
    assert found["state_hash_before"] == prefix["state_hash"]


def test_a_damaged_part_of_an_archive_is_damage(tmp_path: Path) -> None:
    venue = Venue()
    frames = good(venue) + ['{"channel":"heartbeat"}'] * 40
    path = write(tmp_path / "day.jsonl.gz", frames)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x55
    path.write_bytes(content)
    code, found = report(path)
    assert code == 1
    assert found["faults_by_kind"]["damaged file"] == found["damaged_lines"] >= 1
    assert 0 < found["frames"] < len(frames)


def test_what_ends_in_a_refusal_of_the_reader_is_told_with_what_was_played(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = good(Venue())
    path = write(tmp_path / "day.jsonl", frames)
    with path.open("ab") as file:
        file.write(b"x" * 200_000)
    monkeypatch.setattr("kraken_tui.recording.reader.MAX_LINE", 100_000)
    code, found = report(path)
    assert code == 1
    assert found["faults"][-1]["seen"].startswith("day.jsonl has a line of over")
    assert (found["frames"], found["faults"][-1]["line"]) == (len(frames), len(frames) + 2)


# -- shapes and text ----------------------------------------------------------------------------------------------


def test_the_same_frames_in_every_shape_have_the_same_hashes(tmp_path: Path) -> None:
    frames = [frame for frame in good(Venue()) if isinstance(frame, str)]
    paths = [write(tmp_path / f"day{suffix}", frames) for suffix in (".jsonl", ".jsonl.gz", ".jsonl.zst")]
    bare, foreign, packed = tmp_path / "bare.jsonl", tmp_path / "foreign.ndjson", tmp_path / "bare.jsonl.gz"
    bare.write_text("\n".join(frames) + "\n")
    packed.write_bytes(gzip.compress(bare.read_bytes()))
    timed = [f'{{"rx_ns": {10**12 + number * STEP}, "frame": {frame}}}' for number, frame in enumerate(frames)]
    foreign.write_text("\n".join(['{"captured_by":"another"}', *timed]) + "\n")
    reports = [report(path)[1] for path in (*paths, bare, packed, foreign)]
    assert len({(found["frames_hash"], found["state_hash"], found["frames"]) for found in reports}) == 1
    assert all(found["ok"] for found in reports)


def test_hostile_text_is_inert(tmp_path: Path) -> None:
    evil = "\x1b]52;c;eA==\x07\u202e\u200b"
    venue = Venue()
    escaped = json.dumps(evil)[1:-1]
    frames = [
        *good(venue),
        venue.trades("ETH/USD", [95]).replace('"buy"', f'"{escaped}"'),
        f'{{"channel":"{escaped}","type":"update","data":[]}}',
        f'"{evil}"',
    ]
    path = write(tmp_path / f"day{evil[:3]}.jsonl", frames)
    said: list[str] = []
    assert examine(path, until_fault=False, machine=False, write=said.append) == 1
    text = "".join(said)
    assert not set(evil) - {*"]52;c;eA=="} & set(text)
    assert all(character.isprintable() or character == "\n" for character in text)
    said.clear()
    examine(path, until_fault=False, machine=True, write=said.append)
    assert "".join(said).isascii()


def test_many_faults_are_counted_and_the_first_are_told(tmp_path: Path) -> None:
    path = write(tmp_path / "day.jsonl", [*good(Venue()), *[b"nonsense"] * 50])
    _, found = report(path)
    assert (len(found["faults"]), found["faults_by_kind"]) == (FAULTS_SHOWN, {"unreadable frame": 50})
    said: list[str] = []
    examine(path, until_fault=False, machine=False, write=said.append)
    assert "\nand 30 more\n" in "".join(said)


def test_a_limit_plays_a_part(tmp_path: Path) -> None:
    frames = good(Venue())
    part = Examination(write(tmp_path / "day.jsonl", frames))
    part.play(limit=5)
    whole = Examination(write(tmp_path / "part.jsonl", frames[:5]))
    whole.play()
    assert part.frames == whole.frames == 5
    assert part.state_hash == whole.state_hash


# -- the command --------------------------------------------------------------------------------------------------


def test_the_command_prints_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    venue = Venue()
    path = write(tmp_path / "day.jsonl", [*good(venue), wrong_checksum(venue)])
    assert cli.main(["doctor", "--recording", str(path), "--until-fault"]) == 1
    out, err = capsys.readouterr()
    assert err == ""
    assert re.search(r"^frames +14 received, 0 sent$", out, re.MULTILINE)
    assert re.search(r"^BTC/USD +10  RESYNCING  UNVERIFIED +3 +2 +1 +1 +5 +0  [0-9a-f]{16}$", out, re.MULTILINE)
    assert re.search(r"^FAULT checksum: line 15, 2026-09-21T\S+Z, BTC/USD: expected \d+, seen \d+$", out, re.MULTILINE)
    assert re.search(r"^state hash up to the frame before: [0-9a-f]{64}$", out, re.MULTILINE)
    assert re.search(r"^14 frames in \d+\.\d s: stopped at the first fault, in line 15$", out, re.MULTILINE)
    assert cli.main(["doctor", "--recording", str(write(tmp_path / "good.jsonl", good(Venue())))]) == 0
    assert capsys.readouterr().out.rstrip().endswith("s: no fault")
    assert cli.main(["doctor", "--recording", str(path), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["faults"][0]["line"] == 15


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["--until-fault"], "--until-fault is for doctor --recording FILE"),
        (["--recording", "none.jsonl"], "there is no recording none.jsonl"),
        (["--recording", "~nobody-of-this-name/x"], "there is no recording ~nobody-of-this-name/x"),
        (["--recording", "a\0b"], "there is no recording a\N{REPLACEMENT CHARACTER}b"),
        (["--recording", "x", "--connect"], "doctor takes --connect or --recording, not both"),
        (["--recording", "x", "BTC/USD"], "PAIR is for doctor --connect"),
    ],
)
def test_wrong_use(capsys: pytest.CaptureFixture[str], argv: list[str], sentence: str) -> None:
    assert cli.main(["doctor", *argv]) == 2
    assert capsys.readouterr().err == f"kraken-tui: {sentence}\n"


@pytest.mark.parametrize("content", [b"", b"no recording\n", b'{"format":"other"}\n', b"\x1b[2J\n"])
def test_a_file_that_is_no_recording_is_wrong_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    path = tmp_path / "file.jsonl"
    path.write_bytes(content)
    assert cli.main(["doctor", "--recording", str(path)]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert err.isprintable() or err[:-1].isprintable()


def with_gap(path: Path, venue: Venue) -> Path:
    """A recording whose recorder lost frames and then wrote every book again."""
    recorder = Recorder(path, wall_ns=WALL)
    for frame in good(venue):
        recorder.write(frame.encode() if isinstance(frame, str) else frame, WALL)
    venue.book_update("BTC/USD")
    recorder.write(gap_frame(7), WALL + SECOND, "gap")
    recorder.write(venue.book_snapshot("BTC/USD", 10).encode(), WALL + SECOND, "state")
    recorder.write(venue.book_update("BTC/USD").encode(), WALL + 2 * SECOND)
    recorder.close()
    return path


def timed(path: Path, frames: Sequence[tuple[float, str | bytes]]) -> Path:
    """A recording whose recorder's clock said so, s."""
    recorder = Recorder(path, wall_ns=WALL)
    for at, frame in frames:
        recorder.write(frame.encode() if isinstance(frame, str) else frame, WALL + round(at * SECOND))
    recorder.close()
    return path


def test_changes_of_a_book_before_its_snapshot_are_one_fault_a_pair(tmp_path: Path) -> None:
    venue = Venue()
    begun = [venue.welcome(), venue.instruments()]
    assert all(venue.book_snapshot(pair, 10) for pair in venue.pairs), "lost"
    changes = [venue.book_update(pair) for pair in ("BTC/USD", "ETH/USD", "BTC/USD", "BTC/USD")]
    frames = [*begun, *changes, venue.book_snapshot("BTC/USD", 10), venue.book_update("BTC/USD")]
    code, found = report(write(tmp_path / "middle.jsonl", frames))
    assert (code, found["faults_by_kind"]) == (1, {"book before its snapshot": 2})
    assert [(fault["symbol"], fault["line"]) for fault in found["faults"]] == [("BTC/USD", 4), ("ETH/USD", 5)]
    assert found["faults"][0]["expected"] == "a snapshot of the book first"
    session = Session(replay=True)
    session.opened(1, 1)
    session.frame(changes[0], 1, 1)
    assert any("BTC/USD: the recording begins within its book" in str(event) for event in session.take_events())
    again = venue.welcome().replace("18125794168470749634", "7")
    code, found = report(write(tmp_path / "again.jsonl", [*good(venue), again, venue.book_update("ETH/USD")]))
    assert (code, found["faults_by_kind"]) == (1, {"book before its snapshot": 1}), "a connection begins again"


@pytest.mark.parametrize(("set_by", "seen"), [(-12, "set back by 12.0 s"), (7200, "set forward by 2 h 0 min")])
def test_a_step_of_the_recorders_clock_is_a_fault(tmp_path: Path, set_by: int, seen: str) -> None:
    venue = Venue()
    frames: list[tuple[float, str | bytes]] = [(number / 10, frame) for number, frame in enumerate(good(venue))]
    for number in range(20):
        at = 2 + number / 2
        venue.wall = WALL + round(at * SECOND)
        frames.append((at + (set_by if number >= 10 else 0), venue.book_update("BTC/USD")))
    code, found = report(timed(tmp_path / "day.jsonl", frames))
    assert (code, found["faults_by_kind"], found["notes"]) == (1, {"clock step": 1}, [])
    assert seen in found["faults"][0]["seen"]
    assert found["faults"][0]["line"] == len(good(Venue())) + 12
    assert found["last_ns"] == WALL + round(11.5 * SECOND)


def test_a_long_gap_and_numbers_that_begin_again_are_noted_and_no_faults(tmp_path: Path) -> None:
    venue = Venue()
    frames: list[tuple[float, str | bytes]] = [(number / 10, frame) for number, frame in enumerate(good(venue))]
    venue.wall = WALL + 30_000 * SECOND
    frames += [(30_000 + number, venue.trades("BTC/USD", [number])) for number in (1, 2, 3)]
    path = timed(tmp_path / "day.jsonl", frames)
    code, found = report(path)
    assert (code, found["ok"], found["faults"]) == (0, True, [])
    gap, numbering = found["notes"]
    assert (gap["kind"], gap["seen"]) == ("long gap", "nothing for 8 h 19 min")
    assert (numbering["kind"], numbering["symbol"]) == ("trade numbering", "BTC/USD")
    assert (numbering["expected"], numbering["seen"]) == (
        "a trade soon after 94", "numbers that begin again, trade 2 here",
    )  # fmt: skip
    assert found["notes_by_kind"] == {"long gap": 1, "trade numbering": 1}
    said: list[str] = []
    examine(path, until_fault=True, machine=False, write=said.append)
    assert "\nNOTE long gap: line 15, " in "".join(said)
    assert "".join(said).rstrip().endswith("no fault; noted: long gap 1, trade numbering 1")


def test_one_absurd_trade_number_is_noted_and_hides_no_trade_that_is_missing(tmp_path: Path) -> None:
    venue = Venue()
    frames = [*good(venue), *(venue.trades("BTC/USD", [number]) for number in (95, 10**15, 96, 99))]
    code, found = report(write(tmp_path / "day.jsonl", frames))
    assert (code, found["faults_by_kind"], found["notes_by_kind"]) == (1, {"trade gap": 1}, {"trade numbering": 1})
    assert (found["faults"][0]["expected"], found["faults"][0]["seen"]) == ("trade 97", "trade 99; 2 missing")


def test_a_gap_of_the_recorder_is_a_fault_that_says_where_and_how_much(tmp_path: Path) -> None:
    venue = Venue()
    path = with_gap(tmp_path / "day.jsonl", venue)
    code, found = report(path)
    assert code == 1
    [fault] = found["faults"]
    assert (fault["kind"], fault["seen"]) == ("recorder gap", "the recorder lost 7 frames here")
    assert fault["line"] == 2 + len(good(venue))
    assert found["made"] == 1
    books = {pair["symbol"]: pair["proof"] for pair in found["pairs"]}
    assert books["BTC/USD"] == "VERIFIED", "its snapshot came after the gap"
    assert books["ETH/USD"] == "UNVERIFIED", "nothing proves it since the gap"
    stopped, until = report(path, until_fault=True)
    assert stopped == 1
    assert until["frames"] == len(good(venue))
    assert until["state_hash_before"] == until["state_hash"]
