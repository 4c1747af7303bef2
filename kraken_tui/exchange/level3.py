"""`level3`: what each depth must be told of the queues, and the checksum over orders."""

from __future__ import annotations

from random import Random
from zlib import crc32

from kraken_tui.exchange.depthbook import CHECKSUM_LEVELS, DepthBook, Side
from kraken_tui.exchange.frames import decimal_text, nano_time
from kraken_tui.exchange.queues import Queued, SideQueues

LEVEL3_DEPTHS = (10, 100, 1000)
"""Depths on offer, price levels a side."""

LEVEL3_COST = {10: 5, 100: 25, 1000: 100}
"""What one symbol's subscription counts by depth."""

LEVEL3_COST_PER_S = 200
LEVEL3_SYMBOLS = 200
"""Subscription count allowed a second, and symbols allowed on one connection."""

_EXPONENT_BELOW = 4

Told = dict[int, list[tuple[str, int, int]]]


def quantity_text(lots: int, decimals: int) -> str:
    """A quantity as this channel writes it: with an exponent when under 0.0001, as seen on the real one."""
    if lots <= 0 or decimals <= _EXPONENT_BELOW or lots >= 10 ** (decimals - _EXPONENT_BELOW):
        return decimal_text(lots, decimals)
    digits = str(lots)
    exponent = decimals - len(digits) + 1
    rest = digits[1:].rstrip("0")
    return f"{digits[0]}{'.' + rest if rest else ''}e-{exponent:02d}"


