"""The past on the screen: every pane shows the moment, none of it looks live, and the way back is one key."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace
from textual import events
from textual.pilot import Pilot

from kraken_tui.engine.engine import Engine
from kraken_tui.engine.options import EngineOptions
from kraken_tui.market.book.metrics import fee_of, row_lots, row_traded
from kraken_tui.market.events import Proof, Side
from kraken_tui.market.history.moments import MarketHistory
from kraken_tui.market.views import PairSummary, TradedAt, tab_of
from kraken_tui.settings import Settings
from kraken_tui.tui.app import KrakenApp
from kraken_tui.tui.draw.book_rows import HEAD_ROWS
from kraken_tui.tui.draw.format import clock, price
from kraken_tui.tui.draw.mode import distance
from kraken_tui.tui.draw.status import Reading, reading_parts
from kraken_tui.tui.panes.pointing import MomentChosen, Pointed
from kraken_tui.tui.shown import ShownMoment
from kraken_tui.units import SECOND
from tests.market.history.test_moments import RECORDINGS, played, view_of
from tests.tui import samples
from tests.tui.fake_source import FakeSource
from tests.tui.test_app import Clock, panes, screen_text, text_of


def of_recording(name: str = "lost-message") -> FakeSource:
    """A source whose pairs have lived through a recording, and whose newest views are those of its end."""
    source = FakeSource(symbols=())
    pasts: dict[str, MarketHistory] = {}
    now = 0
    for now, desk in played(RECORDINGS / f"{name}.jsonl.gz"):
        for symbol, market in desk.by_symbol.items():
            view = view_of(desk, symbol, now)
            if market.history is not None:
                pasts[symbol] = market.history
                source.views[symbol] = view
    source.histories = pasts
    tabs = tuple(
        tab_of(PairSummary(symbol, None, 0, 0, Proof.CHECKING, False), source.views[symbol]) for symbol in pasts
    )
    source.feed_view = replace(source.feed_view, now_ns=now, tabs=tabs)
    return source


@pytest.fixture(scope="module")
def lived() -> FakeSource:
    return of_recording()


@asynccontextmanager
async def running(
    source: FakeSource, size: tuple[int, int] = (160, 48)
) -> AsyncIterator[tuple[KrakenApp, Pilot[None]]]:
    app = KrakenApp(source, Settings(pairs=()), clock=Clock(), live=False)
    async with app.run_test(size=size) as pilot:
        app.tick(everything=True)
        await pilot.pause()
        yield app, pilot


def now_of(source: FakeSource) -> int:
    return source.feed_view.now_ns


def held_still(app: KrakenApp) -> dict[str, str]:
    """What the panes say, without bars and the ladder's rows, which follow what was seen before."""
    names = {"tabs", "header", "book", "candles", "tape", "flow", "gauge"} & panes(app).keys()
    return {name: re.sub("[«»▸▏▎▍▌▋▊▉█▐▕▁-▇]", " ", text_of(panes(app)[name])) for name in names}


async def test_the_first_left_holds_now_and_every_press_counts(lived: FakeSource) -> None:
    async with running(lived) as (app, pilot):
        await pilot.press("left")
        assert app.main.moment_ns == now_of(lived)
        await pilot.press(*["left"] * 7, "right")
        assert app.main.moment_ns == now_of(lived) - 6 * SECOND
        await pilot.press("shift+left")
        assert app.main.moment_ns == now_of(lived) - 16 * SECOND
        await pilot.press(*["shift+right"] * 2)
        assert app.main.moment_ns is None
        assert "Live again." in text_of(panes(app)["footer"])


async def test_all_panes_show_one_moment_and_end_returns(lived: FakeSource) -> None:
    async with running(lived) as (app, pilot):
        live = held_still(app)
        await pilot.press("shift+left")
        history = lived.histories[app.main.symbol]
        moment = app.main.moment_ns
        assert moment is not None
        then = history.view(moment)
        for view in ("f2", "f3", "f4", "f5", "f7"):
            await pilot.press(view)
            await pilot.pause()
            shown = {name: panes(app)[name] for name in app.main.places if name in panes(app)}
            for name, pane in shown.items():
                assert pane.picture is not None
                assert pane.picture.pair == then, name
                assert pane.picture.moment_ns == moment, name
                assert pane.picture.feed.tabs[0] == tab_of(lived.feed_view.tabs[0], then)
            tabs = text_of(shown["tabs"])
            assert f"HISTORY {clock(moment)}" in tabs
            assert "-10.0 s" in tabs
            text = screen_text(app)
            assert not re.search(r"(?<!now )SUBSCRIBED", text), view
            assert "HISTORY" in text_of(shown["footer"])
        await pilot.press("f2", "end")
        app.main.flash("", 0)
        app.tick(everything=True)
        await pilot.pause()
        assert app.main.moment_ns is None
        assert held_still(app) == live


