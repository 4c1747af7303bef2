"""Own fills: each counted once, their fees by asset, and the positions they make."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from decimal import Context, Decimal, localcontext

from msgspec.structs import replace

from kraken_tui.market.events import Side
from kraken_tui.market.orders.values import ZERO, Fill, Position

_EXACT = Context(prec=80)


class Fills:
    """All fills that are known.

    Args:
        kept: Fills that can be listed; sums count all.
        kept_ids: Ids by which a repeated fill is recognised; the oldest are forgotten.
    """

    def __init__(self, kept: int = 5_000, kept_ids: int = 200_000) -> None:
        self.recent: deque[Fill] = deque(maxlen=kept)
        self.duplicates = 0
        self._kept_ids = kept_ids
        self._ids: dict[str, None] = {}
        self._by_order: dict[str, Decimal] = {}
        self._fees: dict[str, Decimal] = {}
        self._session_fees: dict[str, Decimal] = {}
        self._positions: dict[str, Position] = {}
        self.newest_ns: int | None = None

    def known(self, exec_id: str) -> bool:
        """Whether a fill was counted already; asking for a known one counts a duplicate."""
        if exec_id in self._ids:
            self.duplicates += 1
            return True
        return False

    def add(self, fill: Fill) -> None:
        """Count a fill that is not `known`."""
        self._ids[fill.exec_id] = None
        if len(self._ids) > self._kept_ids:
            del self._ids[next(iter(self._ids))]
        self.recent.append(fill)
        if fill.ns is not None:
            self.newest_ns = max(self.newest_ns or 0, fill.ns)
        self._by_order[fill.order_id] = self.of_order(fill.order_id) + fill.qty
        if len(self._by_order) > self._kept_ids:
            del self._by_order[next(iter(self._by_order))]
        with localcontext(_EXACT):
            _sum(self._fees, fill.fees)
            if fill.session:
                _sum(self._session_fees, fill.fees)
                before = self._positions.get(fill.symbol, Position(fill.symbol))
                self._positions[fill.symbol] = after(before, fill)

    def of_order(self, order_id: str) -> Decimal:
        """Sum of the known fills of an order: at least so much of it is filled."""
        return self._by_order.get(order_id, ZERO)

    @property
    def fees(self) -> dict[str, Decimal]:
        """Fees of all known fills, by asset."""
        return dict(self._fees)

    @property
    def session_fees(self) -> dict[str, Decimal]:
        """Fees of the session's fills, by asset."""
        return dict(self._session_fees)

    @property
    def positions(self) -> tuple[Position, ...]:
        """Net of the session's fills by pair, sorted; flat ones too, for what they realised."""
        return tuple(self._positions[symbol] for symbol in sorted(self._positions))

    def position(self, symbol: str) -> Position:
        """Of one pair; flat where nothing was filled."""
        return self._positions.get(symbol, Position(symbol))


def _sum(sums: dict[str, Decimal], fees: Iterable[tuple[str, Decimal]]) -> None:
    for asset, qty in fees:
        sums[asset] = sums.get(asset, ZERO) + qty


def after(position: Position, fill: Fill) -> Position:
    """The position after one more fill."""
    with localcontext(_EXACT):
        signed = fill.qty if fill.side is Side.BUY else -fill.qty
        qty, average, realised = position.qty, position.avg_price or ZERO, position.realised
        closed = min(abs(qty), fill.qty) if qty and (qty > 0) != (signed > 0) else ZERO
        realised += closed * (fill.price - average) * (1 if qty > 0 else -1)
        left = qty + signed
        if not left:
            price: Decimal | None = None
        elif closed and closed == abs(qty):
            price = fill.price
        elif closed:
            price = average
        else:
            price = (average * abs(qty) + fill.price * fill.qty) / abs(left)
        fees = dict(position.fees)
        _sum(fees, fill.fees)
        bought, sold = (fill.qty, ZERO) if fill.side is Side.BUY else (ZERO, fill.qty)
        return replace(
            position,
            qty=left,
            avg_price=price,
            realised=realised,
            bought=position.bought + bought,
            sold=position.sold + sold,
            fees=tuple(sorted(fees.items())),
        )
