"""Bytes of a frame to a typed message.

One pass of a reused msgspec decoder handles every known channel frame; numbers come out as the wire's own text.
Method frames, odd error shapes and frames of unknown kinds take a second, generic pass. So do book, instrument,
trade, ticker and candle frames with a malformed row: one bad row must not cost the others their frame.
"""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Union, get_args

import msgspec

from kraken_tui.errors import InvalidMessage
from kraken_tui.text import clean_text
from kraken_tui.wire.messages import (
    AssetData,
    BookData,
    BookMessage,
    HeartbeatMessage,
    InstrumentData,
    InstrumentMessage,
    Kind,
    Message,
    OhlcData,
    OhlcMessage,
    PairData,
    Pong,
    Refusal,
    StatusMessage,
    SubscribeAck,
    TickerData,
    TickerMessage,
    TradeData,
    TradeMessage,
    UnknownMessage,
    WireLevel,
)

MAX_FRAME = 8 * 1024 * 1024
"""Longest frame accepted, in bytes: about ten instrument snapshots (RELIABILITY.md F42)."""

MOST_NAMES = 200
"""Most names of unknown channels, methods or fields that are counted separately, so that memory stays bounded."""

OTHERS = "others"

RowReader = Callable[[Kind, Any], Any]
"""(type, data) of a frame that is not quite in order to a message of the rows that are; None where none can be told."""

AnswerReader = Callable[[dict[str, Any]], Any]
"""All fields of an answer to one more method, refusals too, to a message."""

_generic_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(float_hook=str)


class Channels:
    """The channels and methods that one kind of socket speaks, and the one decoder of them all."""

    def __init__(self) -> None:
        self.types: dict[str, type[msgspec.Struct]] = {}
        self.by_rows: dict[str, RowReader] = {}
        self.methods: dict[str, AnswerReader] = {}
        self.decoder: msgspec.json.Decoder[Any] = _generic_decoder

    def add(self, message: type[msgspec.Struct], by_rows: RowReader | None = None) -> None:
        """Decode frames of one more channel; see `register`."""
        name = message.__struct_config__.tag
        assert isinstance(name, str)
        if by_rows is not None:
            self.by_rows[name] = by_rows
        if self.types.get(name) is not message:
            self.types[name] = message
            self.decoder = msgspec.json.Decoder(Union[tuple(self.types.values())], float_hook=str)  # noqa: UP007

    def add_methods(self, names: Iterable[str], reader: AnswerReader) -> None:
        """Read the answers to further methods, granted or refused, with `reader`."""
        self.methods.update(dict.fromkeys(names, reader))


def register(message: type[msgspec.Struct], by_rows: RowReader | None = None) -> None:
    """Decode frames of one more public channel; a channel that is known already keeps its place.

    Args:
        message: Struct of the whole frame, its tag field `channel` and its tag the channel's name.
        by_rows: Reads a frame that the struct does not fit, leaving out the rows that are wrong; without it such a
            frame is an `InvalidMessage`.
    """
    PUBLIC.add(message, by_rows)


def decode(frame: bytes | str) -> Message:
    """Decode one frame of a public socket; see `decode_by`."""
    return decode_by(PUBLIC, frame)


def decode_by(channels: Channels, frame: bytes | str) -> Message:
    """Decode one frame.

    Args:
        channels: What the socket speaks.
        frame: The frame's payload, UTF-8 JSON.

    Returns:
        A typed message; `UnknownMessage` for well-formed frames of unknown kinds.

    Raises:
        InvalidMessage: Too long, not JSON, or a known kind of frame without its required fields.
    """
    if len(frame) > MAX_FRAME:
        raise InvalidMessage(f"frame of {len(frame):,} bytes is over the limit of {MAX_FRAME:,}")
    try:
        message: Message = channels.decoder.decode(frame)
    except msgspec.DecodeError as error:
        return _decode_other(channels, frame, error)
    except (RecursionError, UnicodeError) as error:
        raise InvalidMessage(f"unreadable frame: {clean_text(error)}") from error
    return message


