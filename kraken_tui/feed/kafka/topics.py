"""What publishers and readers of Kafka agree on: topics, keys, headers and partitions. Pure.

A topic for each kind (`kraken.book`), the symbol as the key, so that one symbol stays in one partition and its order is
kept. Every message carries these headers, as text:

* `event`: that of the line, such as `book`;
* `verified`: 1 where the publisher had proven the book, else 0;
* `schema`: `SCHEMA`, which changes if a reader of today could misread a line;
* `run`: the publisher's run, a new one with every start;
* `seq`: number of this message among those of the same run, topic and key, from 1. A missing number is a lost line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

SCHEMA = b"1"
"""Version of the lines, as the header `schema` says it."""

DEFAULT_PREFIX = "kraken"
"""What topics begin with unless the user chose otherwise."""

KINDS = ("book", "trade", "candle", "ticker", "flow", "health")
"""Topics that are published unless the user chose some."""

SNAPSHOT = "snapshot"
"""The compacted topic of the latest snapshot of every symbol."""

RAW = "raw"
"""Frames as the exchange sent them, only where asked for; the key is the publisher's shard, for their order is one."""

ALL_KINDS = (*KINDS, RAW)


def topic_name(prefix: str, kind: str) -> str:
    """The topic of a kind."""
    return f"{prefix}.{kind}"


class Stamp(NamedTuple):
    """What the headers of a message say.

    Attributes:
        run: The publisher's run; "" without one.
        seq: Number within run, topic and key; 0 without one.
        verified: Whether the publisher had proven the book.
        schema: As sent; "" without one.
    """

    run: str = ""
    seq: int = 0
    verified: bool = False
    schema: str = ""


def read_headers(headers: Sequence[tuple[str, bytes | None]] | None) -> Stamp:
    """Read the headers of a message; what is missing or odd counts as absent."""
    found = {name: value for name, value in headers or () if isinstance(value, bytes) and len(value) <= 64}
    seq = found.get("seq", b"")
    return Stamp(
        found.get("run", b"").decode("ascii", "replace"),
        int(seq) if seq.isdigit() and len(seq) < 19 else 0,
        found.get("verified") == b"1",
        found.get("schema", b"").decode("ascii", "replace"),
    )


# -- where a symbol is ------------------------------------------------------------------------------------------------

_MASK = 0xFFFFFFFF
_M = 0x5BD1E995


def murmur2(data: bytes) -> int:
    """The hash by which Kafka's own clients choose a partition (`org.apache.kafka.common.utils.Utils.murmur2`)."""
    length = len(data)
    h = (0x9747B28C ^ length) & _MASK
    whole = length & ~3
    for at in range(0, whole, 4):
        k = int.from_bytes(data[at : at + 4], "little") * _M & _MASK
        k = (k ^ k >> 24) * _M & _MASK
        h = (h * _M & _MASK) ^ k
    if rest := data[whole:]:
        h = (h ^ int.from_bytes(rest, "little")) * _M & _MASK
    h = (h ^ h >> 13) * _M & _MASK
    return h ^ h >> 15


def partition_of(key: str, partitions: int) -> int:
    """The partition that librdkafka's `murmur2_random`, and Java, give a key."""
    return (murmur2(key.encode()) & 0x7FFFFFFF) % partitions
