"""The slow, obvious way to the same rows: `json` with decimals, one message after the other, and what reads files."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.reference.session import FOLDER

RECORDINGS = sorted(FOLDER.glob("*.jsonl.gz"))

PROVEN = FOLDER / "every-depth.jsonl.gz"
"""All of its frames are right, its receive times too."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def lines(path: Path) -> list[dict[str, Any]]:
    """All lines of a recording, numbers as they are written."""
    with gzip.open(path, "rt") as file:
        found = [json.loads(line, parse_float=Decimal, parse_int=Decimal) for line in file]
    return [line for line in found if "frame" in line]


def micros(text: str) -> int:
    """A timestamp of the wire in microseconds."""
    moment = datetime.fromisoformat(text) - EPOCH
    return (moment.days * 86_400 + moment.seconds) * 1_000_000 + moment.microseconds


def slow_updates(path: Path) -> Iterator[tuple[object, ...]]:
    """(symbol, timestamp, local_timestamp, is_snapshot, side, price, amount, checksum) of every level sent."""
    for line in lines(path):
        frame = line["frame"]
        if line.get("dir") == "tx" or frame.get("channel") != "book":
            continue
        for data in frame["data"]:
            head = (data["symbol"], micros(data["timestamp"]), int(line["rx_ns"]) // 1000, frame["type"] == "snapshot")
            for side, name in (("bids", "bid"), ("asks", "ask")):
                for level in data[side]:
                    yield (*head, name, level["price"], level["qty"], int(data["checksum"]))


def slow_trades(path: Path) -> Iterator[tuple[object, ...]]:
    """(symbol, timestamp, local_timestamp, id, side, price, amount) of every trade, the first time it is sent."""
    seen: set[tuple[str, int]] = set()
    for line in lines(path):
        frame = line["frame"]
        if line.get("dir") == "tx" or frame.get("channel") != "trade":
            continue
        for row in frame["data"]:
            key = row["symbol"], int(row["trade_id"])
            if key not in seen:
                seen.add(key)
                stamps = micros(row["timestamp"]), int(line["rx_ns"]) // 1000
                yield (row["symbol"], *stamps, key[1], row["side"], row["price"], row["qty"])


def rows_of(path: Path) -> list[dict[str, str]]:
    """A CSV file as the standard library reads it."""
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))