class Level3Book:
    """The single orders of one pair.

    Args:
        symbol: v2 symbol.
        book: the levels; its sides take the queues.
        rng: the source of chance for the orders.
        minimum: the smallest order in lots.
        now_ns: present time, ns since the epoch.
    """

    def __init__(self, symbol: str, book: DepthBook, rng: Random, minimum: int, now_ns: int) -> None:
        self.symbol = symbol
        self.book = book
        self._told: dict[int, tuple[Told, Told]] = {}
        for side in (book.bids, book.asks):
            side.queues = SideQueues(side.lots, rng, minimum)
            side.queues.now_ns = now_ns

    @property
    def depths(self) -> tuple[int, ...]:
        """Depths somebody listens to."""
        return tuple(self._told)

    def queues(self, side: Side) -> SideQueues:
        """The queues of a side."""
        assert side.queues is not None
        return side.queues

    def start(self, ts_ns: int) -> None:
        """Begin one event at `ts_ns` (ns since the epoch)."""
        for side in (self.book.bids, self.book.asks):
            queues = self.queues(side)
            queues.now_ns = max(queues.now_ns, ts_ns)

    def move(self, book: DepthBook) -> None:
        """Go on behind a copy of the book."""
        for old, new in ((self.book.bids, book.bids), (self.book.asks, book.asks)):
            new.queues = self.queues(old)
            new.queues.stand_behind(new.lots)
        self.book = book

    # --- what is told

    def snapshot(self, depth: int, checksum: int | None, ts_ns: int) -> str:
        """A snapshot frame, from which the updates of this depth go on.

        Args:
            depth: price levels a side.
            checksum: what to print; None for the right one.
            ts_ns: time of the newest event, ns since the epoch.
        """
        told: tuple[Told, Told] = ({}, {})
        texts = []
        for side, seen in zip((self.book.bids, self.book.asks), told, strict=True):
            queues, rows = self.queues(side), []
            for key in side.keys[:depth]:
                queue = queues.at(key)
                seen[key] = [(o.order_id, o.lots, o.ts_ns) for o in queue]
                rows += [self._row(None, key * side.sign, *order) for order in seen[key]]
            texts.append(",".join(rows))
        self._told[depth] = told
        return self._frame("snapshot", texts[0], texts[1], self.checksum if checksum is None else checksum, ts_ns)

    def forget(self, depth: int) -> None:
        """Nobody listens to this depth any more."""
        self._told.pop(depth, None)

    def updates(self) -> dict[int, tuple[str, str]]:
        """For each depth that has something to hear of the event just played: its bid and ask entries."""
        out: dict[int, tuple[str, str]] = {}
        bids, asks = self.book.bids, self.book.asks
        bid_queues, ask_queues = self.queues(bids), self.queues(asks)
        for depth, (told_bids, told_asks) in self._told.items():
            bid_rows = self._side(bids, bid_queues, told_bids, depth)
            ask_rows = self._side(asks, ask_queues, told_asks, depth)
            if bid_rows or ask_rows:
                out[depth] = (",".join(bid_rows), ",".join(ask_rows))
        bid_queues.touched.clear()
        ask_queues.touched.clear()
        return out

    def _side(self, side: Side, queues: SideQueues, told: Told, depth: int) -> list[str]:
        """What the listener of one depth lacks.

        He cuts to his depth after the message: levels that leave his window are dropped without a word, and those
        that come into it are told as additions, however old.
        """
        if not queues.touched:
            return []
        window = side.keys[:depth]
        changed = {key for key in queues.touched if key in told}
        inside = set(window)
        if len(told) != len(inside) or inside != told.keys():
            changed |= inside - told.keys()
            for key in told.keys() - inside:
                if key in side.lots:
                    del told[key]
                    changed.discard(key)
                else:
                    changed.add(key)
        gone: list[str] = []
        added: list[tuple[str, str]] = []
        for key in sorted(changed):
            old = told.pop(key, [])
            new = [(o.order_id, o.lots, o.ts_ns) for o in queues.at(key)] if key in inside else []
            if new:
                told[key] = new
            self._compare(key * side.sign, old, new, gone, added)
        # Not in the order of their times: nor does the exchange promise it.
        return gone + [row for _, row in sorted(added)]

    def _compare(
        self,
        ticks: int,
        old: list[tuple[str, int, int]],
        new: list[tuple[str, int, int]],
        gone: list[str],
        added: list[tuple[str, str]],
    ) -> None:
        now = {order[0]: order for order in new}
        was = {order[0]: order for order in old}
        for order in old:
            order_id, lots, ts_ns = order
            after = now.get(order_id)
            if after is None or after[2] != ts_ns:
                gone.append(self._row("delete", ticks, order_id, lots, ts_ns))
            elif after[1] != lots:
                gone.append(self._row("modify", ticks, *after))
        for order in new:
            before = was.get(order[0])
            if before is None or before[2] != order[2]:
                added.append((order[0], self._row("add", ticks, *order)))

    # --- text

    @property
    def checksum(self) -> int:
        """CRC32 over the orders of the ten best levels a side."""
        return crc32((self._tokens(self.book.asks) + self._tokens(self.book.bids)).encode("ascii"))

    def _tokens(self, side: Side) -> str:
        queues = self.queues(side)
        return "".join(
            order.token or self._token(order, key * side.sign)
            for key in side.keys[:CHECKSUM_LEVELS]
            for order in queues.at(key)
        )

    def _token(self, order: Queued, ticks: int) -> str:
        price = decimal_text(ticks, self.book.price_precision).replace(".", "").lstrip("0")
        order.token = price + decimal_text(order.lots, self.book.qty_precision).replace(".", "").lstrip("0")
        return order.token

    def _row(self, event: str | None, ticks: int, order_id: str, lots: int, ts_ns: int) -> str:
        head = "" if event is None else f'"event":"{event}",'
        return (
            f'{{{head}"order_id":"{order_id}","limit_price":{decimal_text(ticks, self.book.price_precision)},'
            f'"order_qty":{quantity_text(lots, self.book.qty_precision)},"timestamp":"{nano_time(ts_ns)}"}}'
        )

    def _frame(self, kind: str, bids: str, asks: str, checksum: int, ts_ns: int) -> str:
        return level3_frame(kind, self.symbol, bids, asks, checksum, ts_ns)


def level3_frame(kind: str, symbol: str, bids: str, asks: str, checksum: int, ts_ns: int) -> str:
    """A `level3` frame; the sides are the insides of arrays."""
    return (
        f'{{"channel":"level3","type":"{kind}","data":[{{"checksum":{checksum},"symbol":"{symbol}",'
        f'"bids":[{bids}],"asks":[{asks}],"timestamp":"{nano_time(ts_ns)}"}}]}}'
    )
