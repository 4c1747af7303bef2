"""Frames of Kraken's WebSocket v1 as frames of v2 (PROTOCOL.md section 11), for old recordings. Pure.

Every number keeps the wire's own text, so that the checksums, which v1 makes of that text, hold for the v2 frame as
well. What v1 does not say is left out: a book snapshot has no checksum, and is proven by the first update. Trades have
no numbers in v1; they are counted from 1 here.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from kraken_tui.errors import InvalidMessage
from kraken_tui.text import clean_text
from kraken_tui.units import SECOND
from kraken_tui.wire.symbols import canonical
from kraken_tui.wire.timestamps import format_timestamp

_decoder = msgspec.json.Decoder(float_hook=str)
_NUMBER = re.compile(r"[0-9]{1,30}(?:\.[0-9]{1,30})?", re.ASCII)
_SIDES = {"b": "buy", "s": "sell"}
_KINDS = {"m": "market", "l": "limit"}


def is_v1(frame: bytes) -> bool:
    """Whether a frame is one of v1: an array, or an object with an `event`."""
    if frame.startswith((b'{"channel"', b'{"method"')):
        return False
    return frame[:1] == b"[" or (b'"event"' in frame[:4096] and b'"channel"' not in frame[:4096])


class Translator:
    """Translates one connection's frames, in order.

    Args:
        counted: Trades of each pair that came before, as `counted` told them.
    """

    def __init__(self, counted: Mapping[str, int] | None = None) -> None:
        self._numbers: Counter[str] = Counter(counted or {})

    def counted(self) -> dict[str, int]:
        """Trades of each pair so far."""
        return dict(self._numbers)

    def translate(self, frame: bytes) -> bytes | None:
        """One frame of v1 as one of v2; None where v2 has nothing like it, such as the spread.

        Raises:
            InvalidMessage: Not a frame of v1, or a value of it cannot be.
        """
        try:
            message = _decoder.decode(frame)
            if isinstance(message, dict):
                return _event(message)
            if not isinstance(message, list) or len(message) < 3:
                raise InvalidMessage("not a frame of Kraken's v1 API")
            return self._data(message)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise InvalidMessage("not JSON") from error
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise InvalidMessage(f"not as in Kraken's v1 API: {clean_text(error, 80)}") from error

    def _data(self, message: Sequence[Any]) -> bytes | None:
        """An array: [id, payload ..., channel, pair], parsed from its end."""
        # Private ones end with a sequence instead; their channels are none of these.
        symbol, (name, _, parameter) = _text(canonical(str(message[-1]))), str(message[-2]).partition("-")
        payload = message[1:-2]
        if name == "book":
            return _book(payload, symbol)
        if name == "trade":
            return self._trades(payload[0], symbol)
        if name == "ticker":
            return _ticker(payload[0], symbol)
        if name == "ohlc":
            return _candle(payload[0], symbol, int(parameter))
        return None

    def _trades(self, rows: Iterable[Sequence[Any]], symbol: str) -> bytes:
        found = []
        for price, volume, time, side, kind, *_ in rows:
            self._numbers[symbol] += 1
            found.append(
                f'{{"symbol":{symbol},"side":"{_SIDES[side]}","price":{_number(price)},"qty":{_number(volume)},'
                f'"ord_type":"{_KINDS.get(kind, "")}","trade_id":{self._numbers[symbol]},'
                f'"timestamp":"{_moment(time)}"}}'
            )
        return f'{{"channel":"trade","type":"update","data":[{",".join(found)}]}}'.encode()


def _book(payload: Sequence[dict[str, Any]], symbol: str) -> bytes:
    """Both objects of a message are one change: between them the book may be crossed."""
    whole: dict[str, Any] = {}
    for part in payload:
        for key, value in part.items():
            whole[key] = [*whole.get(key, ()), *value] if isinstance(value, list) else value
    snapshot = "as" in whole or "bs" in whole
    asks = whole.get("as" if snapshot else "a", ())
    bids = whole.get("bs" if snapshot else "b", ())
    # The time of a republished level is old, that of the message is the latest of the others.
    times = [row[2] for row in (*asks, *bids) if len(row) < 4 or row[3] != "r"]
    fields = [f'"symbol":{symbol}', f'"bids":[{_levels(bids)}]', f'"asks":[{_levels(asks)}]']
    if "c" in whole:
        fields.append(f'"checksum":{int(whole["c"])}')
    if times:
        fields.append(f'"timestamp":"{_moment(max(times, key=_ns))}"')
    kind = "snapshot" if snapshot else "update"
    return f'{{"channel":"book","type":"{kind}","data":[{{{",".join(fields)}}}]}}'.encode()


def _levels(rows: Iterable[Sequence[Any]]) -> str:
    return ",".join(f'{{"price":{_number(row[0])},"qty":{_number(row[1])}}}' for row in rows)


def _ticker(told: dict[str, Any], symbol: str) -> bytes:
    fields = {
        "bid": told["b"][0], "bid_qty": told["b"][2], "ask": told["a"][0], "ask_qty": told["a"][2],
        "last": told["c"][0], "volume": told["v"][1], "vwap": told["p"][1], "low": told["l"][1], "high": told["h"][1],
    }  # fmt: skip
    numbers = ",".join(f'"{name}":{_number(value)}' for name, value in fields.items())
    return f'{{"channel":"ticker","type":"update","data":[{{"symbol":{symbol},{numbers}}}]}}'.encode()


def _candle(row: Sequence[Any], symbol: str, interval: int) -> bytes:
    _, end, first, high, low, last, vwap, volume, count = row
    begin = _ns(end) // SECOND - 60 * interval
    return (
        f'{{"channel":"ohlc","type":"update","data":[{{"symbol":{symbol},"open":{_number(first)},'
        f'"high":{_number(high)},"low":{_number(low)},"close":{_number(last)},"vwap":{_number(vwap)},'
        f'"volume":{_number(volume)},"trades":{int(count)},"interval":{interval},'
        f'"interval_begin":"{format_timestamp(begin * SECOND, 9)}"}}]}}'
    ).encode()


def _event(message: dict[str, Any]) -> bytes | None:
    event = message["event"]
    if event == "heartbeat":
        return b'{"channel":"heartbeat"}'
    if event == "pong":
        return b'{"method":"pong"}'
    if event == "systemStatus":
        connection = int(message.get("connectionID", 0))
        data = f'{{"connection_id":{connection},"system":{_text(message.get("status", "unknown"))}}}'
        return f'{{"channel":"status","type":"update","data":[{data}]}}'.encode()
    if event != "subscriptionStatus":
        return None
    symbol, status = _text(canonical(str(message.get("pair", "")))), message.get("status")
    if status == "error":
        error = _text(message.get("errorMessage", ""))
        return f'{{"method":"subscribe","success":false,"error":{error},"symbol":{symbol}}}'.encode()
    asked = message.get("subscription", {})
    fields = [f'"channel":{_text(asked["name"])}', f'"symbol":{symbol}', '"snapshot":true']
    fields += [f'"{name}":{int(asked[name])}' for name in ("depth", "interval") if name in asked]
    method = "unsubscribe" if status == "unsubscribed" else "subscribe"
    return f'{{"method":"{method}","result":{{{",".join(fields)}}},"success":true}}'.encode()


def _number(value: object) -> str:
    text = str(value) if type(value) is int else value
    if not isinstance(text, str) or not _NUMBER.fullmatch(text):
        raise InvalidMessage(f"not a plain decimal number: {clean_text(value, 40)!r}")
    # Further leading zeros are no JSON.
    plain = text.lstrip("0")
    return plain if plain[:1].isdigit() else f"0{plain}"


def _ns(time: object) -> int:
    """Seconds since the epoch as written, in ns."""
    whole, _, fraction = _number(time).partition(".")
    return int(whole) * SECOND + int(fraction[:9].ljust(9, "0"))


def _moment(time: object) -> str:
    return format_timestamp(_ns(time), 6)


def _text(value: object) -> str:
    return json.dumps(str(value))
