"""The account's page, the queue, and own orders and fills in the panes of the market, by keys and mouse."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from kraken_tui.market.events import Proof, Side
from kraken_tui.market.orders.values import Fill, Stage
from kraken_tui.market.private_views import LinkView, StreamView
from kraken_tui.settings import Settings
from kraken_tui.tui.app import KrakenApp
from kraken_tui.tui.draw.format import duration
from kraken_tui.tui.export.svg import screen_svg
from tests.tui import accounts, samples
from tests.tui.fake_source import FakeSource
from tests.tui.test_app import Clock

SIZES = [(80, 24), (120, 36), (160, 48), (220, 60)]
D = Decimal


def source_with(*, level3: bool = True, **changes: object) -> FakeSource:
    source = FakeSource()
    view = samples.pair()
    source.account = accounts.account(view, **changes)
    source.views[view.symbol] = accounts.pair(view, source.account) if level3 else view
    tabs = tuple(replace(tab, last=view.last) if tab.symbol == view.symbol else tab for tab in source.feed_view.tabs)
    source.feed_view = replace(source.feed_view, tabs=tabs, now_ns=view.now_ns)
    return source


@asynccontextmanager
async def running(
    source: FakeSource, size: tuple[int, int] = (160, 48), settings: Settings | None = None, *, ascii_only: bool = False
) -> AsyncIterator[tuple[KrakenApp, Pilot[None]]]:
    app = KrakenApp(source, settings or Settings(), live=False, clock=Clock(), ascii_only=ascii_only)
    async with app.run_test(size=size) as pilot:
        app.tick(everything=True)
        await pilot.pause()
        yield app, pilot


def text(app: KrakenApp, pane: str) -> str:
    widget = app.main._panes[pane]
    return "\n".join("".join(part for part, _ in line) for line in widget._lines)  # type: ignore[attr-defined]


def screen(app: KrakenApp) -> str:
    return "\n".join(strip.text for strip in app.main._compositor.render_strips())


async def press(app: KrakenApp, pilot: Pilot[None], *keys: str) -> None:
    await pilot.press(*keys)
    app.tick(everything=True)
    await pilot.pause()


# --- F8 ---------------------------------------------------------------------------------------------------------


async def test_f8_without_an_account_says_how_to_have_one_and_is_not_offered() -> None:
    async with running(FakeSource()) as (app, pilot):
        assert "F8" not in screen(app)
        await press(app, pilot, "f8")
        assert app.main.view == "book"
        assert "kraken-tui keys add" in screen(app)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("play", [True, False])
async def test_every_block_says_what_is_play_money(size: tuple[int, int], *, play: bool) -> None:
    async with running(source_with(play=play), size) as (app, pilot):
        await press(app, pilot, "f8")
        panes = [name for name in ("account", "orders", "fills", "holdings") if name in app.main.places]
        assert {"account", "orders", "holdings"} <= {*panes}
        for name in panes:
            assert ("PLAY" in text(app, name).split("\n")[0]) == play, name
        assert ("PLAY MONEY" in app.picture_title()) == play
        # A saved picture says it too.
        assert ("PLAY" in screen_svg(app, app.picture_title())) == play


@pytest.mark.parametrize("size", SIZES)
async def test_orders_tell_state_price_and_what_is_left_at_every_size(size: tuple[int, int]) -> None:
    async with running(source_with(), size) as (app, pilot):
        await press(app, pilot, "f8")
        rows = text(app, "orders").split("\n")
        assert "Orders 11 open" in rows[0]
        assert "verified, seq 412, 3.0 s" in rows[0]
        working = next(row for row in rows if "● working" in row)
        for part in ("buy", "64,249.7", "0.25 / 0.25", "2 ahead, 1.43"):
            assert part in working
        assert "1 / 1.5" in next(row for row in rows if "part filled" in row)
        for word in ("○ pending", "/ cancel sent", "? not verified", "T waits"):
            assert any(word in row for row in rows), word


async def test_wide_orders_tell_everything() -> None:
    async with running(source_with(), (220, 60)) as (app, pilot):
        await press(app, pilot, "f8")
        orders = text(app, "orders")
        for word in ("stop-loss", "post-only", "foreign", "33%", "64,248.7", "12 s", "25 h", "? no answer",
                     "✓ filled", "✗ cancelled ◐", "✗ refused"):  # fmt: skip
            assert word in orders, word
        holdings = text(app, "holdings")
        for word in ("1.25", "80,312.62", "98,234.5127", "-0.4975", "+12.50", "-4.96", "flat", "0.0001 BTC, 51.79 USD"):
            assert word in holdings, word
        # Free is asked for, never taken for the total.
        assert "?" in next(row for row in holdings.split("\n") if row.startswith(" BTC "))
        fills = text(app, "fills")
        assert "Trades 2 this session" in fills
        assert "history" in fills.split("\n")[4]
        assert "51.39 USD" in fills
        assert "maker" in fills


async def test_an_average_of_nothing_is_not_zero_and_what_all_are_is_not_said() -> None:
    source = source_with()
    assert source.account is not None
    orders = tuple(
        accounts.order(key, foreign=True, avg_price=D("0.0"), limit_price=D("64249.7")) for key in ("one", "two")
    )
    source.account = replace(source.account, orders=orders)
    async with running(source, (220, 60)) as (app, pilot):
        await press(app, pilot, "f8")
        rows = text(app, "orders").split("\n")
        assert "average" in rows[1]
        assert "foreign" not in text(app, "orders")
        assert not any(word in ("0.0", "0.00") for row in rows[2:] for word in row.split())


async def test_nothing_gained_has_no_sign() -> None:
    source = source_with()
    assert source.account is not None
    assert source.views["BTC/USD"].last is not None
    price = D(source.views["BTC/USD"].last).scaleb(-1)
    held = replace(source.account.positions[0], avg_price=price, qty=D("-0.5"))
    source.account = replace(source.account, positions=(held,))
    async with running(source, (220, 60)) as (app, pilot):
        await press(app, pilot, "f8")
        row = next(row for row in text(app, "holdings").split("\n") if "BTC/USD" in row)
        assert " 0.00 " in row
        assert "-0.00" not in row


async def test_what_is_not_verified_says_so_in_words() -> None:
    source = source_with()
    source.account = accounts.doubtful(samples.pair())
    async with running(source, (160, 48)) as (app, pilot):
        await press(app, pilot, "f8")
        assert "? not verified: sequence gap, reconciling" in text(app, "orders").split("\n")[0]
        assert "? not verified: no snapshot yet" in text(app, "holdings").split("\n")[0]
        assert "● working" not in text(app, "orders")
        summary = text(app, "account")
        for word in ("The exchange refused the key", "COOLDOWN: connection lost", "next try in 4 s", "worth unknown"):
            assert word in summary, word
        await press(app, pilot, "o", "o", "o", "o")
        assert "The key may also cancel orders" in text(app, "account")


async def test_an_engine_that_is_silent_vouches_for_nothing() -> None:
    source = source_with(made_ns=0)
    source.feed_view = replace(source.feed_view, made_ns=0)
    source.now_ns = 5 * samples.SECOND
    async with running(source) as (app, pilot):
        await press(app, pilot, "f8")
        assert "engine silent 5 s" in text(app, "orders")
        assert "● working" not in text(app, "orders")


async def test_the_account_has_no_past_and_says_so() -> None:
    source = source_with()
    source.account = replace(source.account, orders=()) if source.account else None
    async with running(source) as (app, pilot):
        await press(app, pilot, "f8")
        assert "No open orders." in text(app, "orders")
        assert source.account is not None
        source.account = replace(source.account, streams=(StreamView("executions", False, "waiting"),))
        app.tick(everything=True)
        assert "No orders known yet." in text(app, "orders")


async def test_a_pause_holds_the_account_too() -> None:
    source = source_with()
    async with running(source) as (app, pilot):
        await press(app, pilot, "f8", "p")
        assert source.account is not None
        source.account = replace(source.account, orders=(), version=2)
        app.tick(everything=True)
        assert "Orders 11 open" in text(app, "orders")
        await press(app, pilot, "p")
        assert "Orders 0 open" in text(app, "orders")


# --- cursor, sorting, scrolling ---------------------------------------------------------------------------------


async def test_the_cursor_goes_through_the_orders_and_takes_the_price_cursor_along() -> None:
    source = source_with()
    async with running(source) as (app, pilot):
        await press(app, pilot, "f8", "down")
        assert app.main.orders.choices.chosen == "work"
        assert app.main.control.choices.cursor == 642_497
        assert source.asked[-1] == ("watch_queue", "BTC/USD", Side.BUY, 642_497)
        await press(app, pilot, "down", "down")
        assert app.main.orders.choices.chosen == "pend"
        assert source.asked[-1] == ("watch_queue", "BTC/USD", Side.SELL, 642_512)
        await press(app, pilot, "up")
        assert text(app, "orders").split("\n")[3].startswith("▸")
        await press(app, pilot, *["down"] * 40)
        assert app.main.orders.choices.chosen == "refused"
        await press(app, pilot, "f2")
        assert source.asked[-1] == ("watch_queue", "BTC/USD", None, 0)


async def test_enter_shows_the_order_in_the_book_of_its_pair() -> None:
    source = source_with()
    async with running(source) as (app, pilot):
        await press(app, pilot, "f8")
        app.main.orders.choices.chosen = "eth"
        await press(app, pilot, "enter")
        assert (app.main.view, app.main.symbol) == ("book", "ETH/BTC")
        assert app.main.control.choices.cursor == 4_850


async def test_orders_are_sorted_by_price_and_pair() -> None:
    async with running(source_with()) as (app, pilot):
        await press(app, pilot, "f8", "i")
        prices = [row.split()[5] for row in text(app, "orders").split("\n")[2:5]]
        assert "by price" in text(app, "orders")
        assert prices[0] == "99,000.0"
        await press(app, pilot, "i", "i")
        assert "by newest" in text(app, "orders")


async def test_lists_scroll_and_say_what_is_out_of_sight() -> None:
    async with running(source_with(), (80, 24)) as (app, pilot):
        await press(app, pilot, "f8")
        assert text(app, "orders").split("\n")[1].rstrip().endswith("▼6")
        await press(app, pilot, *["down"] * 14)
        rows = text(app, "orders").split("\n")
        assert rows[1].rstrip().endswith("▲6")
        assert rows[-1].startswith("▸")
        await press(app, pilot, "o", "o", "o")
        assert "Balances" in text(app, "holdings")


async def test_a_click_chooses_an_order() -> None:
    async with running(source_with()) as (app, pilot):
        await press(app, pilot, "f8")
        await pilot.click("#orders", offset=(5, 4))
        assert app.main.orders.choices.chosen == "pend"


# --- the queue --------------------------------------------------------------------------------------------------


async def test_the_queue_of_the_level_under_the_cursor_stands_on_a_key_in_the_book() -> None:
    source = source_with()
    async with running(source, (80, 24)) as (app, pilot):
        await press(app, pilot, "o", "o", "o", "o")
        assert "queue" in app.main.places
        rows = text(app, "queue").split("\n")
        assert "Queue bid 64,249.7" in rows[0]
        assert "L3 ✓" in rows[0]
        assert "3 orders, 1.68107787 BTC" in rows[1]
        assert "yours 0.25: 2 ahead, 1.43107787" in rows[2]
        assert rows[-1] == "" or "◆" in "\n".join(rows[3:8])
        # Without a cursor it is the best bid's.
        assert ("watch_queue", "BTC/USD", Side.BUY, 642_500) in source.asked


async def test_in_the_queue_alone_the_cursor_goes_from_level_to_level() -> None:
    source = source_with()
    bids, asks = source.views["BTC/USD"].bids, source.views["BTC/USD"].asks
    async with running(source, (80, 24)) as (app, pilot):
        await press(app, pilot, "o", "o", "o", "o", "down")
        assert source.asked[-1] == ("watch_queue", "BTC/USD", Side.BUY, bids[0][0])
        await press(app, pilot, "down", "down")
        assert source.asked[-1] == ("watch_queue", "BTC/USD", Side.BUY, bids[2][0])
        await press(app, pilot, "up", "up", "up")
        assert source.asked[-1] == ("watch_queue", "BTC/USD", Side.SELL, asks[0][0])


async def test_on_a_row_of_several_prices_the_first_to_trade_is_watched() -> None:
    source = source_with()
    async with running(source, (220, 60)) as (app, pilot):
        await press(app, pilot, "f8")
        app.main.control.choices.grouping = 20
        # The row of 64,248.0 to 64,249.9.
        app.main.control.choices.cursor = 642_480
        source.views["BTC/USD"] = replace(
            source.views["BTC/USD"], bids=tuple(level for level in source.views["BTC/USD"].bids if level[0] != 642_480)
        )
        await press(app, pilot, "i")
        assert source.asked[-1] == ("watch_queue", "BTC/USD", Side.BUY, 642_499)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"verified": False, "reason": "the checksum does not match", "checks_failed": 1}, "L3 UNVERIFIED"),
        ({"verified": False, "reason": "no snapshot", "bids": (), "asks": ()}, "L3 CHECKING"),
        ({"stale": True, "stale_reason": "nothing heard for 9 s"}, "L3 STALE"),
    ],
)
async def test_a_queue_that_is_not_proven_is_not_shown(change: dict[str, object], words: str) -> None:
    source = source_with()
    view = source.views["BTC/USD"]
    assert view.level3 is not None
    source.views["BTC/USD"] = replace(view, level3=replace(view.level3, **change))
    async with running(source) as (app, pilot):
        # The book's own proof is another truth.
        assert "✓ VERIFIED" in text(app, "header")
        assert words.partition(" ")[2] in text(app, "header")
        await press(app, pilot, "f8", "down")
        queue = text(app, "queue")
        assert words in queue
        assert "ahead" not in queue.replace("no place", "")
        assert "2 ahead" not in text(app, "orders")


async def test_outside_the_depth_the_queue_is_not_known_and_not_empty() -> None:
    source = source_with()
    view = source.views["BTC/USD"]
    assert view.level3 is not None
    assert view.level3.queue is not None
    beyond = replace(view.level3.queue, orders=(), beyond=True)
    source.views["BTC/USD"] = replace(view, level3=replace(view.level3, queue=beyond))
    async with running(source) as (app, pilot):
        await press(app, pilot, "f8")
        assert "? Not known" in text(app, "queue")


async def test_without_level_3_the_pane_is_no_stop_of_the_key_and_says_why_on_the_page() -> None:
    async with running(source_with(level3=False)) as (app, pilot):
        await press(app, pilot, "o", "o", "o", "o")
        assert "queue" not in app.main.places
        await press(app, pilot, "f8")
        assert "kraken-tui keys add" in text(app, "queue").replace("\n ", " ")


# --- own orders and fills in the market -------------------------------------------------------------------------


def without_l3(source: FakeSource) -> None:
    source.views["BTC/USD"] = replace(source.views["BTC/USD"], level3=None)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("ascii_only", [False, True])
async def test_own_orders_stand_at_their_prices_in_the_book(size: tuple[int, int], *, ascii_only: bool) -> None:
    async with running(source_with(), size, ascii_only=ascii_only) as (app, pilot):
        await press(app, pilot, *["-"] * 12)
        rows = text(app, "book").split("\n")
        assert any("64,249.7" in row and "[0.25]" in row for row in rows)
        assert re.search("[▲^][1-9]", rows[1])


async def test_the_ladder_tells_states_several_and_what_is_out_of_sight() -> None:
    async with running(source_with(), (160, 48)) as (app, pilot):
        await press(app, pilot, "o", "o")
        assert "ladder" in app.main.places
        rows = text(app, "ladder").split("\n")

        def row(price: str) -> str:
            return next(each for each in rows if price in each)

        assert "[0.25] 2 ahead, 1.43" in row("64,249.7")
        assert "(0.1)" in row("64,251.2")
        assert "/2/" in row("64,252.9")
        assert "[0.25?]" in row("64,253.4")
        # Two sides at one price stand beside each other; neither is cut.
        assert re.search(r"\[T 0\.25\] +×9 max 0\.\d+ \d+ s$", row("64,248.0").rstrip())
        assert "[0.75 ×2]" in row("64,247.5")
        assert "▲1 yours" in rows[1]
        assert "≥ 1.2 hidden" in row("64,249.8")
        assert any("×40 max" in each for each in rows)
        assert any("▉" in each for each in rows)
        assert "▓" in row("64,249.7")


async def test_without_level_3_places_are_estimates_and_bars_are_whole() -> None:
    source = source_with()
    without_l3(source)
    async with running(source, (160, 48)) as (app, pilot):
        await press(app, pilot, "o", "o")
        ladder = text(app, "ladder")
        assert "[0.25] ~1.43 ahead" in ladder
        assert "▉" not in ladder.replace("▉ ", "")
        assert "×" not in ladder.split("\n")[5]


async def test_an_unproven_book_keeps_its_orders_in_sight_but_no_segments() -> None:
    source = source_with()
    view = source.views["BTC/USD"]
    source.views["BTC/USD"] = replace(samples.unverified(), level3=view.level3)
    assert source.views["BTC/USD"].proof is Proof.UNVERIFIED
    async with running(source, (160, 48)) as (app, pilot):
        await press(app, pilot, *["-"] * 12)
        assert "[0.25]" in text(app, "book")


async def test_own_fills_are_marked_on_tape_and_candles() -> None:
    async with running(source_with(), (220, 60)) as (app, _):
        assert "◆" in text(app, "tape") + text(app, "candles")
        marked = [row for row in text(app, "tape").split("\n") if "◆" in row or "◇" in row]
        assert len(marked) == 1
        assert any(mark in text(app, "candles") for mark in "◆◇")


async def test_a_print_is_not_own_because_its_price_is() -> None:
    source = source_with()
    view = source.views["BTC/USD"]
    assert source.account is not None
    fill = replace(source.account.fills[0], trade_id=1, ns=view.tape[2].venue_ns + samples.SECOND)
    source.account = replace(source.account, fills=(fill,))
    async with running(source, (220, 60)) as (app, _):
        assert not any(mark in text(app, "tape") for mark in "◆◇")


# --- header -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
async def test_the_header_says_whether_a_key_can_send_an_order(size: tuple[int, int]) -> None:
    async with running(source_with(trading=accounts.TRADING), size) as (app, _):
        assert "ARMED DEMO" in text(app, "header")
        assert app.source.published().account is not None
    quiet = replace(accounts.TRADING, mode="TEST", armed=False, reason="idle")
    async with running(source_with(trading=quiet), (160, 48)) as (app, _):
        assert "disarmed TEST: idle" in text(app, "header")
        assert "ARMED" not in text(app, "header")


async def test_without_trading_the_header_says_nothing_of_it() -> None:
    async with running(source_with(), (160, 48)) as (app, _):
        assert "armed" not in text(app, "header").lower()


async def test_a_link_that_stopped_says_what_to_do() -> None:
    stopped = (LinkView("account", "DISCONNECTED", "EAPI:Invalid key", stopped=True),)
    async with running(source_with(links=stopped), (120, 36)) as (app, pilot):
        await press(app, pilot, "f8")
        assert "○ DISCONNECTED: EAPI:Invalid key stopped" in text(app, "account")


# --- ends of orders -----------------------------------------------------------------------------------------------


def with_stage(source: FakeSource, key: str, stage: Stage, **changes: object) -> None:
    """Let one order of the account change; the engine's clock goes on by a tenth of a second."""
    assert source.account is not None
    orders = tuple(replace(each, stage=stage, **changes) if each.key == key else each for each in source.account.orders)
    source.account = replace(source.account, orders=orders, version=source.account.version + 1)


