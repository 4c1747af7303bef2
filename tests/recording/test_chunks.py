"""How lines are packed into a file: the three layouts, and that the reader knows each chunk by its marker."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import pytest
import zstandard

from kraken_tui.errors import RecordingError
from kraken_tui.recording import chunks
from tests.recording.test_writer import lives, start


@pytest.mark.parametrize("codec", [chunks.GzipCodec, chunks.ZstdCodec])
def test_every_compressed_chunk_begins_with_its_marker(codec: type[chunks.GzipCodec | chunks.ZstdCodec]) -> None:
    """The reader looks for the marker to go on after a damaged chunk."""
    assert codec.marker.startswith(codec.head)
    for text in (b"text\n", b"x" * 100_000 + b"\n"):
        assert codec().encode(text).startswith(codec.marker)


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("day.jsonl", chunks.PlainCodec),
        ("day.txt", chunks.PlainCodec),
        ("day.jsonl.GZ", chunks.GzipCodec),
        ("day.zst", chunks.ZstdCodec),
        ("day.jsonl.zstd", chunks.ZstdCodec),
    ],
)
def test_the_name_of_the_file_chooses_the_layout(name: str, codec: type) -> None:
    assert type(chunks.codec_for(Path(name))) is codec


def test_a_gzip_chunk_begins_as_rfc_1952_says(tmp_path: Path) -> None:
    chunk = chunks.GzipCodec().encode(b"text\n")
    assert chunk[:10] == b"\x1f\x8b\x08\x04" + bytes(4) + b"\0\xff", "extra field, no time, no level, unknown system"
    assert chunk[10:16] == b"\x08\0KT\x04\0"
    assert int.from_bytes(chunk[16:20], "little") == len(chunk)
    assert gzip.decompress(chunk) == b"text\n"


def test_a_zstd_chunk_carries_a_checksum() -> None:
    chunk = chunks.ZstdCodec().encode(b"text\n")
    assert zstandard.get_frame_parameters(chunk[12:]).has_checksum


@pytest.mark.parametrize(
    ("suffix", "tail"),
    [
        (".jsonl.gz", b"appended by someone else"),
        (".jsonl.zst", b"appended by someone else"),
        (".jsonl.zst", chunks.ZstdCodec.head + b"\5\0\0\0" + b"\x30\0\0\0" + bytes(8)),
    ],
)
def test_what_someone_else_appended_is_not_cut_off(tmp_path: Path, suffix: str, tail: bytes) -> None:
    path = tmp_path / f"day{suffix}"
    lives(path, 2)
    whole = path.read_bytes() + tail
    path.write_bytes(whole)
    with pytest.raises(RecordingError, match="not written by this program"):
        start(path)
    assert path.read_bytes() == whole


def test_a_gzip_chunk_of_nothing_but_its_head_is_not_ours() -> None:
    codec = chunks.GzipCodec()
    head = codec._HEAD.pack(codec.head, 0, 0, 255, 8, b"KT", 4, codec._HEAD.size)
    with pytest.raises(RecordingError, match="not written by this program"):
        codec.whole_length(lambda offset, count: head[offset : offset + count], len(head))


@pytest.mark.parametrize("tail", [0, 1, 2, 65_535, 65_536, 65_537, 131_072])
@pytest.mark.parametrize("head", [b"", b"\n", b"x\n", b"\n\n", b"x" * 65_535 + b"\n"])
def test_whole_lines_end_with_the_last_line_end(head: bytes, tail: int) -> None:
    content = head + b"x" * tail

    def read(offset: int, count: int) -> bytes:
        assert 0 <= offset <= offset + count <= len(content)
        return content[offset : offset + count]

    assert chunks.PlainCodec().whole_length(read, len(content)) == len(head)


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz"])
def test_a_header_of_64_kib_is_read_and_no_longer_one(tmp_path: Path, suffix: str) -> None:
    noise = random.Random(4).randbytes(15_000).hex()
    for length, good in ((65_536, True), (65_537, False)):
        start_, end = b'{"format":"kraken-tui","version":1,"x":"', b'"}\n'
        filling = (noise * 3)[: length + 1 - len(start_) - len(end)].encode()
        path = tmp_path / f"{length}{suffix}"
        path.write_bytes(chunks.codec_for(path).encode(start_ + filling + end))
        if good:
            start(path).close()
        else:
            with pytest.raises(RecordingError, match="something else"):
                start(path)


def test_a_disk_that_fails_while_the_header_is_read_is_no_foreign_file() -> None:
    chunk = chunks.ZstdCodec().encode(b"text\n")

    def read(offset: int, count: int) -> bytes:
        if offset:
            raise OSError("odd")
        return chunk[:count]

    with pytest.raises(OSError, match="odd"):
        chunks.ZstdCodec().first_line(read, len(chunk))
