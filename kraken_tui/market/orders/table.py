"""All orders that are known, by either of their names."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from msgspec.structs import replace

from kraken_tui.market.orders.values import DONE, Order


class OrderTable:
    """Orders by handle; the exchange's id and the client's lead to it.

    Args:
        kept_done: Ended orders that can be listed; the oldest are dropped, and only their ids are kept.
        kept_ids: Ids of dropped orders, so that a late event does not bring one back.
    """

    def __init__(self, kept_done: int = 1_000, kept_ids: int = 100_000) -> None:
        self._orders: dict[str, Order] = {}
        self._by_id: dict[str, str] = {}
        self._by_client: dict[str, str] = {}
        self._done: deque[str] = deque()
        self._dropped: dict[str, None] = {}
        self._kept_done, self._kept_ids = kept_done, kept_ids
        self._used: set[str] = set()

    def __iter__(self) -> Iterator[Order]:
        return iter(tuple(self._orders.values()))

    def __len__(self) -> int:
        return len(self._orders)

    def get(self, key: str) -> Order | None:
        """By its handle."""
        return self._orders.get(key)

    def by_id(self, order_id: str | None) -> Order | None:
        """By the exchange's id."""
        key = self._by_id.get(order_id) if order_id is not None else None
        return self._orders.get(key) if key is not None else None

    def by_client(self, cl_ord_id: str | None) -> Order | None:
        """By the client's id."""
        key = self._by_client.get(cl_ord_id) if cl_ord_id is not None else None
        return self._orders.get(key) if key is not None else None

    def dropped(self, order_id: str) -> bool:
        """Whether it ended long ago and is not listed any more."""
        return order_id in self._dropped

    def used(self, cl_ord_id: str) -> bool:
        """Whether a client's id was seen in this session: a filled order's id would be accepted a second time."""
        return cl_ord_id in self._used

    def put(self, order: Order) -> Order:
        """Keep an order, new or changed."""
        before = self._orders.get(order.key)
        self._orders[order.key] = order
        if order.order_id is not None:
            self._by_id[order.order_id] = order.key
        if order.cl_ord_id is not None:
            self._by_client[order.cl_ord_id] = order.key
            self._used.add(order.cl_ord_id)
        if order.stage in DONE and (before is None or before.stage not in DONE):
            self._done.append(order.key)
            if len(self._done) > self._kept_done:
                self._drop(self._done.popleft())
        return order

    def join(self, local: Order, order_id: str) -> Order:
        """Learn the exchange's id of an order sent from here; what came under that id before belongs to it."""
        other = self.by_id(order_id)
        if other is None or other.key == local.key:
            return self.put(replace(local, order_id=order_id))
        del self._orders[other.key]
        if other.key in self._done:
            self._done.remove(other.key)
        missing = {
            name: getattr(local, name)
            for name in ("symbol", "side", "order_type", "order_qty", "limit_price", "trigger_price", "display_qty")
            if not getattr(other, name)
        }
        names = {"key": local.key, "cl_ord_id": local.cl_ord_id, "foreign": False, "cancel_sent": local.cancel_sent}
        return self.put(replace(other, **names, **missing))

    def _drop(self, key: str) -> None:
        order = self._orders.pop(key, None)
        if order is None:
            return
        if order.order_id is not None:
            self._by_id.pop(order.order_id, None)
            self._dropped[order.order_id] = None
            if len(self._dropped) > self._kept_ids:
                del self._dropped[next(iter(self._dropped))]
        if order.cl_ord_id is not None:
            self._by_client.pop(order.cl_ord_id, None)
