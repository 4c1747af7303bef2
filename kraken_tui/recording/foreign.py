"""Recordings of other programs that are not JSON lines: lines with the time in front, and whole documents. Pure."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import msgspec

from kraken_tui.recording.format import RECEIVED, SENT

MAX_DOCUMENT = 64 * 1024 * 1024
"""Longest recording that is one JSON document, in bytes."""

_STAMPED = re.compile(rb"([0-9]{9,11})(?:\.([0-9]{1,9}))?: ([\[{].*)", re.DOTALL)
_SENT = re.compile(rb"wss?://[^ ]{1,200} <- (.*)", re.DOTALL)
_CONNECTED = re.compile(rb"wss?://[^ ]{1,200} <-> [0-9.]{1,30}")

_decoder = msgspec.json.Decoder(float_hook=str)


class Stamped(NamedTuple):
    """A frame, when it came or went, ns since the epoch, and its direction; an empty frame for a remark."""

    rx_ns: int
    frame: bytes
    direction: str


def stamped_line(line: bytes) -> Stamped | None:
    """A line as cryptofeed writes it: "<seconds>: <frame>", "<address> <- <seconds>: <frame>", or a connection."""
    line = line.strip()
    if _CONNECTED.fullmatch(line):
        return Stamped(0, b"", RECEIVED)
    sent = _SENT.fullmatch(line)
    found = _STAMPED.fullmatch(sent[1] if sent else line)
    if found is None:
        return None
    rx_ns = int(found[1]) * 10**9 + int((found[2] or b"").ljust(9, b"0"))
    return Stamped(rx_ns, found[3], SENT if sent else RECEIVED)


def frames_of_document(text: bytes) -> list[bytes] | None:
    """The frames of one JSON object with the lists `init` and `updates`, as in python-kraken-sdk; None for another."""
    try:
        document = _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(document, dict) or not isinstance(document.get("updates"), list):
        return None
    begun = document.get("init", [])
    return [_line(frame) for frame in [*(begun if isinstance(begun, list) else [begun]), *document["updates"]]]


def _line(frame: Any) -> bytes:
    return _as_written(frame).encode()


def _as_written(value: Any) -> str:
    """JSON in one line; decimal numbers, which were read as text, are numbers again where v2 has numbers."""
    if isinstance(value, dict):
        numbers = {"price", "qty"}
        parts = [
            f"{_text(name)}:{each if name in numbers and isinstance(each, str) else _as_written(each)}"
            for name, each in value.items()
        ]
        return "{" + ",".join(parts) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_as_written, value)) + "]"
    return _text(value)


def _text(value: Any) -> str:
    return msgspec.json.encode(value).decode()