@pytest.mark.parametrize("name", ["every-depth", "reconnect"])
def test_what_is_seen_of_a_moment_is_what_the_past_says(name: str) -> None:
    source = of_recording(name)
    shown = ShownMoment(source)
    draw = random.Random(12)
    for _ in range(40):
        symbol = draw.choice([*source.histories])
        history = source.histories[symbol]
        assert history.since_ns is not None
        ns = draw.randrange(history.since_ns, now_of(source))
        shown.move(symbol, lambda time, past, now, ns=ns: time.go(past, now, ns) or True)
        seen = shown.look(symbol)
        assert seen.pair == history.view(ns)
        for tab in seen.feed.tabs:
            then = source.histories[tab.symbol].view(ns)
            if then is not None:
                expected = tab_of(replace(tab, problem=""), then)
                assert (tab.last, tab.last_direction, tab.proof, tab.stale) == (
                    expected.last, expected.last_direction, expected.proof, expected.stale
                )  # fmt: skip
            else:
                assert (tab.last, tab.proof) == (None, Proof.CHECKING)
        assert seen.live.now_ns == now_of(source)


async def test_before_what_is_held_the_step_stops_and_says_since_when(lived: FakeSource) -> None:
    async with running(lived) as (app, pilot):
        await pilot.press(*["shift+left"] * 60)
        since = lived.histories[app.main.symbol].since_ns
        assert since is not None
        assert app.main.moment_ns == since
        assert f"known since {clock(since)}" in text_of(panes(app)["footer"])


async def test_without_a_past_the_keys_say_so_and_stay_live() -> None:
    async with running(FakeSource()) as (app, pilot):
        for key in ("left", "comma", "full_stop", "n", "N", "shift+right"):
            await pilot.press(key)
            assert app.main.moment_ns is None
            assert "There is no past of BTC/USD yet." in text_of(panes(app)["footer"])


async def test_message_by_message_and_event_by_event(lived: FakeSource) -> None:
    async with running(lived) as (app, pilot):
        history = lived.histories[app.main.symbol]
        await pilot.press(*["comma"] * 9)
        back = app.main.moment_ns
        await pilot.press(*["comma"] * 3, *["full_stop"] * 3)
        assert app.main.moment_ns == back
        assert back is not None
        assert history.book.next_message(back - 1, 1) == back
        await pilot.press("N")
        found = app.main.shown.time.found
        assert found is not None
        assert found.text in text_of(panes(app)["footer"])
        assert app.main.moment_ns == found.ns
        seen = set()
        while app.main.moment_ns is not None and len(seen) < 500:
            seen |= set(app.main.shown.time.found.text.split(", ")) if app.main.shown.time.found else set()
            await pilot.press("n")
        assert app.main.moment_ns is None
        await pilot.press(*["N"] * 60)
        assert app.main.moment_ns is not None


async def test_a_pause_is_a_moment_that_steps_go_on_from(lived: FakeSource) -> None:
    async with running(lived) as (app, pilot):
        await pilot.press("p")
        assert app.main.paused
        assert app.main.moment_ns == now_of(lived)
        await pilot.press("left")
        assert not app.main.paused
        assert app.main.moment_ns == now_of(lived) - SECOND
        assert "badge" not in app.main.places
        await pilot.press("p")
        assert app.main.moment_ns is None, "p goes on from the past as from a pause"


async def test_the_candles_view_scrolls_while_live_and_travels_in_the_past(lived: FakeSource) -> None:
    async with running(lived) as (app, pilot):
        await pilot.press("f4", "left")
        assert app.main.moment_ns is None
        await pilot.press("end", "comma", "left")
        assert app.main.moment_ns is not None
        assert app.main.moment_ns < now_of(lived) - SECOND
        assert panes(app)["candles"].look.end_s is None  # type: ignore[attr-defined]