def later(source: FakeSource, seconds: float) -> None:
    source.feed_view = replace(source.feed_view, now_ns=source.feed_view.now_ns + round(seconds * samples.SECOND))


@pytest.mark.parametrize(
    ("stage", "changes", "words"),
    [
        (Stage.FILLED, {"cum_qty": D("0.25")}, "✓ 0.25 filled"),
        (Stage.CANCELED, {"cum_qty": D("0.1")}, "✗ 0.15 cancelled"),
        (Stage.REFUSED, {}, "✗ 0.25 refused"),
    ],
)
async def test_the_end_of_an_order_stands_at_its_price_for_three_seconds(
    stage: Stage, changes: dict[str, object], words: str
) -> None:
    source = source_with()
    async with running(source, (160, 48)) as (app, pilot):
        await press(app, pilot, "o", "o")
        # Those that had ended when the account came are no news.
        assert "✓ 0.25" not in text(app, "ladder")
        with_stage(source, "work", stage, **changes)
        app.tick(everything=True)
        row = next(row for row in text(app, "ladder").split("\n") if "64,249.7" in row)
        assert words in row
        assert "[0.25]" not in row
        later(source, 2.9)
        app.tick(everything=True)
        assert words in text(app, "ladder")
        later(source, 0.2)
        app.tick(everything=True)
        assert words not in text(app, "ladder")


