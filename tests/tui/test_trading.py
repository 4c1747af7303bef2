"""The trading keys and boxes on the real screen, over a desk with paper money."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot
from textual.widgets import Static

from kraken_tui.engine.trading import TradingDesk
from kraken_tui.market.events import Proof
from kraken_tui.market.orders.values import AccountEvent, Stage
from kraken_tui.market.private_views import AccountView, TradingView
from kraken_tui.settings import Settings
from kraken_tui.trading.limits import Facts, facts_of
from kraken_tui.trading.paper import PaperLink
from kraken_tui.trading.tickets import Kind
from kraken_tui.tui.app import KrakenApp
from kraken_tui.tui.draw.trading import trading_parts
from kraken_tui.tui.keymap import effective, key_rows
from kraken_tui.tui.screens.ticket import GUARD_S, ConfirmScreen, TicketScreen
from kraken_tui.wire.symbols import PairSpec
from tests.tui.fake_source import FakeSource
from tests.tui.test_app import Clock, new_app, screen_text, toasts

S = 1_000_000_000
SYMBOL = "BTC/USD"
SETTINGS = Settings(group=1, paper=True, trade_max_worth="1000000 USD")


class PaperSource(FakeSource):
    """A source with a desk that acts at once, in the test's own thread."""

    def __init__(self, settings: Settings = SETTINGS) -> None:
        super().__init__(symbols=(SYMBOL, "ETH/BTC"))
        self.trades = "PAPER"
        self.ns = 1_790_000_000 * S
        self.link = PaperLink(self.spec_of, self.wall, self.take)
        self.desk = TradingDesk(self.link, "PAPER", settings, self, self.facts)
        for symbol, view in self.views.items():
            spec = view.spec
            assert spec is not None
            spec = replace(spec, qty_min=10_000, cost_min="0.01", assumed=False)
            self.views[symbol] = replace(view, spec=spec, venue="ONLINE", proof=Proof.VERIFIED, proof_reason="")
        for _ in range(4):
            self.step()

    def spec_of(self, symbol: str) -> PairSpec | None:
        return self.views[symbol].spec

    def wall(self) -> int:
        return self.ns

    def now(self) -> int:
        return self.ns

    def take(self, events: Sequence[AccountEvent]) -> None:
        self.desk.take(events)

    def facts(self, symbol: str) -> Facts:
        return facts_of(self.views.get(symbol), symbol, wall_ns=self.ns, heard_ns=0, behind_ns=0, clock_ns=0)

    def step(self, seconds: float = 1) -> None:
        self.ns += round(seconds * S)
        for symbol, view in self.views.items():
            self.link.on_book(symbol, view.bids, view.asks, verified=True)
        self.link.deliver(self.desk.on_answer)
        self.desk.tick()
        account = self.link.account
        self.account = AccountView(1, orders=tuple(account.orders), play=True, trading=self.desk.view(SYMBOL))

    def stages(self) -> list[Stage]:
        return [order.stage for order in self.link.account.orders if order.status != "validate"]


class Hand:
    """Presses keys, and lets time pass in between."""

    def __init__(self, app: KrakenApp, source: PaperSource, pilot: Pilot[None], clock: Clock) -> None:
        self.app, self.source, self.pilot, self.clock = app, source, pilot, clock

    async def press(self, *keys: str, after: float = 1.0) -> None:
        for key in keys:
            await self.pilot.press(key)
            await self.wait(after)

    async def wait(self, seconds: float = 1.0) -> None:
        self.clock.now += seconds
        self.source.step(seconds)
        self.app.tick()
        await self.pilot.pause(0.02)
        if isinstance(self.app.screen, ConfirmScreen):
            self.app.screen._ask()
            await self.pilot.pause(0.02)

    @property
    def words(self) -> str:
        return "\n".join(str(each.content) for each in self.app.screen.query(Static))

    @property
    def said(self) -> str:
        """What the last row confirms."""
        return self.app.main._flash[0]

    def aim(self, away: int = 50) -> int:
        view = self.source.views[SYMBOL]
        ticks = view.bids[0][0] - away
        self.app.main.control.choices.cursor = ticks
        return ticks


@asynccontextmanager
async def at_desk(settings: Settings = SETTINGS, size: tuple[int, int] = (160, 48)) -> AsyncIterator[Hand]:
    source = PaperSource(settings)
    app = new_app(source, settings)
    assert isinstance(app.clock, Clock)
    async with app.run_test(size=size, notifications=True) as pilot:
        hand = Hand(app, source, pilot, app.clock)
        await hand.wait()
        yield hand


