"""The recorder: nothing lost but the last second, nothing overwritten, and the disk stops only the recording."""

from __future__ import annotations

import asyncio
import errno
import gzip
import io
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from kraken_tui.errors import RecordingError
from kraken_tui.feed.session import Session
from kraken_tui.recording import chunks
from kraken_tui.recording import writer as module
from kraken_tui.recording.fingerprint import ContentHash
from kraken_tui.recording.reader import Recording
from kraken_tui.recording.reader import RecordingError as UnreadableError
from kraken_tui.recording.replay import ReplayClock, run_replay
from kraken_tui.recording.writer import CHUNK_BYTES, Recorder, check

SECOND = 1_000_000_000
WALL = 1_700_000_000 * SECOND
FRAMES = [b'{"channel":"heartbeat"}', b'{"channel":"book","data":[{"price":0.10000000}]}', '{"a":"Ω"}'.encode()]
HOSTILE_FRAMES = [
    b"", b"nonsense", b"\x00{",
    b'"text"', b"7", b'{"channel":"', b'{"a":1}}', b'1,"frame":2', b'{"a":1},"dir":"tx"', b" {} ",
]  # fmt: skip
SUFFIXES = (".jsonl", ".jsonl.gz", ".jsonl.zst")


def start(path: Path) -> Recorder:
    return Recorder(path, wall_ns=WALL, url="wss://ws.kraken.com/v2", pairs=("BTC/USD",))


def content(path: Path) -> bytes:
    raw = path.read_bytes()
    if path.suffix == ".gz":
        return gzip.decompress(raw) if raw else b""
    if path.suffix == ".zst":
        return zstandard.ZstdDecompressor().stream_reader(io.BytesIO(raw), read_across_frames=True).read()
    return raw


def frames(path: Path) -> list[bytes]:
    """The recorded frames, byte for byte."""
    lines = content(path).split(b"\n")
    assert lines.pop() == b""
    assert json.loads(lines[0])["format"] == "kraken-tui"
    return [line.partition(b'"frame":')[2][:-1] for line in lines[1:]]


