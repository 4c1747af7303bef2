"""The trading desk of an engine, over the account's connection or over the paper account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Protocol

from msgspec.structs import replace

from kraken_tui.engine.private_side import PrivateSide
from kraken_tui.engine.trading import TradingDesk
from kraken_tui.feed.clock import Clock
from kraken_tui.feed.events import Trades
from kraken_tui.market.events import Proof
from kraken_tui.market.orders.account import Account
from kraken_tui.market.orders.values import AccountEvent, Order
from kraken_tui.market.private_views import AccountView, StreamView, TradingView
from kraken_tui.market.views import PairView
from kraken_tui.secret import Secret
from kraken_tui.settings import Settings
from kraken_tui.trading.limits import Facts, facts_of
from kraken_tui.trading.link import Link
from kraken_tui.trading.paper import PaperLink
from kraken_tui.wire.order_answers import Answer
from kraken_tui.wire.symbols import PairSpec


class Host(Protocol):
    """What the desk asks of the engine."""

    def spec_of(self, symbol: str) -> PairSpec | None:
        """Reference data of a pair."""
        ...

    def view_now(self, symbol: str) -> PairView | None:
        """The pair's view of this moment."""
        ...

    def reading_health(self) -> tuple[int | None, int | None, int | None]:
        """How the reading stands: ns since the last frame, how far it is behind, how far the clock is off."""
        ...

    def tell(self, event: object) -> None:
        """Tell listeners."""
        ...


_PAPER = "Paper money: fills are a simulation against the public book; docs/ACCOUNT.md has its rules."
_MOST_ORDERS, _MOST_FILLS = 200, 500


class AccountLink:
    """The account's connection as a `Link`, whichever connection it is at the moment."""

    def __init__(self, private: PrivateSide, worker: Host) -> None:
        self._private, self._worker = private, worker
        self.account: Account = private.account

    @property
    def token(self) -> Secret | None:
        """See `Link.token`."""
        return None if self._private.link is None else self._private.link.token

    @property
    def ready(self) -> bool:
        """See `Link.ready`."""
        return self._private.link is not None and self._private.link.ready

    @property
    def now_ns(self) -> int:
        """See `Link.now_ns`."""
        return self._private.account_ns

    def next_req_id(self) -> int:
        """See `Link.next_req_id`."""
        # Only asked for with a token in hand, which only a connection has.
        assert self._private.link is not None
        return self._private.link.next_req_id()

    def send(self, text: str) -> bool:
        """See `Link.send`."""
        return self._private.link is not None and self._private.link.send(text)

    def take(self, events: Sequence[AccountEvent]) -> None:
        """See `Link.take`."""
        self._private.take(events)

    def spec(self, symbol: str) -> PairSpec | None:
        """See `Link.spec`."""
        return self._worker.spec_of(symbol)


class TradingSide:
    """Owned by the engine's thread.

    Args:
        worker: The engine's.
        settings: The limits.
        clock: The machine's clocks.
        private: The account; not used for paper money.
        alive: See `EngineOptions.trades_alone`.

    Attributes:
        desk: What screen and library act on.
    """

    def __init__(
        self, worker: Host, settings: Settings, clock: Clock, private: PrivateSide | None, *, alive: bool
    ) -> None:
        self._worker, self._clock, self._private = worker, clock, private
        self._paper: PaperLink | None = None
        self._version = 0
        link: Link
        if settings.paper or private is None:
            fee = Decimal(str(settings.taker_fee_pct)) / 100
            link = self._paper = PaperLink(worker.spec_of, clock.wall, self._told, fee)
        else:
            link = AccountLink(private, worker)
            private.told, private.answered = self._heard, self._answered
        mode = "PAPER" if self._paper is not None else "DEMO" if settings.demo else "LIVE"
        self.desk = TradingDesk(
            link, mode, settings, clock, self._facts_of, forbidden=self._forbidden, drawn_always=alive
        )

    def _forbidden(self) -> str:
        """Why it may not be armed, whatever the key for it says."""
        if self._paper is not None or self._private is None:
            return ""
        rights = self._private.rights
        if rights is None:
            return self._private.problem or "what the key may do is not known yet"
        return "" if rights.can_trade else "this key may not place orders; docs/ACCOUNT.md says which rights it needs"

    def _facts_of(self, symbol: str) -> Facts:
        heard, behind, off = self._worker.reading_health()
        view = self._worker.view_now(symbol)
        return facts_of(view, symbol, wall_ns=self._clock.wall(), heard_ns=heard, behind_ns=behind, clock_ns=off)

    # -- what comes ------------------------------------------------------------------------------------------------

    def _heard(self, events: Sequence[AccountEvent]) -> None:
        self.desk.take(events)

    def _answered(self, answer: Answer) -> None:
        self.desk.on_answer(answer)

    def _told(self, events: Sequence[AccountEvent]) -> None:
        """The paper account changed."""
        if events:
            self._version += 1
            self.desk.take(events)
            for event in events:
                self._worker.tell(event)

    def on_trades(self, event: Trades) -> None:
        """Public trades, for the paper account."""
        if self._paper is not None and not event.snapshot:
            for trade in event.trades:
                if trade.live:
                    self._paper.on_trade(trade.symbol, trade.side, trade.price, trade.qty)

    def tick(self, views: Mapping[str, PairView]) -> None:
        """Let time pass, with the newest books."""
        if self._paper is not None:
            for symbol, view in views.items():
                self._paper.on_book(symbol, view.bids, view.asks, verified=view.proof is Proof.VERIFIED)
            self._paper.deliver(self.desk.on_answer)
        self.desk.tick()

    # -- what is shown ---------------------------------------------------------------------------------------------

    def account_view(self, view: AccountView | None, symbol: str) -> AccountView | None:
        """The account with the state of trading; for paper money, the paper account in place of any other."""
        trading = self.desk.view(symbol)
        if self._paper is not None:
            return self._paper_view(self._paper.account, trading)
        return None if view is None else replace(view, trading=trading)

    def _paper_view(self, account: Account, trading: TradingView) -> AccountView:
        orders: tuple[Order, ...] = tuple(sorted(account.orders, key=lambda each: -(each.changed_ns or 0)))
        return AccountView(
            self._version,
            key="paper",
            play=True,
            streams=(StreamView("executions", account.verified, account.reason, account.sequence, 0),),
            orders=orders[:_MOST_ORDERS],
            fills=tuple(account.fills.recent)[: -_MOST_FILLS - 1 : -1],
            positions=account.fills.positions,
            fees=tuple(sorted(account.fills.session_fees.items())),
            warnings=(_PAPER,),
            trading=trading,
            made_ns=self._clock.now(),
        )