def _decode_other(channels: Channels, frame: bytes | str, first_error: Exception) -> Message:
    """Second pass, for anything but a well-formed frame of a known channel."""
    try:
        fields = _generic_decoder.decode(frame)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise InvalidMessage(f"not JSON: {clean_text(error)}") from error
    if not isinstance(fields, dict):
        raise InvalidMessage("frame is not a JSON object")
    # The method comes first: one recorded private refusal carries a channel as well (section 3).
    if "method" in fields or "error" in fields or "Error" in fields:
        return _method_message(channels, fields)
    channel = fields.get("channel")
    if isinstance(channel, str) and channel in channels.types:
        kind = fields.get("type")
        if isinstance(kind, str) and kind not in get_args(Kind):
            # Taken for an update, it would corrupt a book, and its text would reach every event made from it.
            return UnknownMessage(kind=clean_text(f"{channel} {kind}", 60))
        message = _by_rows(channels, channel, fields)
        if message is not None and "sequence" in fields and hasattr(message, "sequence"):
            message.sequence = _integer(fields["sequence"])
        if message is None:
            words = f"{channel} frame is malformed: {clean_text(first_error)}"
            raise InvalidMessage(words, channel=channel) from first_error
        return message
    return UnknownMessage(kind=clean_text(channel if channel is not None else "frame without channel", 60))


def _by_rows(channels: Channels, channel: str, fields: dict[str, Any]) -> Message | None:
    """A book or instrument frame with the rows that are valid; None if not even the symbols can be read."""
    kind: Any = fields.get("type")
    reader = channels.by_rows.get(channel)
    if reader is None or kind not in get_args(Kind):
        return None
    message: Message | None = reader(kind, fields.get("data"))
    return message


def _books(kind: Kind, data: object) -> BookMessage | None:
    if not isinstance(data, list) or not data:
        return None
    books = [_book_row(row) for row in data]
    return None if None in books else BookMessage(kind, [book for book in books if book is not None])


def _instruments(kind: Kind, data: object) -> InstrumentMessage | None:
    if not isinstance(data, dict):
        return None
    assets, pairs = (_in_order(data.get(name), row) for name, row in (("assets", AssetData), ("pairs", PairData)))
    return InstrumentMessage(kind, InstrumentData(assets, pairs)) if assets or pairs else None


def _book_row(row: object) -> BookData | None:
    """One symbol's part of a book frame; if it cannot be read, it becomes a level that every book rejects."""
    if not isinstance(row, dict) or not isinstance(row.get("symbol"), str):
        return None
    present = {name: value for name, value in row.items() if value is not None}
    try:
        return msgspec.convert(present, BookData)
    except msgspec.ValidationError:
        return BookData(row["symbol"], bids=[WireLevel(None, None)])


def _loose(rows: object, kind: type[Any]) -> list[Any] | None:
    """Rows of which one may be wrong: that one keeps what it has, for its channel to name it and leave it out."""
    if not isinstance(rows, list):
        return None
    found: list[Any] = []
    for row in rows:
        try:
            found.append(msgspec.convert(row, kind))
        except msgspec.ValidationError:
            fields = row if isinstance(row, dict) else {}
            loose = {field.name: fields.get(field.encode_name) for field in msgspec.structs.fields(kind)}
            symbol = loose["symbol"]
            found.append(kind(**loose | {"symbol": symbol if isinstance(symbol, str) else ""}))
    return found


def _trades(kind: Kind, data: object) -> TradeMessage | None:
    rows = _loose(data, TradeData)
    return None if rows is None else TradeMessage(kind, rows)


def _candles(kind: Kind, data: object) -> OhlcMessage | None:
    rows = _loose(data, OhlcData)
    return None if rows is None else OhlcMessage(kind, rows)


def _tickers(kind: Kind, data: object) -> TickerMessage | None:
    rows = _loose(data, TickerData)
    return None if rows is None else TickerMessage(kind, rows)


def _in_order(rows: object, kind: type[Any]) -> list[Any]:
    found: list[Any] = []
    for row in rows if isinstance(rows, list) else ():
        with contextlib.suppress(msgspec.ValidationError):
            found.append(msgspec.convert(row, kind))
    return found