async def test_an_order_by_keys_from_arming_to_the_cancel() -> None:
    async with at_desk() as hand:
        ticks = hand.aim()
        await hand.press("B")
        assert not isinstance(hand.app.screen, TicketScreen), "disarmed"
        await hand.press("T")
        assert hand.source.desk.trader.arming.armed
        await hand.press("B")
        assert isinstance(hand.app.screen, TicketScreen)
        await hand.press("0", "full_stop", "0", "1")
        await hand.press("enter", after=0.1)
        assert isinstance(hand.app.screen, ConfirmScreen)
        await hand.wait()
        assert "BUY 0.01" in hand.words
        assert "PAPER: simulated fills, no account" in hand.words
        assert "would accept it" in hand.words
        await hand.press("enter")
        assert hand.source.stages() == [Stage.OPEN]
        (order,) = [each for each in hand.source.link.account.orders if each.status != "validate"]
        spec = hand.source.spec_of(SYMBOL)
        assert spec is not None
        assert order.limit_price == Decimal(ticks).scaleb(-spec.price_precision)
        assert "Accepted: place" in hand.said
        await hand.press("T", "delete")
        assert not hand.source.desk.trader.arming.armed
        assert hand.source.stages() == [Stage.CANCELED]


async def test_mistake_35_enter_sends_only_in_the_confirm_box_and_once() -> None:
    async with at_desk() as hand:
        hand.aim()
        await hand.press("T", "B", "up")
        for _ in range(6):
            # A key that is held repeats: it leads into the box, and sends nothing there.
            await hand.press("enter", after=0.1)
        assert isinstance(hand.app.screen, ConfirmScreen)
        assert hand.source.stages() == []
        await hand.wait(GUARD_S)
        await hand.pilot.press("enter", "enter", "enter")
        await hand.wait()
        assert len(hand.source.stages()) == 1


async def test_escape_and_enter_without_a_size_send_nothing() -> None:
    async with at_desk() as hand:
        hand.aim()
        await hand.press("T", "A", "enter")
        assert isinstance(hand.app.screen, TicketScreen)
        assert "Type a size first." in hand.words
        await hand.press("1", "enter", "escape", "enter")
        assert hand.source.stages() == []


async def test_the_price_that_was_seen_is_sent_though_the_market_moved_and_a_taking_one_is_looked_at_again() -> None:
    async with at_desk() as hand:
        ticks = hand.aim()
        await hand.press("T", "B", "up", "p", "enter")
        view = hand.source.views[SYMBOL]
        down = ticks - view.asks[0][0] - 1
        moved = [tuple((price + down, lots) for price, lots in side) for side in (view.bids, view.asks)]
        confirm = hand.app.screen
        assert isinstance(confirm, ConfirmScreen)
        hand.source.views[SYMBOL] = replace(view, bids=moved[0], asks=moved[1])
        # The box has not heard of it yet: what it promised is not kept any more, and nothing is sent.
        confirm._enter_at = 0.0
        await hand.pilot.press("enter")
        await hand.wait()
        assert hand.source.stages() == []
        assert any("it would take now" in text for text in toasts(hand.app))
        hand.app.main.control.choices.cursor = ticks
        await hand.press("B", "p", "enter")
        assert "TAKES NOW" in hand.words


async def test_what_blocks_stands_in_the_box_and_enter_does_nothing() -> None:
    async with at_desk(Settings(group=1, paper=True, trade_max_worth="1 USD")) as hand:
        hand.aim()
        await hand.press("T", "B", "1", "enter", "enter", "enter")
        assert isinstance(hand.app.screen, ConfirmScreen)
        assert "above your limit of 1 USD" in hand.words
        assert hand.source.stages() == []


async def test_the_button_sends_where_it_is_released() -> None:
    async with at_desk() as hand:
        hand.aim()
        await hand.press("T", "B", "up", "enter")
        confirm = hand.app.screen
        assert isinstance(confirm, ConfirmScreen)
        button = confirm._rows["send"]
        await hand.pilot.mouse_down(button)
        await hand.wait()
        assert hand.source.stages() == []
        await hand.pilot.click(button)
        await hand.wait()
        assert hand.source.stages() == [Stage.OPEN]


