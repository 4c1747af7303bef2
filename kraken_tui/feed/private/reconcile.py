"""Finds out over REST what the account asks for: orders, missing fills, what can be used of each asset.

It only reads. An answer that does not come, or is refused, is no answer: the account asks again by its own time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from kraken_tui.errors import WireError
from kraken_tui.feed.private.reports import SpecOf, SymbolOf, fill_of, free_of, report_of
from kraken_tui.feed.rest.private import PrivateClient
from kraken_tui.market.orders.account import Account
from kraken_tui.market.orders.values import AccountEvent, Ask, AskKind, BalanceChanged, FillSeen, OrderChanged
from kraken_tui.units import SECOND
from kraken_tui.wire.refusals import NotSent, OutcomeUnknown, Refusal
from kraken_tui.wire.rest_account import RestOrder, RestTrade

MOST_IDS = 50
"""Orders asked for in one call."""

MOST_PAGES = 20
"""Pages of the history read at most, fifty fills each."""

FREE_AFTER_S, FREE_EVERY_S = 1.0, 10.0
"""Free balances are asked for so long after a change, and not more often than that."""

_FAILED = (Refusal, OutcomeUnknown, NotSent)


@dataclass(frozen=True, slots=True)
class Names:
    """How REST's names are read."""

    symbol_of: SymbolOf
    spec_of: SpecOf


class Reconciler:
    """Answers every `Ask` but a subscription.

    Args:
        client: REST.
        account: Gets the answers.
        names: How REST's names are read.
        tell: Takes what follows from the answers.
        now_ns: The account's clock, ns since the epoch.
        note: Takes (level, text) for the log.
        funds: Whether the key may ask for balances.

    Attributes:
        asked: Asks taken so far. failed: calls that brought no answer.
    """

    def __init__(
        self,
        client: PrivateClient,
        account: Account,
        names: Names,
        tell: Callable[[Sequence[AccountEvent]], None],
        now_ns: Callable[[], int],
        note: Callable[[str, str], None],
        *,
        funds: bool = True,
    ) -> None:
        self._client, self._account, self._names = client, account, names
        self._tell, self._now_ns, self._note = tell, now_ns, note
        self._waiting: dict[tuple[object, ...], Ask] = {}
        self._wake = asyncio.Event()
        self._free_due = funds
        self._funds = funds
        self.asked = self.failed = 0

    def take(self, event: object) -> None:
        """Look at an event of the account: something to find out, or a reason to ask for what is free."""
        if isinstance(event, Ask):
            self.asked += 1
            self._waiting.setdefault((event.kind, event.order_id or event.cl_ord_id), event)
            self._wake.set()
        elif isinstance(event, FillSeen | OrderChanged) or (
            isinstance(event, BalanceChanged) and event.balance.free_ns is None
        ):
            self._free_due = self._funds
            self._wake.set()

    async def run(self) -> None:
        """Answer for ever."""
        loop = asyncio.get_running_loop()
        free_at = 0.0
        while True:
            await self._sleep(free_at - loop.time() if self._free_due else None)
            while self._waiting:
                await self._answer(self._take_some())
            if self._free_due and loop.time() >= free_at:
                await asyncio.sleep(FREE_AFTER_S)
                self._free_due = False
                free_at = loop.time() + FREE_EVERY_S
                await self._free()

    async def _sleep(self, seconds: float | None) -> None:
        if not self._waiting and (seconds is None or seconds > 0):
            try:
                async with asyncio.timeout(seconds):
                    await self._wake.wait()
            except TimeoutError:
                pass
        self._wake.clear()

    def _take_some(self) -> list[Ask]:
        """What goes into one call: several orders by their ids, or one other thing."""
        ids = [key for key, ask in self._waiting.items() if ask.kind is AskKind.QUERY_ORDER][:MOST_IDS]
        return [self._waiting.pop(key) for key in ids or [next(iter(self._waiting))]]

    async def _answer(self, asks: list[Ask]) -> None:
        kind = asks[0].kind
        if kind is AskKind.QUERY_ORDER:
            await self._query([ask.order_id for ask in asks if ask.order_id])
        elif kind is AskKind.FIND_ORDER and asks[0].cl_ord_id:
            await self._find(asks[0].cl_ord_id)
        elif kind is AskKind.TRADES_HISTORY and asks[0].since_ns is not None:
            await self._history(asks[0].since_ns)

    async def _query(self, ids: list[str]) -> None:
        found = await self._client.query_orders(ids)
        if isinstance(found, _FAILED):
            self._fails("orders cannot be looked up", found)
            return
        for order_id in ids:
            order = found.orders.get(order_id)
            if order is not None:
                self._report(order)
            else:
                self._tell(self._account.on_missing(self._now_ns(), order_id=order_id))

    async def _find(self, cl_ord_id: str) -> None:
        for ask in (self._client.open_orders, self._client.closed_orders):
            found = await ask(cl_ord_id=cl_ord_id)
            if isinstance(found, _FAILED):
                self._fails("an order cannot be looked up", found)
                return
            for order in found.orders.values():
                if order.cl_ord_id == cl_ord_id:
                    self._report(order)
                    return
        self._tell(self._account.on_missing(self._now_ns(), cl_ord_id=cl_ord_id))

    def _report(self, order: RestOrder) -> None:
        try:
            report = report_of(order, self._names.symbol_of)
        except WireError as error:
            self._note("warning", f"an order of REST cannot be read: {error}")
            return
        self._tell(self._account.on_report(report, self._now_ns()))

    async def _history(self, since_ns: int) -> None:
        start_s, trades = since_ns // SECOND, dict[str, RestTrade]()
        for _ in range(MOST_PAGES):
            page = await self._client.trades_history(start_s=start_s, offset=len(trades))
            if isinstance(page, _FAILED):
                self._fails("the history cannot be read", page)
                return
            before = len(trades)
            trades.update(page.trades)
            if len(trades) in (before, page.count) or len(trades) >= page.count:
                break
        else:
            self._note("warning", f"only the newest {len(trades)} fills of the gap were read")
        new = [trade for exec_id, trade in trades.items() if not self._account.fills.known(exec_id)]
        flags = await self._flags({trade.order_id for trade in new})
        fills = []
        for trade in sorted(new, key=lambda each: each.time_ns):
            try:
                names = self._names
                fill = fill_of(trade, flags.get(trade.order_id, ()), names.symbol_of, names.spec_of)
            except WireError as error:
                self._note("warning", f"a fill of REST cannot be read: {error}")
                continue
            if fill is not None:
                fills.append(fill)
        self._tell(self._account.on_fills(fills, self._now_ns()))

    async def _flags(self, order_ids: set[str]) -> Mapping[str, tuple[str, ...]]:
        """Flags of orders, which say the asset of their fees."""
        ids = sorted(order_ids)
        flags: dict[str, tuple[str, ...]] = {}
        for start in range(0, len(ids), MOST_IDS):
            found = await self._client.query_orders(ids[start : start + MOST_IDS])
            if isinstance(found, _FAILED):
                break
            flags.update({name: order.flags for name, order in found.orders.items()})
        return flags

    async def _free(self) -> None:
        found = await self._client.balances()
        if isinstance(found, _FAILED):
            self._fails("free balances are not known", found)
            if isinstance(found, Refusal):
                self._funds = False
            return
        self._tell(self._account.on_free(free_of(found), self._now_ns()))

    def _fails(self, what: str, failed: Refusal | OutcomeUnknown | NotSent) -> None:
        self.failed += 1
        if self.failed in (1, 10, 100, 1000):
            self._note("warning", f"{what}: {failed.sentence}")
