"""The private side of an engine: level 3 and the account, each on a connection of its own.

Nothing that goes wrong here reaches the public feed: what the network and the exchange do is the sessions' affair, and
a defect of our own is said, counted, and answered by beginning that part again.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from kraken_tui.engine.accounts import AccountViews
from kraken_tui.engine.single_orders import SingleOrders, line_of
from kraken_tui.errors import ConfigurationError
from kraken_tui.feed.clock import Clock
from kraken_tui.feed.connection.auth import TokenTurn
from kraken_tui.feed.connection.backoff import DialBudget
from kraken_tui.feed.connection.websocket import run as run_websocket
from kraken_tui.feed.events import Note
from kraken_tui.feed.private.account import BALANCES, EXECUTIONS, AccountSession
from kraken_tui.feed.private.events import LinkChanged, TokenWanted
from kraken_tui.feed.private.level3 import Level3Session
from kraken_tui.feed.private.reconcile import Names, Reconciler
from kraken_tui.feed.private.session import PrivateSession
from kraken_tui.feed.rest.private import PrivateClient, check_host
from kraken_tui.keys.key import PLAY, ApiKey
from kraken_tui.keys.rights import Rights, judge
from kraken_tui.market.book.l3_views import Level3Changed
from kraken_tui.market.events import Trade
from kraken_tui.market.orders.account import Account
from kraken_tui.market.orders.values import AccountEvent, Ask
from kraken_tui.market.private_views import AccountView, Level3View, LinkView
from kraken_tui.settings import Settings
from kraken_tui.text import clean_text
from kraken_tui.trading.ids import PREFIX
from kraken_tui.units import SECOND
from kraken_tui.wire.order_answers import Answer
from kraken_tui.wire.refusals import Course, NotSent, Refusal
from kraken_tui.wire.rest_account import ApiKeyInfo
from kraken_tui.wire.symbols import PairSpec

_AGAIN_S, _AGAIN_CAP_S = 5.0, 120.0
_DEFECT_S, _DEFECT_CAP_S = 1.0, 60.0
_NO_SOCKETS = 'the key lacks the right "Access WebSockets API"; give it that right at Kraken, or use another key'
T = TypeVar("T")


def _nobody(_: object) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the private side is; "" for a connection that is not wanted."""

    rest: str
    level3: str = ""
    account: str = ""


@dataclass(frozen=True, slots=True)
class Public:
    """What the private side asks of the public one.

    Attributes:
        spec_of: Reference data by symbol; None while it is not known.
        symbol_of: The v2 symbol of a pair by REST's name; None where it is not known.
        price_of: Price of an asset in US dollars.
        venue_now: The exchange's time, ns since the epoch.
        emit: Takes events for listeners.
        note: Takes (level, text) for the log.
        budget: Dials of the public connection, to share them.
    """

    spec_of: Callable[[str], PairSpec | None]
    symbol_of: Callable[[str], str | None]
    price_of: Callable[[str], Decimal | None]
    venue_now: Callable[[], int]
    emit: Callable[[object], None]
    note: Callable[[str, str], None]
    budget: DialBudget