async def test_an_engine_that_hangs_is_told_in_the_past_too() -> None:
    source = of_recording()
    source.feed_view = replace(source.feed_view, made_ns=0)
    async with running(source) as (app, pilot):
        await pilot.press("shift+left")
        source.now_ns = 9 * SECOND
        app.tick(everything=True)
        await pilot.pause()
        assert "engine silent 9 s" in text_of(panes(app)["tabs"])
        assert "engine not answering for 9 s" in text_of(panes(app)["footer"])
        assert app.pair_view == source.histories[app.main.symbol].view(app.main.moment_ns or 0), "then is as it was"


async def test_another_pair_is_shown_at_the_same_moment_and_the_feed_runs_on() -> None:
    source = of_recording("every-depth")
    async with running(source) as (app, pilot):
        await pilot.press("shift+left")
        moment = app.main.moment_ns
        await pilot.press("tab")
        assert app.main.moment_ns == moment
        assert app.pair_view == source.histories[app.main.symbol].view(moment or 0)
        source.feed_view = replace(source.feed_view, now_ns=now_of(source) + 5 * SECOND)
        app.tick(everything=True)
        await pilot.pause()
        assert app.main.moment_ns == moment
        assert "-15.0 s" in text_of(panes(app)["tabs"])


async def test_shift_and_wheel_move_in_time_and_the_wheel_alone_in_prices(lived: FakeSource) -> None:
    async with running(lived) as (app, pilot):
        centre = app.main.control.choices.centre
        for name in ("book", "ladder", "tape"):
            before = app.main.moment_ns
            await pilot._post_mouse_events([events.MouseScrollUp], panes(app)[name], (10, 6), shift=True)
            await pilot.pause()
            assert app.main.moment_ns == (now_of(lived) if before is None else before - SECOND), name
        assert app.main.control.choices.centre == centre
        await pilot._post_mouse_events([events.MouseScrollDown], panes(app)["book"], (10, 6), shift=True)
        assert app.main.moment_ns == now_of(lived) - SECOND
        await pilot._post_mouse_events([events.MouseScrollUp], panes(app)["book"], (10, 6))
        assert app.main.control.choices.centre != centre


async def test_hovering_reads_and_a_click_sets(lived: FakeSource) -> None:
    async with running(lived) as (app, pilot):
        place = app.main.places["book"]
        book = panes(app)["book"]
        row = HEAD_ROWS + 3
        ticks = book.price_at(row)  # type: ignore[attr-defined]
        spec = app.pair_view.spec  # type: ignore[union-attr]
        await pilot.hover(offset=(place.x + 20, place.y + row))
        app.tick(everything=True)
        await pilot.pause()
        assert app.main.control.choices.cursor is None
        assert text_of(panes(app)["footer"]).startswith(f" {price(ticks, spec.price_precision)} ")
        await pilot.click(offset=(place.x + 20, place.y + row))
        assert app.main.control.choices.cursor == ticks
        await pilot.press("k")
        app.tick(everything=True)
        await pilot.pause()
        moved = app.main.control.choices.cursor
        assert moved != ticks
        assert text_of(panes(app)["footer"]).startswith(f" {price(moved, spec.price_precision)} ")
        await pilot.hover(offset=(place.x + 20, 0))
        await pilot.press("escape")
        app.tick(everything=True)
        await pilot.pause()
        assert not text_of(panes(app)["footer"]).startswith(f" {price(moved, spec.price_precision)} ")


async def test_a_click_on_a_print_puts_the_cursor_there_and_lights_its_rows(lived: FakeSource) -> None:
    async with running(lived) as (app, pilot):
        tape, place = panes(app)["tape"], app.main.places["tape"]
        await pilot.click(offset=(place.x + 4, place.y + 2))
        printed = tape.print_at(2)  # type: ignore[attr-defined]
        assert app.main.control.choices.cursor == printed.last
        app.tick(everything=True)
        await pilot.pause()
        lit = [y for y, line in enumerate(tape._lines) if line and line[0][1].endswith("/cursor")]
        assert 2 in lit