async def test_the_book_shows_the_end_too_and_it_fades() -> None:
    source = source_with()
    async with running(source, (160, 48)) as (app, pilot):
        await press(app, pilot, *["-"] * 12)
        with_stage(source, "work", Stage.CANCELED)
        app.tick(everything=True)

        def key_of_end() -> str:
            lines = app.main._panes["book"]._lines  # type: ignore[attr-defined]
            return next(key for line in lines for part, key in line if part.startswith("✗ 0.25"))

        assert key_of_end() == "bad"
        later(source, 2)
        app.tick(everything=True)
        assert key_of_end() == "muted"


# --- room for it --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
@pytest.mark.parametrize("size", SIZES)
async def test_own_orders_stand_on_their_own_side_of_the_book_and_hide_no_size(
    size: tuple[int, int], side: Side
) -> None:
    source = source_with()
    view = source.views["BTC/USD"]
    price = accounts.price_at(view, side, 2)
    assert source.account is not None
    source.account = replace(source.account, orders=(accounts.order("one", side=side, limit_price=price,
                                                                    order_qty=D("0.055")),))  # fmt: skip
    async with running(source, size) as (app, pilot):
        await press(app, pilot, *["-"] * 12)
        row = next(row for row in text(app, "book").split("\n") if f"{price:,}" in row)
        before, after = row.split(f"{price:,}")
        own, other = (before, after) if side is Side.BUY else (after, before)
        assert "[0.055]" in own
        assert "[" not in other
        # The size of the level stands whole between frame and price.
        number = own.replace("[0.055]", " ").strip("│┊┤├▸◂ █▌▐▏▕▉▓»«")
        assert re.search(r"\d", number)


