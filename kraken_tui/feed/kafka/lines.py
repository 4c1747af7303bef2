"""Lines out of Kafka back into frames in the exchange's own shapes, for a `Session` to take and prove again. Pure.

Why frames and not events: a session computes every checksum itself, over the levels it holds, and so never has to
believe a publisher. An event of a changed book could only carry the publisher's word. Frames can also be recorded.

A book line holds all its levels, so the difference to the line before it is what the exchange would have sent a
subscription of that depth: levels that changed, came into sight or went. Where the line before is not the one that
preceded it (a missing number, another publisher, a loss of proof there), the difference would be a lie; the book is
unproven until a line is loaded whole, like a snapshot.

A frame is made of digits only after they were looked at: what is in a topic is not to be trusted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import msgspec

from kraken_tui.feed.kafka.topics import Stamp
from kraken_tui.text import clean_text
from kraken_tui.units import SECOND
from kraken_tui.words import counted

SILENT_NS = 5 * SECOND
"""After so long without a word, heartbeats included, the books of a publisher are not proven any more."""

TAKEOVER_NS = 3 * SECOND
"""How long a symbol stays with its publisher before the lines of another one are taken."""

_MOST_SYMBOLS = 5000
_MOST_RUNS = 1000
_DIGITS = re.compile(r"[0-9]{1,40}(?:\.[0-9]{1,40})?", re.ASCII)
_SIGNED = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,2})?", re.ASCII)
_WORD = re.compile(r"[a-z_]{0,20}", re.ASCII)
_TIME = re.compile(r"[0-9T:.Z+-]{10,40}", re.ASCII)
_CACHED = 50_000

Sides = list[tuple[str, str]]


class _Book(msgspec.Struct, tag_field="event", tag="book", gc=False):
    symbol: str
    kind: str
    verified: bool
    bids: Sides
    asks: Sides
    checksum: int | None = None
    timestamp: str | None = None
    received: str = ""


class _Proof(msgspec.Struct, tag_field="event", tag="proof", gc=False):
    symbol: str
    proof: str
    reason: str = ""


class _Trade(msgspec.Struct, tag_field="event", tag="trade", gc=False):
    symbol: str
    side: str
    price: str
    qty: str
    trade_id: int
    timestamp: str | None = None
    ord_type: str = ""
    live: bool = True


class _Candle(msgspec.Struct, tag_field="event", tag="candle", gc=False):
    symbol: str
    interval: int
    begin: str
    open: str
    high: str
    low: str
    close: str
    volume: str
    trades: int
    vwap: str | None = None


class _Ticker(msgspec.Struct, tag_field="event", tag="ticker", gc=False):
    symbol: str
    last: str | None = None
    bid: str | None = None
    ask: str | None = None
    high: str | None = None
    low: str | None = None
    vwap: str | None = None
    volume: str | None = None
    change: str | None = None
    change_pct: str | None = None


class _Publisher(msgspec.Struct, tag_field="event", tag="publisher", gc=False):
    shard: str = ""
    mode: str = "LIVE"
    connection: str = ""
    cause: str = ""
    system: str = "unknown"
    symbols: list[str] = []


class _Snapshot(msgspec.Struct, tag_field="event", tag="snapshot", gc=False):
    symbol: str
    book: _Book
    frames: list[msgspec.Raw] = []


_Line = _Book | _Proof | _Trade | _Candle | _Ticker | _Publisher | _Snapshot
_OTHER = frozenset({"flow", "health", "state", "resync", "refused"})
_from_json = msgspec.json.Decoder(_Line)
_from_msgpack = msgspec.msgpack.Decoder(_Book | _Proof | _Trade | _Candle | _Ticker | _Publisher)


class Unproven(NamedTuple):
    """A book whose proof is gone, and why."""

    symbol: str
    cause: str


class Say(NamedTuple):
    """A line for the log."""

    level: str
    text: str


Step = bytes | Unproven | Say
"""What a line comes to: a frame for the session, a proof that is lost, or something to log."""


class Message(NamedTuple):
    """A message as read.

    Attributes:
        kind: The topic without its prefix.
        value: The line.
        stamp: Its headers.
        ns: Kafka's timestamp, ns since the epoch.
        topic, partition, offset: Where it stood.
    """

    kind: str
    value: bytes
    stamp: Stamp
    ns: int
    topic: str = ""
    partition: int = 0
    offset: int = 0


class _Publishing(msgspec.Struct):
    """One run of a publisher."""

    seen_ns: int
    shard: str = ""
    connection: str = ""
    silent: bool = False


class _Held(msgspec.Struct):
    """The book of one symbol as the session has it."""

    run: str
    depth: int = 0
    bids: dict[str, str] | None = None
    asks: dict[str, str] = {}
    received: str = ""
    seen_ns: int = 0
    until: str = ""


class Lines:
    """Turns messages into steps.

    Args:
        wants: Whether a symbol is wanted.

    Attributes:
        taken: Messages used so far.
        left_out: Messages that could not be read, or of a schema to come.
        missing: Lines that never came, by their numbers.
        gaps: Places where lines are missing.
        duplicates: Lines that came twice, as Kafka may deliver them.
        mode: Mode of the publishers: "DEMO" where any of them is one.
        symbols: Symbols that publishers say they have.
    """

    def __init__(self, wants: Callable[[str], bool]) -> None:
        self._wants = wants
        self.taken = self.left_out = self.missing = self.gaps = self.duplicates = 0
        self.mode = ""
        self.symbols: set[str] = set()
        self._runs: dict[str, _Publishing] = {}
        self._held: dict[str, _Held] = {}
        self._seq: dict[tuple[str, str], tuple[str, int]] = {}
        self._system = ""
        self._said: set[str] = set()
        self._good: set[str] = set()
        self._names: dict[str, str] = {}

    # -- messages ---------------------------------------------------------------------------------------------------

    def take(self, message: Message, now: int) -> list[Step]:
        """Take one message.

        Args:
            message: As read, those of one partition in their order.
            now: Monotonic ns.
        """
        if message.stamp.schema not in ("", "1"):
            return self._leave_out("a line of a newer schema; update kraken-tui")
        try:
            line: Any = self._decoded(message.value)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return self._leave_out("a line that cannot be read")
        self._saw(message.stamp.run, now)
        if line is None:
            return []
        if type(line) is _Publisher:
            return self._publisher(line, message.stamp.run)
        symbol: str = line.symbol
        if not self._wants(symbol):
            return []
        if len(self._held) >= _MOST_SYMBOLS and symbol not in self._held:
            return self._leave_out(f"lines of more than {_MOST_SYMBOLS:,} symbols")
        self.taken += 1
        try:
            if type(line) is _Snapshot:
                return self._snapshot(line, message, now)
            if not self._is_its_publisher(symbol, message, now):
                return self._say_once("warning", f"two publishers send {clean_text(symbol, 40)}: one is left out")
            steps, follows = self._order(symbol, message)
            if follows is None:
                return []
            steps += self._one(line, message, now, follows=follows)
        except ValueError as error:
            self._forget(symbol)
            return [
                Unproven(symbol, "a line that cannot be used"),
                *self._leave_out(f"a line that cannot be used: {clean_text(error, 80)}"),
            ]
        return steps

    def _decoded(self, value: bytes) -> object:
        """The line; None for a kind that the reader has no use for, as it computes these things itself."""
        try:
            # No map of MessagePack begins with a brace.
            return _from_json.decode(value) if value[:1] == b"{" else _from_msgpack.decode(value)
        except msgspec.ValidationError:
            decode = msgspec.json.decode if value[:1] == b"{" else msgspec.msgpack.decode
            event = decode(value, type=dict[str, Any]).get("event")
            if event in _OTHER:
                return None
            raise

    def _one(self, line: Any, message: Message, now: int, *, follows: bool) -> list[Step]:
        kind = type(line)
        if kind is _Book:
            return self._book(line, message.stamp, now, follows=follows)
        if kind is _Proof:
            held = self._held.get(line.symbol)
            if line.proof == "VERIFIED" or held is None or held.bids is None:
                return []
            self._forget(line.symbol)
            return [Unproven(line.symbol, clean_text(line.reason, 100) or "the publisher has lost its proof")]
        if kind is _Trade:
            return [self._trade(line)]
        if kind is _Candle:
            return [self._candle(line)]
        return [self._ticker(line)]

    # -- order and publishers ---------------------------------------------------------------------------------------

    def _saw(self, run: str, now: int) -> None:
        if not run:
            return
        known = self._runs.get(run)
        if known is None:
            if len(self._runs) >= _MOST_RUNS:
                del self._runs[next(iter(self._runs))]
            known = self._runs[run] = _Publishing(now)
        known.seen_ns, known.silent = now, False

    def _is_its_publisher(self, symbol: str, message: Message, now: int) -> bool:
        """Whether a symbol's lines are taken from this run; another one takes over where the first is silent."""
        held = self._held.get(symbol)
        if held is None or held.run == message.stamp.run:
            return True
        known = self._runs.get(held.run)
        if known is not None and now - known.seen_ns < TAKEOVER_NS:
            return False
        self._forget(symbol)
        held.run = message.stamp.run
        return True

    def _order(self, symbol: str, message: Message) -> tuple[list[Step], bool | None]:
        """(steps, whether the line follows the one before; None for one that was taken already)."""
        stamp, place = message.stamp, (message.kind, symbol)
        run, before = self._seq.get(place, ("", 0))
        if not stamp.seq:
            return [], True
        if run == stamp.run and stamp.seq <= before:
            self.duplicates += 1
            return [], None
        self._seq[place] = stamp.run, stamp.seq
        if run != stamp.run:
            return [], message.kind != "book"
        missing = stamp.seq - before - 1
        if not missing:
            return [], True
        self.missing += missing
        self.gaps += 1
        text = f"{counted(missing, 'line')} of {clean_text(symbol, 40)} missing in {message.kind}"
        steps: list[Step] = [Say("warning", f"Kafka: {text}")]
        if message.kind == "book":
            if symbol in self._held:
                steps.append(Unproven(symbol, f"{counted(missing, 'line')} missing in Kafka"))
            self._forget(symbol)
        return steps, False

    def _forget(self, symbol: str) -> None:
        """The next book line of a symbol is loaded whole."""
        held = self._held.get(symbol)
        if held is not None:
            held.bids = None

    def _publisher(self, line: _Publisher, run: str) -> list[Step]:
        known = self._runs.get(run)
        if known is None:
            return []
        known.shard = clean_text(line.shard, 20)
        self.mode = "DEMO" if line.mode == "DEMO" else self.mode or clean_text(line.mode, 20)
        self.symbols.update(clean_text(symbol, 40) for symbol in line.symbols[:_MOST_SYMBOLS])
        steps: list[Step] = []
        before, known.connection = known.connection, line.connection
        if before != line.connection:
            cause = f": {clean_text(line.cause, 80)}" if line.cause else ""
            steps.append(Say("info", f"publisher {known.shard}: {clean_text(line.connection, 20)}{cause}"))
        if line.connection == "CLOSED":
            steps += self._lost(run, "the publisher has ended")
            del self._runs[run]
        else:
            steps.append(b'{"channel":"heartbeat"}')
        if line.system != self._system and _WORD.fullmatch(line.system):
            self._system = line.system
            steps.append(f'{{"channel":"status","type":"update","data":[{{"system":"{line.system}"}}]}}'.encode())
        return steps

    def tick(self, now: int) -> list[Step]:
        """Let time pass: publishers that fell silent."""
        steps: list[Step] = []
        for run, known in self._runs.items():
            if not known.silent and now - known.seen_ns >= SILENT_NS:
                known.silent = True
                steps.append(Say("warning", f"publisher {known.shard or run[:12]} is silent"))
                steps += self._lost(run, f"nothing from the publisher for {SILENT_NS // SECOND} s")
        return steps

    def _lost(self, run: str, cause: str) -> Iterable[Step]:
        for symbol, held in self._held.items():
            if held.run == run and held.bids is not None:
                held.bids = None
                yield Unproven(symbol, cause)

    @property
    def publishers(self) -> tuple[int, int]:
        """(runs of publishers that are heard, those that fell silent)."""
        silent = sum(known.silent for known in self._runs.values())
        return len(self._runs) - silent, silent

    def disconnected(self) -> None:
        """Kafka does not answer: what comes next does not follow what came."""
        for symbol in self._held:
            self._forget(symbol)

    # -- frames -----------------------------------------------------------------------------------------------------

    def _snapshot(self, line: _Snapshot, message: Message, now: int) -> list[Step]:
        """A symbol's latest state, to begin with; one whose book is held already needs none."""
        symbol, held = line.symbol, self._held.get(line.symbol)
        if line.book.symbol != symbol or (held is not None and held.bids is not None):
            return []
        first = [bytes(frame) for frame in line.frames if _channel(frame) == "instrument"]
        rest = [bytes(frame) for frame in line.frames if _channel(frame) in ("trade", "ticker", "ohlc")]
        self._held[symbol] = _Held(message.stamp.run, seen_ns=now)
        book = self._book(line.book, message.stamp, now, follows=False)
        held = self._held[symbol]
        held.bids, held.until = None, line.book.received
        return [*first, *book, *rest]

    def _book(self, line: _Book, stamp: Stamp, now: int, *, follows: bool) -> list[Step]:
        held = self._held.get(line.symbol)
        if held is None:
            held = self._held[line.symbol] = _Held(stamp.run)
        if held.until:
            if line.received <= held.until:
                return []
            held.until = ""
        held.received, held.seen_ns = line.received, now
        bids, asks = self._side(line.bids), self._side(line.asks)
        steps: list[Step] = []
        depth = max(held.depth, len(bids), len(asks))
        if depth > held.depth:
            held.depth, held.bids = depth, None
            steps.append(
                f'{{"method":"subscribe","result":{{"channel":"book","depth":{depth},"snapshot":true,'
                f'"symbol":{self._name(line.symbol)}}},"success":true}}'.encode()
            )
        if held.bids is None or line.kind == "snapshot" or not follows:
            kind, changed = "snapshot", (_levels(bids.items()), _levels(asks.items()))
        else:
            kind = "update"
            changed = _difference(held.bids, bids, depth, -1), _difference(held.asks, asks, depth, 1)
        held.bids, held.asks = bids, asks
        proof = f',"checksum":{line.checksum}' if line.verified and line.checksum is not None else ""
        moment = f',"timestamp":"{_time(line.timestamp)}"' if line.timestamp else ""
        steps.append(
            f'{{"channel":"book","type":"{kind}","data":[{{"symbol":{self._name(line.symbol)},'
            f'"bids":[{changed[0]}],"asks":[{changed[1]}]{proof}{moment}}}]}}'.encode()
        )
        return steps

    def _side(self, levels: Sides) -> dict[str, str]:
        good = self._good
        for price, qty in levels:
            if price not in good:
                self._check(price)
            if qty not in good:
                self._check(qty)
        found = dict(levels)
        if len(found) != len(levels):
            raise ValueError("a price twice")
        return found

    def _check(self, number: str) -> None:
        if _DIGITS.fullmatch(number) is None:
            raise ValueError(f"not a number: {clean_text(number, 40)}")
        if len(self._good) >= _CACHED:
            self._good.clear()
        self._good.add(number)

    def _trade(self, line: _Trade) -> bytes:
        kind = "update" if line.live else "snapshot"
        side, order = _word(line.side), _word(line.ord_type)
        return (
            f'{{"channel":"trade","type":"{kind}","data":[{{"symbol":{self._name(line.symbol)},"side":"{side}",'
            f'"price":{_digits(line.price)},"qty":{_digits(line.qty)},"ord_type":"{order}",'
            f'"trade_id":{line.trade_id},"timestamp":"{_time(line.timestamp)}"}}]}}'
        ).encode()

    def _candle(self, line: _Candle) -> bytes:
        prices = ",".join(f'"{name}":{_digits(getattr(line, name))}' for name in ("open", "high", "low", "close"))
        vwap = f'"vwap":{_digits(line.vwap)},' if line.vwap is not None else ""
        return (
            f'{{"channel":"ohlc","type":"update","data":[{{"symbol":{self._name(line.symbol)},{prices},{vwap}'
            f'"trades":{line.trades},"volume":{_digits(line.volume)},"interval_begin":"{_time(line.begin)}",'
            f'"interval":{line.interval}}}]}}'
        ).encode()

    def _ticker(self, line: _Ticker) -> bytes:
        fields = [f'"symbol":{self._name(line.symbol)}']
        for name in ("last", "bid", "ask", "high", "low", "vwap", "volume"):
            if (value := getattr(line, name)) is not None:
                fields.append(f'"{name}":{_digits(value)}')
        for name in ("change", "change_pct"):
            if (value := getattr(line, name)) is not None:
                if _SIGNED.fullmatch(value) is None:
                    raise ValueError(f"not a number: {clean_text(value, 40)}")
                fields.append(f'"{name}":{value}')
        return f'{{"channel":"ticker","type":"update","data":[{{{",".join(fields)}}}]}}'.encode()

    def _name(self, symbol: str) -> str:
        name = self._names.get(symbol)
        if name is None:
            name = self._names[symbol] = json.dumps(symbol)
        return name

    # -- what is said -----------------------------------------------------------------------------------------------

    def _leave_out(self, what: str) -> list[Step]:
        self.left_out += 1
        return self._say_once("warning", f"Kafka: left out {what}")

    def _say_once(self, level: str, text: str) -> list[Step]:
        if text in self._said or len(self._said) >= 100:
            return []
        self._said.add(text)
        return [Say(level, text)]