def _method_message(channels: Channels, fields: dict[str, Any]) -> Message:
    """Answers to requests: acknowledgement, refusal, pong (PROTOCOL.md sections 2.3 and 3)."""
    method = fields.get("method")
    name = method if isinstance(method, str) else ""
    if name in channels.methods:
        answer: Message = channels.methods[name](fields)
        return answer
    result = fields.get("result")
    req_id = _integer(fields.get("req_id"))
    error = fields.get("error", fields.get("Error"))
    if error is not None or fields.get("success") is False:
        return Refusal(
            method=clean_text(name, 60),
            error=clean_text(error if error is not None else "refused without a reason"),
            symbol=_text(fields.get("symbol")) or (_text(result.get("symbol")) if isinstance(result, dict) else None),
            channel=_text(fields.get("channel")),
            req_id=req_id,
        )
    if name == "pong":
        return Pong(req_id=req_id, time_in=_text(fields.get("time_in")), time_out=_text(fields.get("time_out")))
    if name in ("subscribe", "unsubscribe") and isinstance(result, dict):
        warnings = result.get("warnings")
        return SubscribeAck(
            method=name,
            channel=_text(result.get("channel")) or "",
            symbol=_text(result.get("symbol")),
            result=result,
            warnings=tuple(clean_text(item) for item in warnings) if isinstance(warnings, list) else (),
            req_id=req_id,
            time_in=_text(fields.get("time_in")),
            time_out=_text(fields.get("time_out")),
        )
    return UnknownMessage(kind=clean_text(f"method {name}", 60))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _tag(kind: type[msgspec.Struct]) -> Any:
    return kind.__struct_config__.tag


class NameCounter(Counter[str]):
    """Counts by names that come from outside: after the first `MOST_NAMES`, all others share one."""

    @property
    def full(self) -> bool:
        """Whether some names are no longer told apart."""
        return OTHERS in self

    def __setitem__(self, name: str, count: int) -> None:
        if name not in self and len(self) >= MOST_NAMES:
            count += self.get(OTHERS, 0)
            name = OTHERS
        super().__setitem__(name, count)


class FieldCensus:
    """Counts unknown fields in a sample of frames, which keeps the hot path free of it.

    Several documented fields appeared with no notice (PROTOCOL.md section 12, rule 6); the log screen shows the
    names found here. The first `always` frames of a kind are examined, then one in `every`.
    """

    def __init__(self, always: int = 3, every: int = 512, channels: Channels | None = None) -> None:
        self.unknown = NameCounter()
        self._channels = channels or PUBLIC
        self._seen: dict[type[Message], int] = {}
        self._wanted: set[type[Message]] = set()
        self._always = always
        self._every = every

    def look(self, frame: bytes | str, message: Message) -> None:
        """Count the unknown fields of `frame`, which decoded to `message`, if it is this frame's turn."""
        kind = type(message)
        self._seen[kind] = seen = self._seen.get(kind, 0) + 1
        turn = seen <= self._always or not seen % self._every or kind in self._wanted
        if not turn or self._channels.types.get(_tag(kind)) is not kind:
            return
        self._wanted.discard(kind)
        # Invalid UTF-8 and endless integers pass the typed decoder where it skips unknown fields.
        text = frame.decode("utf-8", "replace") if isinstance(frame, bytes) else frame
        try:
            fields = json.loads(text, parse_int=str, parse_float=str)
        except (ValueError, RecursionError):
            return
        channel = fields.pop("channel", "")
        self._compare(channel, fields, message)

    def want(self, kind: type[Message]) -> None:
        """Examine the next frame of a kind that is shown: enough of them were not."""
        self._wanted.add(kind)

    def _compare(self, path: str, fields: dict[str, Any], message: Any) -> None:
        known = {field.encode_name for field in msgspec.structs.fields(message)}
        for name in fields.keys() - known:
            field = clean_text(f"{path}.{name}", 80)
            self.unknown[field] += 1
        for name in fields.keys() & known:
            value, typed = fields[name], getattr(message, name)
            if isinstance(typed, msgspec.Struct) and isinstance(value, dict):
                self._compare(f"{path}.{name}", value, typed)
            elif isinstance(typed, list) and typed and isinstance(typed[0], msgspec.Struct):
                # In a frame read row by row, the first valid row need not be the first one sent.
                first = value[0] if isinstance(value, list) and value else None
                if isinstance(first, dict):
                    self._compare(f"{path}.{name}", first, typed[0])


PUBLIC = Channels()
for _message, _reader in (
    (BookMessage, _books),
    (TradeMessage, _trades),
    (TickerMessage, _tickers),
    (OhlcMessage, _candles),
    (StatusMessage, None),
    (HeartbeatMessage, None),
    (InstrumentMessage, _instruments),
):
    PUBLIC.add(_message, _reader)