async def test_another_pair_and_a_lost_focus_disarm() -> None:
    async with at_desk() as hand:
        await hand.press("T")
        assert hand.source.desk.trader.arming.armed
        await hand.press("2")
        assert hand.source.desk.trader.arming.reason == "another pair is shown"
        await hand.press("1", "T")
        assert hand.source.desk.trader.arming.armed
        hand.app.app_focus = False
        await hand.wait()
        assert hand.source.desk.trader.arming.reason == "the terminal lost the focus"


async def test_test_places_nothing_and_looks_otherwise() -> None:
    async with at_desk() as hand:
        hand.aim()
        await hand.press("C", "B", "up", "enter")
        assert "TEST: only checked, nothing is placed" in hand.words
        assert "CHECK it" in hand.words
        assert hand.app.screen.has_class("-test")
        await hand.press("enter")
        assert hand.source.stages() == []
        assert hand.said.startswith("TEST: the exchange would accept")


async def test_an_order_is_chosen_moved_and_all_are_cancelled() -> None:
    async with at_desk() as hand:
        first = hand.aim(50)
        await hand.press("T", "B", "up", "enter", "enter")
        hand.aim(80)
        await hand.press("B", "enter", "enter")
        assert hand.source.stages() == [Stage.OPEN] * 2
        await hand.press("O")
        assert hand.app.main.control.choices.cursor == first
        target = hand.aim(60)
        await hand.press("M")
        assert isinstance(hand.app.screen, ConfirmScreen)
        await hand.press("enter")
        spec = hand.source.spec_of(SYMBOL)
        assert spec is not None
        prices = {order.limit_price for order in hand.source.link.account.open_orders()}
        assert Decimal(target).scaleb(-spec.price_precision) in prices
        await hand.press("X")
        assert hand.source.stages() == [Stage.CANCELED] * 2


async def test_the_dead_mans_switch_says_what_it_does() -> None:
    async with at_desk() as hand:
        await hand.press("H")
        assert "EVERY open order of this account" in hand.words
        assert hand.source.desk.trader.switch.wanted is False
        await hand.press("enter")
        await hand.wait()
        assert hand.source.desk.trader.switch.left_s(hand.source.ns) is not None
        await hand.press("H")
        await hand.wait()
        assert hand.source.desk.trader.switch.left_s(hand.source.ns) is None


async def test_without_the_option_there_is_nothing_of_it() -> None:
    source = FakeSource(symbols=(SYMBOL,))
    app = new_app(source, Settings(group=1))
    async with app.run_test(size=(160, 48), notifications=True) as pilot:
        app.tick()
        await pilot.press("T", "B", "X", "delete")
        await pilot.pause()
        assert app.main._trade is None
        assert "disarmed" not in screen_text(app)
        assert not isinstance(app.screen, TicketScreen | ConfirmScreen)
    assert all(row[0] != "Trading" for row in key_rows(effective({}), trade=False))


@pytest.mark.parametrize(
    ("trading", "text"),
    [
        (None, ""),
        (TradingView("LIVE", False, "not armed yet"), " LIVE  disarmed: not armed yet, T arms "),
        (TradingView("LIVE", True, disarms_in_s=272), " ARMED LIVE  04:32  real money, T disarms "),
        (
            TradingView("TEST", True, disarms_in_s=60),
            "[ ARMED TEST ] 01:00  only checked, nothing is placed, T disarms ",
        ),
        (
            TradingView("DEMO", False, "by hand", cancels_after_s=45, rate=40, rate_limit=60),
            " DEMO  disarmed: by hand, T arms  cancels ALL in 45 s unless refreshed  rate 40 of 60 ",
        ),
    ],
)
def test_the_banner_says_the_mode_without_colour(trading: TradingView | None, text: str) -> None:
    assert "".join(run for part in trading_parts(trading, "T") for run, _ in part) == text


async def test_the_size_is_typed_and_kept_or_empty_again() -> None:
    async with at_desk() as hand:
        hand.aim()
        await hand.press("T", "B", "0", "full_stop", "5", "backspace", "2", "m")
        screen = hand.app.screen
        assert isinstance(screen, TicketScreen)
        assert screen.form.text == "0.2"
        assert screen.form.ticket().kind is Kind.MARKET
        await hand.press("enter", "escape", "B")
        screen = hand.app.screen
        assert isinstance(screen, TicketScreen)
        assert screen.form.text == "0.2"