class PrivateSide:
    """Owned by the engine's thread.

    Args:
        settings: Depth of level 3, staleness, whether a key that may withdraw is used.
        clock: The machine's clocks.
        public: See `Public`.
        key: Of the account.
        stop: Ends the connections, together with the public one: each may take a second to close.
        lines: Whether every message of level 3 is told as a `Level3Line`.
        trade: Whether orders are to be placed, which asks more of the key.

    Attributes:
        account: What is known of the account; it outlives connections.
        link: The account's connection, for who places orders; None while there is none.
        level3: The other one.
        rights: What the key may do; None while that is not known.
        problem: Why there is nothing, one sentence with what to do; "" where all is well.
        defects: Errors of our own that were contained, by part.
        told, answered: Take what happened to the account, and each answer, for who places orders.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        public: Public,
        key: ApiKey,
        *,
        stop: asyncio.Event,
        lines: bool = False,
        trade: bool = False,
    ) -> None:
        self._settings, self._clock, self._public, self._key = settings, clock, public, key
        self._stop, self._lines, self._trade = stop, lines, trade
        self.account = Account(own_prefix=PREFIX)
        self.told: Callable[[Sequence[AccountEvent]], None] = _nobody
        self.answered: Callable[[Answer], None] = _nobody
        self.link: AccountSession | None = None
        self.level3: Level3Session | None = None
        self.rights: Rights | None = None
        self.problem = ""
        self.defects: Counter[str] = Counter()
        self._turn = TokenTurn()
        self._client: PrivateClient | None = None
        self._reconciler: Reconciler | None = None
        self._wanted: tuple[str, ...] = ()
        self._wakes: dict[str, asyncio.Event] = {}
        self._again = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._books = SingleOrders(settings.stale_after_s)
        self._views = AccountViews()
        self._follows_account = False
        self._ticked = 0

    @property
    def play(self) -> bool:
        """Whether it is the demo's play money."""
        return self._key.source == PLAY

    # -- life -----------------------------------------------------------------------------------------------------

    async def run(self, addresses: Addresses, folder: Path | None, budget_path: Path | None) -> None:
        """Run until cancelled.

        Args:
            addresses: What is dialled.
            folder: Where the key's nonce is kept.
            budget_path: Where dials are counted over restarts.
        """
        self._follows_account = bool(addresses.account)
        try:
            for url in filter(None, (addresses.level3, addresses.account)):
                # Its token is as good as the key while it holds.
                check_host(url, self._key)
            self._client = PrivateClient(addresses.rest, self._key, folder)
        except ConfigurationError as error:
            self.fail(str(error))
            return
        if self._client.problem:
            self._public.note("warning", self._client.problem)
        try:
            rights = await self._judge(self._client)
            parts: list[Awaitable[None]] = []
            if addresses.level3:
                parts.append(self._keep("level 3", lambda: self._run_level3(addresses.level3, budget_path)))
            channels = [name for name, able in _channels(rights) if able]
            if addresses.account and channels:
                parts.append(self._keep("account", lambda: self._run_account(addresses.account, budget_path, channels)))
                parts.append(self._keep("look-ups", lambda: self._look_up(rights)))
            elif addresses.account:
                self.fail("this key may see neither orders nor balances; see docs/ACCOUNT.md for the rights it needs")
            await asyncio.gather(*parts)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _judge(self, client: PrivateClient) -> Rights:
        """What the key may do; waits for as long as that cannot be known, or the key must not be used."""
        wait_s = _AGAIN_S
        while True:
            found = await client.key_info()
            if isinstance(found, ApiKeyInfo):
                rights = judge(found.permissions, trade=self._trade, allow_withdraw=self._settings.allow_withdraw_key)
                if not rights.refused and rights.can_connect:
                    self.rights, self.problem = rights, ""
                    for warning in () if self.play else rights.warnings:
                        self._public.note("warning", warning)
                    self._views.changed()
                    return rights
                self.fail(rights.refused or _NO_SOCKETS)
                final = True
            else:
                final = bool(client.stopped) or (isinstance(found, Refusal) and found.course is not Course.LATER)
                self.fail(client.stopped or found.sentence)
            self._again.clear()
            try:
                async with asyncio.timeout(None if final else wait_s):
                    await self._again.wait()
            except TimeoutError:
                wait_s = min(_AGAIN_CAP_S, 2 * wait_s)

    def fail(self, problem: str) -> None:
        """There is nothing to follow, for this reason."""
        if problem != self.problem:
            self._public.note("error", f"account: {problem}")
        self.problem = problem
        self._views.changed()

    async def _keep(self, part: str, run: Callable[[], Awaitable[None]]) -> None:
        """Run a part for ever; a defect in it ends it alone, is said and counted, and it begins again."""
        wait_s = _DEFECT_S
        while True:
            try:
                await run()
                return
            except Exception as error:
                self._defect(part, error, f"; it begins again in {wait_s:.0f} s")
            await asyncio.sleep(wait_s)
            wait_s = min(_DEFECT_CAP_S, 2 * wait_s)

    def _defect(self, part: str, error: Exception, then: str = "") -> None:
        self.defects[part] += 1
        if self.defects[part] in (1, 10, 100, 1000):
            text = clean_text(f"{type(error).__name__}: {error}", 200)
            self._public.note("error", f"a defect in {part}, please report it: {text}{then}")

    def _guard(self, part: str, do: Callable[[], T], otherwise: T) -> T:
        """Do something on the engine's own turn, which a defect here must not end."""
        try:
            return do()
        except Exception as error:
            self._defect(part, error)
            return otherwise

    async def _run_level3(self, url: str, budget_path: Path | None) -> None:
        session = Level3Session(
            self._public.spec_of, self._settings.level3_depth, turn=self._turn, budget=self._public.budget
        )
        session.want(self._wanted, self._clock.now(), self._clock.wall())
        self.level3 = session
        await self._run(session, url, self._on_level3, budget_path)

    async def _run_account(self, url: str, budget_path: Path | None, channels: Sequence[str]) -> None:
        session = AccountSession(
            self.account,
            self._public.spec_of,
            channels,
            wake=self._wake("account").set,
            turn=self._turn,
            budget=self._public.budget,
        )
        self.link = session
        try:
            await self._run(session, url, self._on_account, budget_path)
        finally:
            now_ns = self.account_ns
            self.link = None
            self._tell(self.account.on_disconnected(now_ns, "the connection was ended"))

    async def _run(
        self, session: PrivateSession, url: str, take: Callable[[list[object]], None], budget_path: Path | None
    ) -> None:
        wake = self._wake(session.name)
        await run_websocket(session, url, self._clock, take, self._stop, wake=wake, budget_path=budget_path)

    def _wake(self, name: str) -> asyncio.Event:
        return self._wakes.setdefault(name, asyncio.Event())

    async def _look_up(self, rights: Rights) -> None:
        assert self._client is not None
        names = Names(self._public.symbol_of, self._public.spec_of)
        reconciler = Reconciler(
            self._client,
            self.account,
            names,
            self._tell,
            lambda: self.account_ns,
            self._public.note,
            funds=rights.can_see_funds,
        )
        self._reconciler = reconciler
        await reconciler.run()

    @property
    def account_ns(self) -> int:
        """The account's clock, ns since the epoch."""
        return self._clock.wall() if self.link is None else self.link.now_ns

    # -- what comes -----------------------------------------------------------------------------------------------

    def _on_level3(self, events: list[object]) -> None:
        session = self.level3
        for event in events:
            if isinstance(event, Level3Changed):
                self._books.on_book(event)
                pair = None if session is None else session.pairs.get(event.symbol)
                if self._lines and not event.dropped and pair is not None and pair.book is not None:
                    self._public.emit(line_of(pair.book, event))
            else:
                self._on_link(session, event)

    def take(self, events: Sequence[AccountEvent]) -> None:
        """Pass on what a request made of the account."""
        self._tell(events)

    def _on_account(self, events: list[object]) -> None:
        for event in events:
            if isinstance(event, LinkChanged | TokenWanted | Note):
                self._on_link(self.link, event)
            elif isinstance(event, Answer):
                self._guard("trading", partial(self.answered, event), None)
            else:
                self._tell((event,))  # type: ignore[arg-type]

    def _tell(self, events: Sequence[AccountEvent]) -> None:
        """Pass on what happened to the account."""
        self._views.changed()
        self._guard("trading", lambda: self.told(events), None)
        for event in events:
            if self._reconciler is not None:
                self._reconciler.take(event)
            if not isinstance(event, Ask):
                self._public.emit(event)

    def _on_link(self, session: PrivateSession | None, event: object) -> None:
        if isinstance(event, LinkChanged):
            self._views.changed()
            self._public.note("info", f"{event.link} {event.state}: {event.cause}")
            self._public.emit(event)
        elif isinstance(event, Note):
            self._public.note(event.level, event.text)
        elif isinstance(event, TokenWanted) and session is not None:
            task = asyncio.create_task(self._fetch(session), name="token")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _fetch(self, session: PrivateSession) -> None:
        """Fetch a token for a connection."""
        assert self._client is not None
        try:
            answer = await self._client.token()
        except Exception as error:
            self._defect("tokens", error)
            answer = NotSent("a defect of this program kept it from asking")
        session.token_came(answer, self._clock.now(), self._clock.wall())
        self._wake(session.name).set()

    # -- what the engine asks -------------------------------------------------------------------------------------

    def want(self, symbols: Iterable[str]) -> None:
        """Follow the single orders of exactly these pairs."""
        wanted = tuple(symbols)
        if wanted != self._wanted:
            self._wanted = wanted
            self._guard("level 3", self._want, None)

    def _want(self) -> None:
        self._books.keep(self._wanted)
        if self.level3 is not None:
            self.level3.want(self._wanted, self._clock.now(), self._clock.wall())
            self._wake("level 3").set()

    def watch_queue(self, *wish: Any) -> None:
        """See `MarketSource.watch_queue`."""
        self._books.watch_queue(*wish)

    def on_trades(self, trades: Sequence[Trade]) -> None:
        """Take public trades, which with the single orders show hidden quantity."""
        session = self.level3
        if session is not None:
            self._guard("hidden quantity", lambda: self._books.on_trades(trades, session), None)

    def resume(self) -> None:
        """The user asks for another try."""
        now, wall = self._clock.now(), self._clock.wall()
        for session in (self.level3, self.link):
            if session is not None:
                session.resume(now, wall)
                self._wake(session.name).set()
        self._again.set()

    def tick(self) -> None:
        """Let time pass; called at every round of views."""
        now, session = self._clock.now(), self.level3
        if session is not None and now - self._ticked >= SECOND:
            self._ticked = now
            self._guard("hidden quantity", lambda: self._books.tick(session, self._public.venue_now()), None)

    def level3_view(self, symbol: str) -> Level3View | None:
        """Single orders of a pair; None where they are not followed."""
        session = self.level3
        if session is None:
            return None
        return self._guard("level 3", lambda: self._level3_view(symbol, session), None)

    def _level3_view(self, symbol: str, session: Level3Session) -> Level3View | None:
        own = [order.order_id for order in self.account.open_orders() if order.symbol == symbol and order.order_id]
        return self._books.view(symbol, session, own, self._clock.now(), self._public.venue_now())

    def links(self) -> tuple[LinkView, ...]:
        """The connections, as far as they are wanted."""
        now = self._clock.now()
        return tuple(session.view(now) for session in (self.level3, self.link) if session is not None)

    def account_view(self) -> AccountView | None:
        """The account; None where it is not followed and there is nothing to say."""
        return self._guard("account", self._account_view, None)

    def _account_view(self) -> AccountView | None:
        if not self._follows_account and not self.problem and self.level3 is None:
            return None
        heard: Mapping[str, int] = {} if self.link is None else self.link.heard
        warnings = () if self.rights is None or self.play else self.rights.warnings
        now = self._clock.now()
        return self._views.view(
            self.account,
            self.links(),
            heard,
            self._public.price_of,
            now,
            self.account_ns,
            key="demo" if self.play else self._key.name,
            play=self.play,
            warnings=warnings,
            problem=self.problem,
            made_ns=now,
        )


def _channels(rights: Rights) -> tuple[tuple[str, bool], ...]:
    return (EXECUTIONS, rights.can_see_orders), (BALANCES, rights.can_see_funds)