def without_proof(symbol: str) -> bytes:
    """A book message that changes nothing and proves nothing: how a frame says that a book's proof is gone."""
    return (
        f'{{"channel":"book","type":"update","data":[{{"symbol":{json.dumps(symbol)},"bids":[],"asks":[]}}]}}'
    ).encode()


def _difference(before: dict[str, str], after: dict[str, str], depth: int, sign: int) -> str:
    """The levels of an update that makes one side of a book of this depth into another; `sign` is -1 for bids."""
    changed = [(price, qty) for price, qty in after.items() if before.get(price) != qty]
    if len(after) < depth:
        changed += [(price, "0") for price in before if price not in after]
    else:
        # A full side: what lies beyond its last level was pushed out of sight, which is no change of the market.
        worst = max(sign * float(price) for price in after)
        changed += [(price, "0") for price in before if price not in after and sign * float(price) < worst]
    return _levels(changed)


def _levels(levels: Iterable[tuple[str, str]]) -> str:
    return ",".join([f'{{"price":{price},"qty":{qty}}}' for price, qty in levels])


def _digits(text: str) -> str:
    if _DIGITS.fullmatch(text) is None:
        raise ValueError(f"not a number: {clean_text(text, 40)}")
    return text


def _word(text: str) -> str:
    if _WORD.fullmatch(text.replace("-", "_")) is None:
        raise ValueError(f"not a word: {clean_text(text, 40)}")
    return text


def _time(text: str | None) -> str:
    if text is None or _TIME.fullmatch(text) is None:
        raise ValueError(f"not a time: {clean_text(text, 40)}")
    return text


class _Head(msgspec.Struct):
    channel: str = ""


def _channel(frame: msgspec.Raw) -> str:
    try:
        return msgspec.json.decode(frame, type=_Head).channel
    except msgspec.MsgspecError:
        return ""