async def test_what_is_pointed_at_in_time_lights_the_prints_and_the_bar_of_then(lived: FakeSource) -> None:
    async with running(lived) as (app, pilot):
        history = lived.histories[app.main.symbol]
        tape = panes(app)["tape"]
        printed = tape.print_at(5)  # type: ignore[attr-defined]
        ns = printed.venue_ns + (now_of(lived) - history.venue_ns(now_of(lived)))
        app.main.post_message(Pointed("heatmap", None, ns - 1_000_000, 2_000_000))
        await pilot.pause()
        app.tick(everything=True)
        await pilot.pause()
        lit = [y for y, line in enumerate(tape._lines) if line and line[0][1].endswith("/cursor")]
        assert lit == [y for y in range(2, tape.size.height) if (each := tape.print_at(y)) is not None  # type: ignore[attr-defined]
                       and abs(each.venue_ns - printed.venue_ns) <= 1_000_000]  # fmt: skip
        app.main.post_message(Pointed("heatmap"))
        app.main.post_message(MomentChosen(ns))
        await pilot.pause()
        assert app.main.moment_ns == ns


async def test_a_saved_picture_and_a_copied_book_are_of_the_moment(lived: FakeSource) -> None:
    async with running(lived) as (app, pilot):
        await pilot.press("shift+left")
        moment = app.main.moment_ns
        assert moment is not None
        assert app.picture_title().endswith("HISTORY")
        assert clock(moment) in app.picture_title()
        await pilot.press("y")
        assert f"at {clock(moment)} UTC" in text_of(panes(app)["footer"])


async def test_the_memory_held_is_on_f7(lived: FakeSource) -> None:
    async with running(lived) as (app, pilot):
        await pilot.press("f7")
        await pilot.pause()
        since = lived.histories[app.main.symbol].since_ns
        assert since is not None
        assert re.search(rf"history +[\d.]+ [kM]B since {clock(since)}", text_of(panes(app)["health"]))


def readout(reading: Reading) -> str:
    return "".join(text for part in reading_parts(reading) for text, _ in part)


