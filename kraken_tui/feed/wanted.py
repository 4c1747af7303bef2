"""Which pairs are wanted, by the names the user gave, the subscriptions that follow, and the answers to them."""

from __future__ import annotations

from kraken_tui.feed.events import Note, PairAdded, Refused
from kraken_tui.feed.pairs import APPLIED, Markets
from kraken_tui.feed.subscriptions import Subscriptions
from kraken_tui.text import clean_text
from kraken_tui.wire.messages import Refusal, SubscribeAck
from kraken_tui.wire.symbols import SymbolTable, UnknownPair, canonical

CHANNELS = ("book", "trade", "ticker", "ohlc")
"""What is subscribed for every wanted pair, unless fewer are chosen; the book always is."""


class Wishes:
    """Names, and what they were found to be.

    Attributes:
        names: Name as given to symbol, None while unknown.
        channels: Channels besides the book that new pairs get.
    """

    def __init__(self, markets: Markets, subscriptions: Subscriptions) -> None:
        self.names: dict[str, str | None] = {}
        self.channels = frozenset(CHANNELS)
        self._markets = markets
        self._subscriptions = subscriptions
        self._refused: set[str] = set()
        self._met = SymbolTable()

    def add(self, name: str) -> None:
        """Want a pair by any of its names."""
        self.names.setdefault(name, None)
        self._refused.discard(name)

    def drop(self, symbol: str) -> None:
        """Want a pair, or a name that was refused, no longer."""
        for name in [name for name, found in self.names.items() if symbol in (found, name)]:
            del self.names[name]
        for channel in CHANNELS:
            self._subscriptions.unwant(channel, symbol)
        self._markets.remove(symbol)

    def resolve(self, wall_ns: int) -> None:
        """Find symbols for the names in the instrument list, and subscribe every pair that is wanted.

        A name that is not found is refused once, with the nearest symbols, and tried again with every new list.
        """
        for name, found in list(self.names.items()):
            if found is None:
                try:
                    found = self._markets.symbols.resolve(name)
                except UnknownPair as error:
                    if name not in self._refused:
                        self._refused.add(name)
                        self._markets.events.append(Refused(wall_ns, error.name, "", str(error), error.nearest))
                    continue
                self.names[name] = found
                self._markets.events.append(PairAdded(name, found))
            self._enlist(found, wall_ns)

    def _enlist(self, symbol: str, wall_ns: int) -> None:
        if symbol not in self._markets.stitchers:
            self._markets.add(symbol, wall_ns)
        self.subscribe_book(symbol)
        if "trade" in self.channels:
            self._subscriptions.want("trade", symbol, snapshot=True)
        if "ticker" in self.channels:
            self._subscriptions.want("ticker", symbol, event_trigger="bbo", snapshot=True)
        self.subscribe_candles(symbol)

    def subscribe_book(self, symbol: str) -> None:
        """Want a pair's book at the current depth."""
        self._subscriptions.want("book", symbol, depth=self._markets.depth, snapshot=True)

    def subscribe_candles(self, symbol: str) -> None:
        """Want a pair's candles at its current interval."""
        if "ohlc" not in self.channels:
            return
        self._subscriptions.want("ohlc", symbol, interval=self._markets.intervals[symbol], snapshot=True)

    # -- answers ------------------------------------------------------------------------------------------------

    def acknowledged(self, ack: SubscribeAck, now: int, wall_ns: int) -> str:
        """Take a granted request; returns the verdict on the frame."""
        markets = self._markets
        if markets.replay:
            self._granted(ack)
            return APPLIED
        answer = self._subscriptions.acknowledged(ack)
        if not answer.matched:
            # What it grants belongs to a request that no longer counts.
            return f"late {clean_text(ack.method, 20)} acknowledgement"
        self._granted(ack)
        for warning in ack.warnings:
            markets.complain(wall_ns, f"{clean_text(ack.channel, 20)}: the exchange remarks: {warning}", "info")
        for known in answer.confirmed:
            stitcher = markets.stitchers.get(known.symbol or "") if known.channel == "book" else None
            if stitcher is not None:
                markets.collect(stitcher, stitcher.acked(now, wall_ns))
        return APPLIED

    def _granted(self, ack: SubscribeAck) -> None:
        if ack.symbol is None or ack.method != "subscribe":
            return
        if ack.channel == "book":
            self._markets.granted_depth(ack.symbol, ack.result.get("depth"), ack.time_out)
        elif ack.channel == "ticker":
            self._markets.granted_trigger(ack.symbol, ack.result.get("event_trigger"))

    def refused(self, refusal: Refusal, now: int, wall_ns: int) -> tuple[str, str]:
        """Take a refused request.

        Returns:
            (verdict on the frame, "" or why the whole connection is of no use).
        """
        markets = self._markets
        if markets.replay:
            return "refusal", ""
        answer = self._subscriptions.refused(refusal, now)
        fatal = ""
        if answer.slower:
            text = f"the exchange asks for fewer requests: {refusal.error}"
            markets.events.append(Note(wall_ns, "warning", clean_text(text)))
        for known in answer.refused:
            if known.symbol is None:
                markets.events.append(Refused(wall_ns, "", known.channel, refusal.error))
                fatal = f"the exchange refused the {known.channel} list: {refusal.error}"
            else:
                self._refuse(known.symbol, known.channel, refusal.error, wall_ns)
        if answer.matched or answer.slower:
            return APPLIED, fatal
        markets.complain(wall_ns, f"the exchange says: {refusal.error}")
        return "refusal of nothing that was asked", ""

    def _refuse(self, symbol: str, channel: str, error: str, wall_ns: int) -> None:
        markets = self._markets
        whole_pair = "currency pair" in error.lower()
        if whole_pair:
            for each in CHANNELS:
                self._subscriptions.refuse(each, symbol)
        stitcher = markets.stitchers.get(symbol)
        if stitcher is not None and (whole_pair or channel == "book"):
            markets.collect(stitcher, stitcher.refused(wall_ns, error))
        similar = markets.symbols.nearest(symbol, 4) if whole_pair else ()
        nearest = tuple(other for other in similar if other != symbol)[:3]
        markets.events.append(Refused(wall_ns, symbol, "" if whole_pair else channel, error, nearest))

    # -- replay -------------------------------------------------------------------------------------------------

    def accepts(self, symbol: str) -> bool:
        """Whether a symbol met in a recording is one of the names given; all are when none was given."""
        if symbol in self._markets.stitchers or not self.names:
            return True
        self._met.add(symbol)
        table = SymbolTable([symbol])
        for name, found in self.names.items():
            if found == symbol:
                return True
            if found is None and (canonical(name) == symbol or _resolves(table, name)):
                self.names[name] = symbol
                self._markets.events.append(PairAdded(name, symbol))
                return True
        return False

    def refuse_unmet(self, wall_ns: int) -> None:
        """The recording is over: names it never mentioned are refused."""
        for name in [name for name, found in self.names.items() if found is None]:
            error = f"the recording holds no pair {clean_text(name, 40)!r}"
            nearest = self._met.nearest(name)
            self._markets.events.append(Refused(wall_ns, clean_text(name, 40), "", error, nearest))


def _resolves(table: SymbolTable, name: str) -> bool:
    try:
        table.resolve(name)
    except UnknownPair:
        return False
    return True