def content_hash(path: Path) -> str:
    contents = ContentHash()
    for recorded in Recording(path):
        contents.add(recorded.frame, sent=recorded.sent)
    return contents.hexdigest()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_frames_come_back_byte_for_byte(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"day{suffix}"
    recorder = start(path)
    for number, frame in enumerate(FRAMES):
        recorder.write(frame, WALL + number, direction="tx" if number == 1 else "rx")
    recorder.close()
    recorder.close()
    lines = [json.loads(line) for line in content(path).splitlines()]
    assert lines[0] == {
        "format": "kraken-tui",
        "version": 1,
        "created": "2023-11-14T22:13:20.000Z",
        "url": "wss://ws.kraken.com/v2",
        "pairs": ["BTC/USD"],
    }
    assert [line["rx_ns"] for line in lines[1:]] == [WALL, WALL + 1, WALL + 2]
    assert [line.get("dir") for line in lines[1:]] == [None, "tx", None]
    assert frames(path) == FRAMES
    assert recorder.frames == 3
    assert recorder.bytes == path.stat().st_size
    assert recorder.problem == ""


@pytest.mark.parametrize("suffix", [".GZ", ".ZST", ".zstd", ".Zstd"])
def test_whatever_is_written_packed_is_read_packed(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"day.jsonl{suffix}"
    recorder = Recorder(path, wall_ns=0)
    recorder.write(b'{"channel":"heartbeat"}', 1)
    recorder.close()
    assert [recorded.frame for recorded in Recording(path)] == [b'{"channel":"heartbeat"}']


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_reader_gives_back_what_was_written_from_every_prefix(tmp_path: Path, suffix: str) -> None:
    """Record, read: the same bytes, times and directions; a cut file gives a prefix (RELIABILITY.md P16, P17)."""
    path = tmp_path / f"day{suffix}"
    recorder = start(path)
    written = []
    first = 0
    for number in range(9):
        frame = FRAMES[number % len(FRAMES)]
        recorder.write(frame, WALL + number, direction="tx" if number % 4 == 1 else "rx")
        written.append((WALL + number, frame, number % 4 == 1))
        if number % 3 == 2:
            recorder.tick(WALL + number * SECOND)
        if number == 2:
            first = recorder.bytes
    recorder.close()
    recording = Recording(path)
    assert [(found.rx_ns, found.frame, found.sent) for found in recording] == written
    assert recording.problem == ""
    whole = path.read_bytes()
    cut_path = tmp_path / f"cut{suffix}"
    for cut in range(first, len(whole)):
        cut_path.write_bytes(whole[:cut])
        found = [(one.rx_ns, one.frame, one.sent) for one in Recording(cut_path)]
        assert found == written[: len(found)], cut


def test_the_file_is_its_owners_alone_and_missing_folders_are_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / "day.jsonl"
    start(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_appending_keeps_what_is_there_and_writes_no_second_header(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"day{suffix}"
    for _ in range(2):
        recorder = start(path)
        recorder.write(FRAMES[0], WALL)
        recorder.close()
    assert frames(path) == [FRAMES[0], FRAMES[0]]
    assert content(path).count(b'"format"') == 1


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_cut_anywhere_loses_only_its_last_chunk_and_can_be_appended_to(tmp_path: Path, suffix: str) -> None:
    whole_path = tmp_path / f"whole{suffix}"
    recorder = start(whole_path)
    ends = []
    for number in range(4):
        recorder.write(b'{"n":%d}' % number, WALL + number)
        recorder.tick(WALL + number * SECOND)
        ends.append(recorder.bytes)
    recorder.close()
    whole = whole_path.read_bytes()
    for cut in range(len(whole)):
        path = tmp_path / f"cut{suffix}"
        path.unlink(missing_ok=True)
        path.write_bytes(whole[:cut])
        recorder = start(path)
        recorder.write(b'{"n":9}', WALL)
        recorder.close()
        kept = [json.loads(frame)["n"] for frame in frames(path)]
        survivors = sum(end <= cut for end in ends)
        assert kept[-1] == 9
        assert kept[:-1] == list(range(survivors)), cut


def test_a_torn_plain_line_is_cut_off_and_swallows_no_record(tmp_path: Path) -> None:
    path = tmp_path / "day.jsonl"
    recorder = start(path)
    recorder.write(FRAMES[0], WALL)
    recorder.close()
    with path.open("ab") as file:
        file.write(b'{"rx_ns":1,"fra' + b"x" * 200_000)
    recorder = start(path)
    recorder.write(FRAMES[2], WALL)
    recorder.close()
    assert frames(path) == [FRAMES[0], FRAMES[2]]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    "foreign",
    [b"my diary, without a line end", b"line\nline\n", b'{"a":1}\n', b"[" * 3000 + b"\n",
     gzip.compress(b"diary\n", mtime=0), zstandard.compress(b"diary\n"), b"\x1f\x8b\x08\x04" + b"\0" * 100, b"\0" * 5,
     # Chunks of our form, by their length, with nothing of ours in them.
     chunks.GzipCodec._HEAD.pack(chunks.GzipCodec.head, 0, 0, 255, 8, b"KT", 4, 40) + b"\0" * 20,
     chunks.GzipCodec._HEAD.pack(chunks.GzipCodec.head, 0, 0, 255, 8, b"KT", 4, 20) + b"\0" * 20,
     chunks.ZstdCodec.head + b"\4\0\0\0\x14\0\0\0" + b"\0" * 20, chunks.ZstdCodec.head + b"\4" + b"\0" * 7],
)  # fmt: skip
def test_a_file_that_is_no_recording_is_left_alone(tmp_path: Path, suffix: str, foreign: bytes) -> None:
    path = tmp_path / f"diary{suffix}"
    path.write_bytes(foreign)
    with pytest.raises(RecordingError, match=r"cannot record to .*(something else|not written by this program)"):
        start(path)
    assert path.read_bytes() == foreign


def test_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "day.jsonl"
    path.write_bytes(b'{"format":"kraken-tui","version":2}\n')
    with pytest.raises(RecordingError, match="of another version"):
        start(path)


def test_a_second_recorder_is_refused_until_the_first_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "day.jsonl"
    first = start(path)
    with pytest.raises(RecordingError, match="another recorder is writing to it"):
        start(path)
    first.close()
    start(path).close()


@pytest.mark.realtime
def test_a_killed_process_leaves_its_frames_and_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "day.jsonl.gz"
    code = f"""
import os, signal
from pathlib import Path
from kraken_tui.recording.writer import Recorder
recorder = Recorder(Path({str(path)!r}), wall_ns=1)
for number in range(100):
    recorder.write(b'{{"n":%d}}' % number, number)
recorder.tick(1)
recorder.write(b'{{"n":"lost"}}', 1)
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    recorder = start(path)
    recorder.write(b'{"n":100}', WALL)
    recorder.close()
    assert [json.loads(frame)["n"] for frame in frames(path)] == list(range(101))


KILLED_AGAIN_AND_AGAIN = """
import json, os, random, signal, sys, time
from pathlib import Path
from kraken_tui.recording.writer import FLUSH_NS, Recorder
path, lives = Path(sys.argv[1]), int(sys.argv[2])
rng = random.Random(5)
told = []
for life in range(lives):
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        recorder = Recorder(path, wall_ns=1)
        number, now = 0, 10 * FLUSH_NS * (life + 1)
        while True:
            # A hundred frames a second by the recorder's clock, as fast as this machine can.
            recorder.write(b'{"life":%d,"n":%d,"pad":"%b"}' % (life, number, b"x" * (number % 300)), now)
            number, now = number + 1, now + FLUSH_NS // 100
            recorder.tick(now)
            os.write(writing, number.to_bytes(4, "big"))
    os.close(writing)
    count = int.from_bytes(os.read(reading, 4), "big")
    time.sleep(rng.uniform(0, 0.03))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    rest = b""
    while part := os.read(reading, 1 << 20):
        rest += part
    os.close(reading)
    told.append(int.from_bytes(rest[len(rest) // 4 * 4 - 4 :][:4], "big") if len(rest) >= 4 else count)
Recorder(path, wall_ns=1).close()
print(json.dumps(told))
"""


@pytest.mark.realtime
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_fifty_kills_lose_a_second_each_at_most_and_no_frame_of_another_life(tmp_path: Path, suffix: str) -> None:
    """RELIABILITY.md F80: killed while writing, fifty times on one file, each life appending to the last one's."""
    path = tmp_path / f"day{suffix}"
    command = [sys.executable, "-c", KILLED_AGAIN_AND_AGAIN, str(path), "50"]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout)
    recording = Recording(path)
    lives_read: dict[int, list[int]] = {}
    for one in recording:
        frame = json.loads(one.frame)
        lives_read.setdefault(frame["life"], []).append(frame["n"])
    assert recording.damaged == 0
    assert recording.problem == ""
    for life, count in enumerate(told):
        kept = lives_read.get(life, [])
        assert kept == list(range(len(kept))), life
        # A hundred frames are a second; one more may have been taken but not told.
        assert count - len(kept) <= 101, life
    assert sum(told) > 50 * 100


def test_places_that_cannot_be_written_are_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"^cannot record to [^:]*: Is a directory$"):
        start(tmp_path)
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "target")
    with pytest.raises(RecordingError, match="symbolic link, which is not followed"):
        start(link)
    with pytest.raises(RecordingError, match="not a file name"):
        start(Path("a\0b"))
    with pytest.raises(RecordingError, match="not a regular file"):
        start(Path(os.devnull))
    (tmp_path / "file").touch()
    with pytest.raises(RecordingError, match="cannot record to"):
        start(tmp_path / "file" / "day.jsonl")


def test_a_recording_is_not_appended_to_while_it_is_played(tmp_path: Path) -> None:
    path = tmp_path / "day.jsonl"
    Recorder(path, wall_ns=0).close()
    with pytest.raises(RecordingError, match="it is the recording being played"):
        check(path, tmp_path / "." / "day.jsonl")
    check(path, tmp_path / "another.jsonl")


def test_zstd_without_its_package_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(RecordingError, match=r"kraken-tui\[zstd\]"):
        start(tmp_path / "day.jsonl.zst")
    assert not (tmp_path / "day.jsonl.zst").exists()


def test_check_leaves_nothing_behind_and_harms_no_recording(tmp_path: Path) -> None:
    path = tmp_path / "day.jsonl"
    check(path)
    assert not path.exists()
    recorder = start(path)
    recorder.write(FRAMES[0], WALL)
    recorder.close()
    check(path)
    assert frames(path) == [FRAMES[0]]
    start(path).close()
    path.write_bytes(b"diary\n")
    with pytest.raises(RecordingError):
        check(path)


def test_frames_reach_the_file_within_a_second_whatever_the_clock_does(tmp_path: Path) -> None:
    path = tmp_path / "day.jsonl"
    recorder = start(path)
    recorder.tick(WALL)
    recorder.write(FRAMES[0], WALL)
    recorder.tick(WALL + SECOND - 1)
    assert frames(path) == []
    recorder.tick(WALL + SECOND)
    assert frames(path) == [FRAMES[0]]
    recorder.write(FRAMES[1], WALL)
    recorder.tick(WALL - 3600 * SECOND)
    assert frames(path) == [FRAMES[0], FRAMES[1]]
    recorder.close()


def test_much_at_once_does_not_wait_for_the_second(tmp_path: Path) -> None:
    path = tmp_path / "day.jsonl"
    recorder = start(path)
    for _ in range(CHUNK_BYTES // 1000 + 1):
        recorder.write(b'"%b"' % (b"x" * 998), WALL)
    assert recorder.bytes >= CHUNK_BYTES
    recorder.close()


def test_a_line_break_in_a_frame_does_not_break_the_line(tmp_path: Path) -> None:
    path = tmp_path / "day.jsonl"
    recorder = start(path)
    recorder.write(b'{\n"a":\r\n1}', WALL)
    recorder.close()
    assert [json.loads(frame) for frame in frames(path)] == [{"a": 1}]


def full_disk(capacity: int) -> Callable[[int, memoryview], int]:
    """An `os.write` that takes so many bytes and then no more."""
    real = os.write

    def write(fd: int, data: memoryview) -> int:
        nonlocal capacity
        if capacity == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = real(fd, data[:capacity])
        capacity -= written
        return written

    return write


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_full_disk_stops_the_recording_alone_and_leaves_whole_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    probe = start(tmp_path / f"probe{suffix}")
    probe.write(FRAMES[0], WALL)
    probe.tick(WALL)
    probe.close()
    for extra in range(25):
        path = tmp_path / f"day{extra}{suffix}"
        with monkeypatch.context() as patch:
            patch.setattr(module.os, "write", full_disk(probe.bytes + extra))
            recorder = start(path)
            recorder.write(FRAMES[0], WALL)
            recorder.tick(WALL)
            recorder.write(FRAMES[1], WALL)
            recorder.tick(WALL + SECOND)
            recorder.write(FRAMES[2], WALL)
            recorder.tick(WALL + 2 * SECOND)
            recorder.close()
        assert recorder.problem == f"recording to {path} stopped: No space left on device"
        assert frames(path) == [FRAMES[0]]


def test_recording_stops_before_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "day.jsonl"
    recorder = start(path)
    recorder.write(FRAMES[0], WALL)
    usage = SimpleNamespace(total=1000 * 2**30, free=501 * 2**20)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: usage)
    recorder.tick(WALL)
    assert recorder.problem == ""
    usage.free = 499 * 2**20
    recorder.write(FRAMES[1], WALL)
    recorder.tick(WALL + 9 * SECOND)
    assert recorder.problem == ""
    recorder.tick(WALL + 10 * SECOND)
    assert recorder.problem == f"recording to {path} stopped: the disk is almost full"
    assert frames(path) == FRAMES[:2]


def test_random_cuts_and_restarts_never_lose_a_flushed_frame(tmp_path: Path) -> None:
    """Many lives of one file, each ending in a torn write of some length."""
    path = tmp_path / "day.jsonl.zst"
    expected: list[int] = []
    for life in range(30):
        recorder = start(path)
        recorder.write(b'{"n":%d}' % life, WALL)
        recorder.close()
        expected.append(life)
        with path.open("ab") as file:
            file.write((b"\x50\x2a\x4d\x18\x04\0\0\0\xff\xff\0\0torn")[: life % 17])
    start(path).close()
    assert [json.loads(frame)["n"] for frame in frames(path)] == expected


def lives(path: Path, count: int) -> list[bytes]:
    """A recording of that many frames, each flushed on its own."""
    recorder = start(path)
    written = [b'{"channel":"book","data":[{"price":%d.50}]}' % number for number in range(count)]
    for number, frame in enumerate(written):
        recorder.write(frame, WALL + number, direction="tx" if number % 5 == 4 else "rx")
        recorder.tick(WALL + number * SECOND)
    recorder.close()
    return written


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_flipped_bit_costs_its_own_frame_and_is_named(tmp_path: Path, suffix: str) -> None:
    """RELIABILITY.md F82, at every byte: nothing that was not written is ever read."""
    path = tmp_path / f"day{suffix}"
    written = lives(path, 6)
    whole = path.read_bytes()
    header_end = len(whole) - len(whole.split(b"\n", 1)[1]) if suffix == ".jsonl" else 0
    refused = 0
    for position in range(len(whole)):
        bit = 1 << position % 8
        path.write_bytes(whole[:position] + bytes([whole[position] ^ bit]) + whole[position + 1 :])
        recording = Recording(path)
        try:
            found = [one.frame for one in recording]
        except UnreadableError:
            # The first bytes of the first chunk say what the file is, and a version is never guessed.
            refused += 1
            continue
        assert [frame for frame in written if frame in found] == found, (position, bit)
        lost = len(written) - len(found)
        # Two with a line end between them; three where a zstd length says to pass over more.
        assert lost <= (3 if suffix.endswith("zst") else 2), (position, bit)
        # A bit of the header, of the name "crc" or of a length that only the recorder uses costs nothing.
        assert lost == 0 or recording.problem, (position, bit)
        assert recording.damaged or not lost or "cut off" in recording.problem or "damaged" in recording.problem
    assert refused <= (header_end or 40)


def test_a_recording_whose_header_is_damaged_is_read_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "day.jsonl"
    written = lives(path, 3)
    path.write_bytes(b"\x00garbage" + path.read_bytes()[8:])
    recording = Recording(path)
    assert [one.frame for one in recording] == written
    assert recording.problem == "line 1 is damaged and was left out (1 so far)"


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_bomb_among_our_own_chunks_is_refused(tmp_path: Path, suffix: str) -> None:
    """Chunks are held back until their check has passed, which must not open a way around the limits."""
    path = tmp_path / f"day.jsonl{suffix}"
    lives(path, 2)
    codec = chunks.codec_for(path)
    with path.open("ab") as file:
        file.write(codec.encode(bytes(96 << 20)))
    with pytest.raises(UnreadableError, match=r"unpacks to more than|a line of over"):
        list(Recording(path))


def test_a_cut_off_file_is_reported_so_whatever_it_is(tmp_path: Path) -> None:
    path = tmp_path / "day.jsonl.zst"
    lives(path, 3)
    path.write_bytes(path.read_bytes()[:-30])
    recording = Recording(path)
    assert len(list(recording)) == 2
    assert recording.problem == "the compressed recording is cut off; what was whole was read"


LINE = st.binary(max_size=60).map(lambda frame: frame.replace(b"\n", b" "))
FRAME = st.one_of(LINE, st.sampled_from([b'{"a":1}', b'{"b":"\xc3\xa9"}', b"[]", b"7", b'"}', b"}", b""]))


def content_of(path: Path) -> list[tuple[int, bytes, bool]]:
    return [(item.rx_ns, item.frame, item.sent) for item in Recording(path)]


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".jsonl.zst"])
@settings(max_examples=50)
@given(frames=st.lists(st.tuples(st.integers(1, 2**62), FRAME, st.booleans(), st.booleans()), max_size=8))
def test_p16_what_is_recorded_is_read_and_recorded_again_to_the_bit(
    suffix: str, frames: list[tuple[int, bytes, bool, bool]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("p16")
    first = Recorder(folder / f"first{suffix}", wall_ns=1)
    for at, (rx_ns, frame, sent, flushed) in enumerate(frames):
        first.write(frame, rx_ns, "tx" if sent else "rx")
        if flushed:
            first.tick(at * 10**10)
    first.close()
    found = content_of(first.path)
    assert found == [(rx_ns, frame, sent) for rx_ns, frame, sent, _ in frames]
    again = Recorder(folder / "again.jsonl", wall_ns=1)
    for rx_ns, frame, sent in found:
        again.write(frame, rx_ns, "tx" if sent else "rx")
    again.close()
    plain = Recorder(folder / "plain.jsonl", wall_ns=1)
    for rx_ns, frame, sent, _ in frames:
        plain.write(frame, rx_ns, "tx" if sent else "rx")
    plain.close()
    assert sha256(again.path.read_bytes()).digest() == sha256(plain.path.read_bytes()).digest()


@settings(max_examples=150)
@given(st.lists(st.tuples(st.binary(max_size=40) | st.sampled_from(HOSTILE_FRAMES), st.booleans()), max_size=6))
def test_p16_whatever_was_received_comes_back_even_where_it_is_no_json(
    tmp_path_factory: pytest.TempPathFactory, frames: list[tuple[bytes, bool]]
) -> None:
    """A frame that broke the feed is the very one a bug report needs: none may vanish as a damaged line."""
    path = tmp_path_factory.mktemp("any") / "day.jsonl"
    recorder = start(path)
    for number, (frame, sent) in enumerate(frames):
        recorder.write(frame, WALL + number, direction="tx" if sent else "rx")
    recorder.close()
    recording = Recording(path)
    found = [(one.rx_ns, one.frame, one.sent, one.line) for one in recording]
    assert found == [
        (WALL + number, frame.replace(b"\n", b" "), sent, number + 2) for number, (frame, sent) in enumerate(frames)
    ]
    assert (recording.damaged, recording.damage) == (0, None)


async def test_p16_record_replay_record_gives_the_same_content_hash(tmp_path: Path) -> None:
    """Both directions, times and unreadable frames included, from one packing into another."""
    first = tmp_path / "day.jsonl.gz"
    recorder = start(first)
    for number, frame in enumerate([*FRAMES, *HOSTILE_FRAMES, *FRAMES]):
        recorder.write(frame, WALL + number * SECOND, direction="tx" if number % 3 == 1 else "rx")
    recorder.close()
    second = tmp_path / "again.jsonl.zst"
    again = start(second)
    await run_replay(
        Session(replay=True),
        Recording(first),
        ReplayClock(0),
        lambda events: None,
        asyncio.Event(),
        lambda frame, ns, direction: again.write(frame, ns, direction),
    )
    again.close()
    assert content_hash(first) == content_hash(second)
    assert list(Recording(first)) == list(Recording(second))