def test_the_readout_tells_then_and_now_traded_since_and_the_cost_with_its_fee() -> None:
    then = samples.pair("BTC/USD")
    ticks = then.asks[2][0]
    asks = (*then.asks[:2], (ticks, 12_300_000), *then.asks[3:])
    traded = {**then.traded, ticks: TradedAt(3, then.traded.get(ticks, TradedAt(0, 0, 0)).bought + 45_000_000, 0)}
    now = replace(then, asks=asks, traded=traded)
    said = readout(Reading(then, ticks, fee_pct=0.4, now=now))
    cumulative = sum(lots for _, lots in then.asks[:3])
    fee = fee_of(sum(price * lots for price, lots in then.asks[:3]), 0.4)
    assert " now 0.123 " in said
    assert " traded since 0.45 " in said
    assert "buy to here" in said
    assert said.index(" size ") < said.index(" now ") < said.index("traded") < said.index(" cum ") < said.index("fee")
    assert fee == -(-sum(price * lots for price, lots in then.asks[:3]) * 4 // 1000)
    assert cumulative > 0
    below = readout(Reading(then, then.bids[2][0], fee_pct=0.4))
    assert "sell to here" in below
    assert "now" not in below
    assert "at least 0.45" in readout(Reading(then, ticks, now=now, cut=True))
    unproven = replace(now, metrics=None)
    assert " now – " in readout(Reading(then, ticks, now=unproven))


def test_a_row_is_summed_as_the_book_sums_it() -> None:
    asks = ((101, 1), (105, 2), (106, 4), (110, 8))
    assert row_lots(asks, Side.SELL, 105, 5) == 3
    assert row_lots(asks, Side.SELL, 110, 5) == 12
    bids = ((104, 1), (100, 2), (99, 4))
    assert row_lots(bids, Side.BUY, 100, 5) == 3
    traded = {101: TradedAt(1, 1, 10), 105: TradedAt(1, 2, 20), 106: TradedAt(1, 4, 40)}
    assert row_traded(traded, 105, 5) == 1 + 2 + 20 + 40
    assert row_traded(traded, 105, 1) == 22


def test_the_distance_has_a_form_for_every_length() -> None:
    assert [distance(ns * SECOND) for ns in (0, 12, 599, 600, 3_723)] == [
        "-0.0 s", "-12.0 s", "-599.0 s", "-10:00", "-1:02:03"
    ]  # fmt: skip


async def test_at_80x24_the_moment_the_way_back_and_the_cursor_are_in_sight(lived: FakeSource) -> None:
    async with running(lived, (80, 24)) as (app, pilot):
        await pilot.press("shift+left", "k")
        app.tick(everything=True)
        await pilot.pause()
        footer, tabs = text_of(panes(app)["footer"]), text_of(panes(app)["tabs"])
        assert "HISTORY" in tabs
        assert "End live" in footer
        assert " bps " in footer
        assert " size " in footer


async def test_a_moment_before_a_pair_was_known_says_so(lived: FakeSource) -> None:
    source = of_recording()
    source.views["DOGE/USD"] = samples.pair("DOGE/USD")
    unknown = PairSummary("DOGE/USD", 7, 5, 1, Proof.VERIFIED, False)
    source.feed_view = replace(source.feed_view, tabs=(*source.feed_view.tabs, unknown))
    async with running(source) as (app, pilot):
        await pilot.press("shift+left")
        app.main.show_pair("DOGE/USD")
        app.tick(everything=True)
        await pilot.pause()
        assert "Nothing is known yet of DOGE/USD: not at this moment" in text_of(panes(app)["header"])


async def test_on_the_heatmap_hovering_reads_a_click_sets_and_a_drag_moves_in_time(lived: FakeSource) -> None:
    async with running(lived) as (app, pilot):
        await pilot.press("f3")
        await pilot.pause()
        app.tick(everything=True)
        await pilot.pause()
        pane, place = panes(app)["heatmap"], app.main.places["heatmap"]
        x, y = place.width - 12, HEAD_ROWS + 4
        ticks, ns = pane.price_at(y), pane.moment_at(x)  # type: ignore[attr-defined]
        history = lived.histories[app.main.symbol]
        await pilot.hover(offset=(place.x + x, place.y + y))
        app.tick(everything=True)
        await pilot.pause()
        footer = text_of(panes(app)["footer"])
        assert footer.startswith(f" {price(ticks, app.pair_view.spec.price_precision)} ")  # type: ignore[union-attr]
        assert "now" in footer
        assert pane.picture is not None
        assert pane.picture.cursor_ns == ns - pane.picture.cursor_span_ns + 1
        assert app.main.moment_ns is None
        await pilot.click(offset=(place.x + x, place.y + y))
        assert app.main.control.choices.cursor == ticks
        assert app.main.moment_ns is None, "a click alone does not leave now"
        await pilot.mouse_down(offset=(place.x + x, place.y + y))
        await pilot.hover(offset=(place.x + x - 3, place.y + y))
        await pilot.mouse_up(offset=(place.x + x - 3, place.y + y))
        await pilot.pause()
        assert app.main.moment_ns == max(ns - 3 * pane.picture.cursor_span_ns, history.since_ns or 0)
        await pilot.press("end")
        centre = app.main.control.choices.centre
        await pilot._post_mouse_events([events.MouseScrollUp], pane, (x, y))
        await pilot.pause()
        assert app.main.control.choices.centre == centre + 3  # type: ignore[operator]


@pytest.mark.realtime
@pytest.mark.parametrize("settings", [{"replay": RECORDINGS / "lost-message.jsonl.gz", "speed": 0.0}, {"demo": True}])
async def test_on_a_running_engine_the_moment_stands_and_the_feed_runs_on(settings: dict[str, object]) -> None:
    engine = Engine(Settings(pairs=("BTC/USD", "ETH/USD"), **settings), options=EngineOptions(history=True))  # type: ignore[arg-type]
    engine.start()
    app = KrakenApp(engine, engine.settings, live=False)
    try:
        async with app.run_test(size=(160, 48)) as pilot:
            began = time.monotonic()
            while True:
                app.tick()
                replay, view = engine.feed_view.replay, app.pair_view
                lived_s = time.monotonic() - began
                if (replay.finished if replay is not None else lived_s > 4) and view and view.proof is Proof.VERIFIED:
                    break
                assert lived_s < 30
                await asyncio.sleep(0.05)
            await pilot.press("left", "left")
            moment = app.main.moment_ns
            history = engine.history(app.main.symbol)
            assert moment is not None
            assert history is not None
            then, messages = app.pair_view, engine.feed_view.messages
            for _ in range(12):
                await asyncio.sleep(0.05)
                app.tick()
            await pilot.pause()
            assert app.pair_view == then == history.view(moment)
            assert app.main.moment_ns == moment
            assert replay is not None or engine.feed_view.messages > messages
            assert f"HISTORY {clock(moment)}" in text_of(panes(app)["tabs"])
            await pilot.press("end")
            app.tick(everything=True)
            await pilot.pause()
            assert "HISTORY" not in text_of(panes(app)["tabs"])
            assert app.pair_view is not None
            assert app.pair_view.made_ns is not None, "live views can age"
    finally:
        engine.stop()
