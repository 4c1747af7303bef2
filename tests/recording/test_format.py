"""The lines of a recording: what the writer makes of a frame is what the reader takes apart."""

from __future__ import annotations

import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_tui.recording.format import (
    RecordingError,
    check_appendable,
    checksum_holds,
    frame_line,
    has_checksum,
    header_line,
    read_frame_line,
)

NS = 1_700_000_000_000_000_000


def test_a_line_is_exactly_as_the_readme_says() -> None:
    assert header_line(NS, "wss://x", ["A/USD"]) == (
        b'{"format":"kraken-tui","version":1,"created":"2023-11-14T22:13:20.000Z","url":"wss://x","pairs":["A/USD"]}\n'
    )
    received, sent = frame_line(b'{"a":1}', 5), frame_line(b'{"a":1}', 5, "tx")
    crc = zlib.crc32(b'"rx_ns":5,"frame":{"a":1}')
    assert received == b'{"crc":%d,"rx_ns":5,"frame":{"a":1}}\n' % crc
    crc = zlib.crc32(b'"rx_ns":5,"dir":"tx","frame":{"a":1}')
    assert sent == b'{"crc":%d,"rx_ns":5,"dir":"tx","frame":{"a":1}}\n' % crc


@given(st.binary(max_size=80), st.integers(0, 2**63), st.sampled_from(["rx", "tx", "state", "gap"]))
def test_a_line_that_was_written_is_read_and_one_flipped_bit_is_seen(frame: bytes, ns: int, direction: str) -> None:
    line = frame_line(frame, ns, direction)[:-1]
    assert b"\n" not in line
    assert read_frame_line(line) == (ns, frame.replace(b"\n", b" "), direction)
    assert has_checksum(line)
    assert checksum_holds(line)
    damaged = line[:-2] + bytes((line[-2] ^ 1,)) + line[-1:]
    assert read_frame_line(damaged) is None
    assert not checksum_holds(damaged)


def test_a_line_of_another_shape_may_still_have_the_right_checksum() -> None:
    body = b'"format":"x"}'
    line = b'{"crc":%d,%b' % (zlib.crc32(body[:-1]), body)
    assert read_frame_line(line) is None
    assert checksum_holds(line)
    assert not has_checksum(b'{"rx_ns":1,"frame":{}}')
    assert read_frame_line(b'{"rx_ns":1,"frame":{}}') is None
    assert not checksum_holds(b'{"crc":,}')
    assert not checksum_holds(b'{"crc":12345678901,}'), "no CRC-32 has eleven digits"


def test_only_our_own_header_is_appended_to() -> None:
    header = json.loads(header_line(NS, "", ()))
    check_appendable(json.dumps(header).encode())
    for wrong, words in (
        (header | {"format": "other"}, "something else"),
        ([], "something else"),
        (header | {"version": 2}, "another version"),
    ):
        with pytest.raises(RecordingError, match=words):
            check_appendable(json.dumps(wrong).encode())
    with pytest.raises(RecordingError, match="something else"):
        check_appendable(b"{")