async def test_the_worth_is_the_least_there_can_be_where_a_price_is_not_known() -> None:
    source = source_with()
    async with running(source, (160, 48)) as (app, pilot):
        await press(app, pilot, "f8")
        title = text(app, "account").split("\n")[0]
        assert "worth ≥ 178,547.14 USD: 1 of 3 assets has no known price (ETH)" in title
        # It is the sum of what the balances say.
        assert "80,312.62" in text(app, "holdings")
        assert "98,234.51" in text(app, "holdings")
    for size in SIZES:
        async with running(source, size) as (app, pilot):
            await press(app, pilot, "f8")
            assert "≥ 178,547.14 USD" in text(app, "account").split("\n")[0]


async def test_what_is_owed_and_has_no_price_makes_no_lower_bound() -> None:
    source = source_with()
    assert source.account is not None
    owed = tuple(replace(each, total=-each.total) if each.asset == "ETH" else each for each in source.account.balances)
    source.account = replace(source.account, balances=owed)
    async with running(source) as (app, pilot):
        await press(app, pilot, "f8")
        assert "worth 178,547.14 USD: 1 of 3" in text(app, "account")


@pytest.mark.parametrize("size", SIZES)
async def test_without_an_account_the_page_says_so_once(size: tuple[int, int]) -> None:
    source = FakeSource()
    async with running(source, size) as (app, pilot):
        app.main.set_view("account")
        await press(app, pilot)
        assert screen(app).count("No account is followed") == 1
        # When it comes, so does the page.
        source.account = accounts.account(samples.pair())
        app.tick(everything=True)
        await press(app, pilot)
        assert "Orders 11 open" in text(app, "orders")


