"""A slow level 3 client, word for word PRIVATE.md section 2.2, its wrong variants, and a small exchange to feed it.

Shares nothing with the package: numbers are `decimal.Decimal`, a side is a list of orders.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any
from zlib import crc32

VARIANTS = (
    "reference",
    "level_sorted_by_time",
    "no_truncation",
    "truncation_after_each_entry",
    "adds_in_array_order",
    "modify_moves_to_back",
    "delete_only_when_quantity_zero",
    "aggregated_levels_as_in_L2",
    "exponents_not_expanded",
)


@dataclass
class Held:
    """One order; `price_text` and `qty_text` are as the wire wrote them."""

    order_id: str
    price: Decimal
    qty: Decimal
    stamp: str
    price_text: str
    qty_text: str


def of_row(row: dict[str, Any]) -> Held:
    price, qty = str(row["limit_price"]), str(row["order_qty"])
    return Held(row["order_id"], Decimal(price), Decimal(qty), row["timestamp"], price, qty)


def token(number: Decimal, decimals: int) -> str:
    return f"{number:.{decimals}f}".replace(".", "").lstrip("0")


class SlowBook:
    """One side is a list of orders, in the order of their arrival; a level is a filter."""

    def __init__(self, depth: int, price_decimals: int, qty_decimals: int, variant: str = "reference") -> None:
        assert variant in VARIANTS
        self.depth, self.decimals, self.variant = depth, (price_decimals, qty_decimals), variant
        self.sides: dict[str, list[Held]] = {"bids": [], "asks": []}
        self.unknown = 0

    def levels(self, side: str) -> list[list[Held]]:
        """Orders by level, best first, each in the order of its queue."""
        prices = sorted({order.price for order in self.sides[side]}, reverse=side == "bids")
        found = [[order for order in self.sides[side] if order.price == price] for price in prices]
        if self.variant == "level_sorted_by_time":
            found = [sorted(level, key=lambda order: order.stamp) for level in found]
        return found

    def take(self, frame: str) -> None:
        fields = json.loads(frame, parse_float=str, parse_int=str)
        (data,) = fields["data"]
        for side in ("bids", "asks"):
            rows = data.get(side) or []
            if fields["type"] == "snapshot":
                self.sides[side] = [of_row(row) for row in rows]
            else:
                self._update(side, rows)
            self._truncate(side)

    def _update(self, side: str, rows: list[dict[str, Any]]) -> None:
        adds = [row for row in rows if row["event"] == "add"]
        if self.variant != "adds_in_array_order":
            adds.sort(key=lambda row: row["timestamp"])
        waiting = iter(adds)
        for row in [next(waiting) if row["event"] == "add" else row for row in rows]:
            self._entry(side, row)
            if self.variant == "truncation_after_each_entry":
                self._truncate(side)

    def _entry(self, side: str, row: dict[str, Any]) -> None:
        orders = self.sides[side]
        known = next((order for order in orders if order.order_id == row["order_id"]), None)
        if row["event"] == "add":
            if known is not None:
                orders.remove(known)
            orders.append(of_row(row))
        elif known is None:
            self.unknown += 1
        elif row["event"] == "delete":
            if self.variant != "delete_only_when_quantity_zero" or not Decimal(row["order_qty"]):
                orders.remove(known)
        elif self.variant == "modify_moves_to_back" or Decimal(row["limit_price"]) != known.price:
            orders.remove(known)
            orders.append(of_row(row))
        else:
            orders[orders.index(known)] = of_row(row)

    def _truncate(self, side: str) -> None:
        if self.variant == "no_truncation":
            return
        kept = {level[0].price for level in self.levels(side)[: self.depth]}
        self.sides[side] = [order for order in self.sides[side] if order.price in kept]

    def checksum(self) -> int:
        parts = []
        for side in ("asks", "bids"):
            for level in self.levels(side)[:10]:
                if self.variant == "aggregated_levels_as_in_L2":
                    total = sum((order.qty for order in level), Decimal(0))
                    parts.append(token(level[0].price, self.decimals[0]) + token(total, self.decimals[1]))
                    continue
                for order in level:
                    if self.variant == "exponents_not_expanded":
                        parts += (order.price_text.replace(".", "").lstrip("0"), self._float(order.qty_text))
                    else:
                        parts += (token(order.price, self.decimals[0]), token(order.qty, self.decimals[1]))
        return crc32("".join(parts).encode())

    @staticmethod
    def _float(text: str) -> str:
        """What is left of a number that went through a float."""
        return text.replace(".", "").lstrip("0")


@dataclass
class Venue:
    """A whole book that moves at random; `frame` says what a subscriber of a depth is told, with the right checksum.

    Queues are lists, best price first; a message is the difference of two windows, as an exchange would send it.
    """

    rng: Random
    depth: int
    price_decimals: int = 1
    qty_decimals: int = 8
    spread_levels: int = 30
    symbol: str = "BTC/USD"
    queues: dict[str, dict[int, list[list[Any]]]] = field(default_factory=lambda: {"bids": {}, "asks": {}})
    now: int = 0
    born: int = 0

    def __post_init__(self) -> None:
        for _ in range(self.spread_levels * 3):
            self._add(self.rng.choice(("bids", "asks")))

    def stamp(self, ns: int) -> str:
        return f"2026-01-05T10:{ns // 60_000_000_000 % 60:02}:{ns // 1_000_000_000 % 60:02}.{ns % 1_000_000_000:09}Z"

    def _text(self, units: int, decimals: int) -> str:
        return f"{Decimal(units).scaleb(-decimals):.{decimals}f}"

    def _qty_text(self, lots: int) -> str:
        text = self._text(lots, self.qty_decimals)
        # Exponents and lost zeros occur.
        if lots == 1000:
            return "1e-05"
        return text.rstrip("0") + "0" if self.rng.random() < 0.1 else text

    def window(self, side: str) -> dict[str, tuple[int, int, int]]:
        """Id -> (ticks, lots, born) of the orders within the depth, best level first, in the order of the queues."""
        prices = sorted(self.queues[side], reverse=side == "bids")[: self.depth]
        return {name: (ticks, lots, born) for ticks in prices for name, lots, born in self.queues[side][ticks]}

    def _add(self, side: str) -> None:
        self.now += self.rng.randrange(1, 2_000_000)
        self.born += 1
        away = min(int(self.rng.expovariate(0.2)), self.spread_levels)
        ticks = 500_000 - away if side == "bids" else 500_001 + away
        lots = 1000 if self.rng.random() < 0.05 else self.rng.randrange(1, 10**9)
        order = [f"O{self.born:05}-{self.rng.randrange(10**5):05}-AAAAAA", lots, self.now]
        self.queues[side].setdefault(ticks, []).append(order)

    def _touch(self, side: str) -> None:
        """Cancel, fill or lower one order."""
        self.now += self.rng.randrange(1, 2_000_000)
        levels = self.queues[side]
        if not levels:
            return
        best = sorted(levels, reverse=side == "bids")
        # Now and then far away, where the subscriber does not look.
        ticks = best[min(int(self.rng.expovariate(self.rng.choice((0.3, 0.05)))), len(best) - 1)]
        orders = levels[ticks]
        order = self.rng.choice(orders)
        if order[1] > 1 and self.rng.random() < 0.4:
            order[1] = self.rng.randrange(1, order[1])
        else:
            orders.remove(order)
            if not orders:
                del levels[ticks]

    def snapshot(self) -> str:
        parts = {
            side: ",".join(self._row(name, *order) for name, order in self.window(side).items())
            for side in ("bids", "asks")
        }
        return self._frame("snapshot", parts)

    def update(self, steps: int = 1) -> str:
        """Move the book by some steps; the frame that says so, adds of levels that came into sight shuffled."""
        before = {side: self.window(side) for side in ("bids", "asks")}
        for _ in range(steps):
            side = self.rng.choice(("bids", "asks"))
            self._add(side) if self.rng.random() < 0.4 else self._touch(side)
        parts = {}
        for side in ("bids", "asks"):
            after = self.window(side)
            # Levels that merely left the depth are not told.
            gone = [
                self._row(name, *order, event="delete")
                for name, order in before[side].items()
                if name not in after and not any(name == held[0] for held in self.queues[side].get(order[0], ()))
            ]
            moved = [
                self._row(name, *order, event="modify")
                for name, order in after.items()
                if name in before[side] and before[side][name] != order
            ]
            came = [self._row(name, *order, event="add") for name, order in after.items() if name not in before[side]]
            # Different orders: only the times of the adds say what stands before what.
            told = gone + moved + came
            self.rng.shuffle(told)
            parts[side] = ",".join(told)
        return self._frame("update", parts)

    def checksum(self) -> int:
        parts = []
        for side in ("asks", "bids"):
            for ticks in sorted(self.queues[side], reverse=side == "bids")[:10]:
                parts += [f"{ticks}{lots}" for _, lots, _ in self.queues[side][ticks]]
        return crc32("".join(parts).encode())

    def _row(self, name: str, ticks: int, lots: int, born: int, event: str = "") -> str:
        kind = f'"event":"{event}",' if event else ""
        price = self._text(ticks, self.price_decimals)
        return (
            f'{{{kind}"order_id":"{name}","limit_price":{price},"order_qty":{self._qty_text(lots)},'
            f'"timestamp":"{self.stamp(born)}"}}'
        )

    def _frame(self, kind: str, parts: dict[str, str]) -> str:
        return (
            f'{{"channel":"level3","type":"{kind}","data":[{{"checksum":{self.checksum()},"symbol":"{self.symbol}",'
            f'"bids":[{parts["bids"]}],"asks":[{parts["asks"]}],"timestamp":"{self.stamp(self.now)}"}}]}}'
        )
