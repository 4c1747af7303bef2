"""A moment as a folder of its own."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path

from kraken_tui.errors import RecordingError
from kraken_tui.tui.export.moment import FRAMES, PICTURE, TEXT, moment_line, share_moment
from tests.tui import samples

AT = 1_764_326_590_250_000_000


def written(path: Path, ns: int) -> int:
    assert ns == AT
    path.write_bytes(b"frames")
    return 1_234


def test_a_folder_with_picture_frames_and_a_line(tmp_path: Path) -> None:
    view = samples.pair("BTC/USD")
    shared = share_moment(tmp_path / "shared", view, AT, "<svg/>", written)
    assert sorted(path.name for path in shared.folder.iterdir()) == sorted([FRAMES, PICTURE, TEXT])
    text = (shared.folder / TEXT).read_text()
    digest = hashlib.sha256(b"frames").hexdigest()
    assert moment_line(view, AT) in text
    assert f"1,234 frames, sha256 {digest}" in text
    assert "kraken-tui --replay frames.jsonl.gz --at 2025-11-28T10:43:10.250000000Z" in text
    assert shared.line.endswith(digest[:16])
    assert stat.S_IMODE(shared.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((shared.folder / TEXT).stat().st_mode) == 0o600


def test_without_frames_there_is_still_a_picture_and_a_reason(tmp_path: Path) -> None:
    def fails(path: Path, _: int) -> int:
        path.write_bytes(b"half")
        raise RecordingError("the frames of that moment are no longer kept")

    shared = share_moment(tmp_path, samples.pair("BTC/USD"), AT, "<svg/>", fails)
    assert shared.problem == "the frames of that moment are no longer kept"
    assert sorted(path.name for path in shared.folder.iterdir()) == sorted([PICTURE, TEXT])
    assert "without frames: the frames of that moment" in (shared.folder / TEXT).read_text()


def test_nothing_is_written_over(tmp_path: Path) -> None:
    view = samples.pair("BTC/USD")
    first = share_moment(tmp_path, view, AT, "<svg/>", written)
    second = share_moment(tmp_path, view, AT, "<svg/>", written)
    assert first.folder != second.folder


def test_the_line_names_pair_time_prices_and_proof() -> None:
    view = samples.pair("BTC/USD")
    line = moment_line(view, AT)
    assert line.startswith("BTC/USD  2025-11-28 10:43:10.250 UTC  bid ")
    assert str(view.proof) in line
