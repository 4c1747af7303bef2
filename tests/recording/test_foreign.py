"""Recordings of Kraken's v1 API in every shape, with checksums made here (PROTOCOL.md section 11)."""

from __future__ import annotations

import gzip
import json
import random
import zlib
from pathlib import Path

import pytest

from kraken_tui.doctor.recording import Examination, examine
from kraken_tui.engine.engine import Engine
from kraken_tui.errors import RecordingError
from kraken_tui.recording.reader import V1, Recording, open_recording
from kraken_tui.settings import Settings

BEGIN_S = 1_693_415_327


def v1_frames(count: int = 40, *, wrong: int | None = None) -> list[str]:
    """A session of v1 at depth 10, by rules of its own: a book of text, and its checksums."""
    rng = random.Random(5)
    asks = {f"{27_120 + step}.00000": "1.00000000" for step in range(12)}
    bids = {f"{27_119 - step}.00000": "2.00000000" for step in range(12)}

    def best(side: dict[str, str], *, up: bool) -> list[tuple[str, str]]:
        return sorted(side.items(), key=lambda level: float(level[0]), reverse=not up)[:10]

    def rows(levels: list[tuple[str, str]], at: float) -> list[list[str]]:
        return [[price, qty, f"{at:.6f}"] for price, qty in levels]

    frames = [
        '{"connectionID":13688620010177543517,"event":"systemStatus","status":"online","version":"1.9.1"}',
        '{"event":"pong","reqid":1}',
        '{"channelID":336,"channelName":"book-10","event":"subscriptionStatus","pair":"XBT/USD","status":"subscribed",'
        '"subscription":{"depth":10,"name":"book"}}',
    ]
    asks, bids = dict(best(asks, up=True)), dict(best(bids, up=False))
    first = {"as": rows(best(asks, up=True), BEGIN_S), "bs": rows(best(bids, up=False), BEGIN_S)}
    frames.append(json.dumps([336, first, "book-10", "XBT/USD"]))
    for number in range(count):
        at = BEGIN_S + 0.5 * (number + 1)
        parts = []
        for key, side, low in (("a", asks, 27_120), ("b", bids, 27_105)):
            if number % 7 == 0 or (number % 2 == 0) == (key == "a"):
                level = (f"{low + rng.randrange(14)}.00000", f"{rng.randrange(1, 10**9) / 1e8:.8f}")
                side[level[0]] = level[1]
                parts.append({key: rows([level], at)})
                for price in set(side) - {price for price, _ in best(side, up=key == "a")}:
                    del side[price]
        text = "".join(
            field.replace(".", "").lstrip("0")
            for level in (*best(asks, up=True), *best(bids, up=False))
            for field in level
        )
        parts[-1]["c"] = str(zlib.crc32(text.encode()) ^ (number == wrong))  # type: ignore[assignment]
        frames.append(json.dumps([336, *parts, "book-10", "XBT/USD"]))
        frames.append('{"event":"heartbeat"}')
    return frames


def bare(frames: list[str]) -> str:
    return "\n".join(frames) + "\n"


def wrapped(frames: list[str]) -> str:
    return bare([f'{{"rx_ns":{BEGIN_S * 10**9 + number},"frame":{frame}}}' for number, frame in enumerate(frames)])


def cryptofeed(frames: list[str]) -> str:
    head = [
        f"wss://ws.kraken.com <-> {BEGIN_S}.3858151",
        f'wss://ws.kraken.com <- {BEGIN_S}.0: {{"event":"subscribe","pair":["XBT/USD"]}}',
    ]
    lines = [f"{BEGIN_S + number / 10}: {frame}" for number, frame in enumerate(frames)]
    return bare([*head, *lines, "", ""])


def document(frames: list[str]) -> str:
    parsed = [json.loads(frame) for frame in frames]
    return json.dumps({"init": parsed[:4], "updates": parsed[4:]}, indent=2)


SHAPES = {"bare": bare, "wrapped": wrapped, "cryptofeed": cryptofeed, "document": document}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_checksum_of_a_v1_recording_holds_in_every_shape(tmp_path: Path, shape: str, packed: bool) -> None:
    text = SHAPES[shape](v1_frames()).encode()
    path = tmp_path / ("day.gz" if packed else "day")
    path.write_bytes(gzip.compress(text) if packed else text)
    assert open_recording(path).path == path
    found = Examination(path)
    found.play()
    assert found.recording.shape == V1
    assert dict(found.kinds) == {}
    assert (found.session.counters.checks_ok, found.session.counters.checks_failed) == (40, 0)
    book = found.session.stitchers["BTC/USD"]
    assert (str(book.proof), book.book.depth) == ("VERIFIED", 10)
    assert found.frames == len(v1_frames())


def test_a_wrong_checksum_of_v1_is_found(tmp_path: Path) -> None:
    path = tmp_path / "day.jsonl"
    path.write_text(bare(v1_frames(wrong=20)))
    said: list[str] = []
    assert examine(path, until_fault=False, machine=False, write=said.append) == 1
    assert "FAULT checksum: line 45" in "".join(said)
    assert "shape               a recording of Kraken's v1 API" in "".join(said)


def test_a_replay_says_what_it_plays(tmp_path: Path) -> None:
    path = tmp_path / "day.jsonl"
    path.write_text(bare(v1_frames()))
    engine = Engine(Settings(replay=path, pairs=("XBT/USD",), speed=0.0))
    listener = engine.listen()
    engine.start()
    try:
        while (view := engine.feed_view).replay is None or not view.replay.finished:
            listener.get(0.05)
        assert any("this is a recording of Kraken's v1 API" in line.text for line in view.log)
        assert view.checks_ok == 40
    finally:
        engine.stop()


def test_a_frame_that_cannot_be_is_left_out_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "day.jsonl"
    frames = v1_frames()
    path.write_text(bare([*frames, '[336,{"a":[["x","1","2"]],"c":"1"},"book-10","XBT/USD"]']))
    recording = Recording(path)
    assert len(list(recording)) == len(frames)
    assert (recording.damaged, recording.damage and recording.damage.line) == (1, len(frames) + 1)


@pytest.mark.parametrize(
    "text", ["{\n}\n", '{\n "a": 1\n}\n', '{\n "updates": 1}', "{\n" + "x\n" * 5, "[1,2]\n", "[]\n"]
)
def test_another_document_is_refused_in_one_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(RecordingError, match=r"is not a recording|holds no whole frame"):
        open_recording(path)


def test_a_document_without_end_is_not_read_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kraken_tui.recording.reader.MAX_DOCUMENT", 1000)
    path = tmp_path / "other.json"
    path.write_text("{\n" + " \n" * 3000)
    with pytest.raises(RecordingError, match="one JSON document of over"):
        open_recording(path)