async def test_on_the_large_desk_the_queue_stands_under_the_ladder() -> None:
    async with running(source_with(), (220, 60)) as (app, _):
        queue, ladder = app.main.places["queue"], app.main.places["ladder"]
        assert (queue.x, queue.y) == (ladder.x, ladder.bottom)
        assert "Queue bid 64,249.7" in text(app, "queue")
    async with running(source_with(level3=False), (220, 60)) as (app, _):
        assert "queue" not in app.main.places


async def test_the_readout_tells_how_many_orders_rest_there_and_how_old_the_first_is() -> None:
    source = source_with()
    async with running(source, (220, 60)) as (app, pilot):
        app.main.control.choices.cursor = 642_497
        await press(app, pilot)
        level3 = source.views["BTC/USD"].level3
        assert level3 is not None
        level = next(level for level in level3.bids if level.ticks == 642_497)
        age = duration(level.head_age_ns(source.views["BTC/USD"].now_ns) or 0)
        assert f"3 orders head {age}" in text(app, "footer")
        without_l3(source)
        app.tick(everything=True)
        assert "orders" not in text(app, "footer")


# --- the bell ---------------------------------------------------------------------------------------------------


def fill(exec_id: str, *, live: bool = True) -> Fill:
    return Fill(exec_id, "OX", "BTC/USD", Side.BUY, D(1), D(1), D(1), samples.NOW, live=live, session=True)


@pytest.mark.parametrize("wanted", [True, False])
async def test_the_bell_rings_once_for_each_live_fill(monkeypatch: pytest.MonkeyPatch, *, wanted: bool) -> None:
    rung: list[int] = []
    monkeypatch.setattr(KrakenApp, "bell", lambda _: rung.append(1))
    source = source_with()
    tick: Callable[[], None]
    async with running(source, settings=Settings(bell_on_fill=wanted)) as (app, _):
        tick = app.tick
        tick()
        # What was there at the start is no news.
        assert rung == []
        assert source.account is not None
        fills = source.account.fills
        source.account = replace(source.account, fills=(fill("N1"), *fills))
        tick()
        tick()
        assert len(rung) == wanted
        source.account = replace(source.account, fills=(fill("N2", live=False), fill("N1"), *fills))
        tick()
        assert len(rung) == wanted
