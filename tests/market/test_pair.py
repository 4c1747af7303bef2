from dataclasses import dataclass
from typing import Any

import pytest
from msgspec.structs import replace

from kraken_tui.market.book.l2 import OrderBook
from kraken_tui.market.events import (
    BookChanged,
    BookState,
    Candle,
    CandleChanged,
    FlowEvent,
    FlowKind,
    Health,
    MarketStatus,
    Proof,
    Side,
    Trade,
)
from kraken_tui.market.pair import PairMarket
from kraken_tui.market.views import PairView, Ticker
from kraken_tui.settings import Settings
from kraken_tui.wire.messages import WireLevel
from kraken_tui.wire.symbols import PairSpec

SPEC = PairSpec("BTC/USD", "BTC", "USD", 1, 2)
SECOND = 1_000_000_000
START = 1_700_006_400 * SECOND


def trade(trade_id: int, price: int = 1000, qty: int = 10, *, second: float = 1, live: bool = True) -> Trade:
    ns = START + round(second * SECOND)
    return Trade("BTC/USD", Side.BUY, price, qty, "limit", trade_id, "", ns, live)


@dataclass
class Truth:
    """What a feed would know of the book."""

    book: OrderBook
    depth: int = 10
    state: BookState = BookState.WAIT_ACK
    proof: Proof = Proof.CHECKING
    reason: str = "waiting for the exchange"
    checks_ok: int = 0
    checks_failed: int = 0
    resyncs: int = 0
    audited_ns: int | None = None
    trade_gaps: int = 0
    witness: str = ""

    def told(self, *, verified: bool, reason: str = "checksum differs") -> None:
        self.state = BookState.LIVE
        self.proof, self.reason = (Proof.VERIFIED, "") if verified else (Proof.UNVERIFIED, reason)


class Rig:
    """A pair and its book, in virtual time."""

    def __init__(self, settings: Settings | None = None, spec: PairSpec = SPEC) -> None:
        self.truth = Truth(OrderBook(spec, 10))
        self.market = PairMarket("BTC/USD", settings or Settings(depth=10), self.truth)
        self.market.set_spec(spec)
        self.market.set_venue("online", "online")
        self.now = START

    def snapshot(self, *, verified: bool = True) -> None:
        self.truth.book.load([WireLevel("100.0", "1.00"), WireLevel("99.0", "2.00")], [WireLevel("100.5", "3.00")])
        self.changed("snapshot", (), verified=verified)

    def update(self, *, bids: dict[str, str], verified: bool = True) -> None:
        changes = self.truth.book.apply([WireLevel(price, qty) for price, qty in bids.items()], [])
        self.changed("update", changes, verified=verified)

    def changed(self, kind: str, changes: Any, *, verified: bool) -> None:
        checksum = self.truth.book.checksum()
        self.truth.told(verified=verified)
        self.truth.checks_ok += verified
        self.truth.checks_failed += not verified
        self.market.on_book(BookChanged("BTC/USD", kind, verified, checksum, "", self.now, self.now, changes))

    def view(self, **changes: Any) -> PairView:
        inputs = {"heartbeat_age_ns": 0, "lag_ns": 0, "connected": True, **changes}
        return self.market.view(self.now, **inputs)

    def wait(self, seconds: float) -> None:
        self.now += round(seconds * SECOND)
        self.market.tick(self.now)


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_before_anything() -> None:
    market = PairMarket("BTC/USD", Settings())
    view = market.view(START, heartbeat_age_ns=None, lag_ns=None, connected=False)
    assert (view.spec, view.last, view.metrics, view.age_ns, view.bids) == (None, None, None, None, ())
    assert (view.proof, view.venue, view.stale) == (Proof.CHECKING, "UNKNOWN", True)
    assert view.health.status is MarketStatus.UNKNOWN
    assert market.summary().last is None
    market.tick(START)


def test_a_proven_book_has_figures(rig: Rig) -> None:
    rig.snapshot()
    rig.wait(0.2)
    view = rig.view()
    assert (view.book_state, view.proof, view.proof_reason, view.checks_ok) == (BookState.LIVE, Proof.VERIFIED, "", 1)
    assert view.bids == ((1000, 100), (990, 200))
    assert view.asks == ((1005, 300),)
    assert view.metrics is not None
    assert view.metrics.mid2 == 2005
    assert (view.age_ns, view.stale, view.venue) == (SECOND // 5, False, "ONLINE")
    assert view.health == Health("BTC/USD", MarketStatus.ACTIVE, "book 0.2 s old", 200)


def test_an_unproven_book_keeps_its_levels_but_has_no_figures(rig: Rig) -> None:
    rig.snapshot()
    rig.update(bids={"99.5": "1.00"}, verified=False)
    view = rig.view()
    assert (view.proof, view.proof_reason) == (Proof.UNVERIFIED, "checksum differs")
    assert (view.checks_ok, view.checks_failed) == (1, 1)
    assert view.metrics is None
    assert len(view.bids) == 3
    assert rig.market.summary().problem == "checksum differs"
    rig.wait(2)
    assert rig.view().samples == ()
    rig.update(bids={"99.5": "0"}, verified=True)
    assert rig.view().metrics is not None


def test_no_checksum_is_unproven_not_failed(rig: Rig) -> None:
    rig.truth.book.load([], [])
    rig.truth.told(verified=False, reason="no checksum")
    rig.market.on_book(BookChanged("BTC/USD", "snapshot", False, None, None, None, START, ()))
    view = rig.view()
    assert (view.proof, view.proof_reason, view.checks_failed) == (Proof.UNVERIFIED, "no checksum", 0)
    assert view.age_ns == 0


def test_age_is_by_the_venues_clock(rig: Rig) -> None:
    """A machine three seconds ahead must not show a fresh book as old, nor one behind an old book as fresh."""

    def message(venue_ns: int | None) -> BookChanged:
        return BookChanged("BTC/USD", "snapshot", True, 1, None, venue_ns, rig.now, ())

    rig.market.on_book(message(rig.now - 4 * SECOND))
    rig.now += SECOND
    assert rig.view().age_ns == 5 * SECOND
    assert rig.view(clock_offset_ns=3 * SECOND).age_ns == 2 * SECOND
    assert rig.view(clock_offset_ns=9 * SECOND).age_ns == SECOND
    rig.market.on_book(message(rig.now + 3600 * SECOND))
    rig.now += 70 * SECOND
    assert rig.view().age_ns == 70 * SECOND
    assert rig.view().stale
    rig.market.on_book(message(None))
    rig.now += SECOND
    assert rig.view(clock_offset_ns=3 * SECOND).age_ns == SECOND


@pytest.mark.parametrize("step_s", [-7200, 7200])
@pytest.mark.parametrize("message_first", [True, False])
def test_a_step_of_the_wall_clock_beside_a_message_changes_no_age(rig: Rig, step_s: int, message_first: bool) -> None:
    offset = 0

    def message() -> None:
        venue_ns = rig.now - offset
        rig.market.on_book(BookChanged("BTC/USD", "snapshot", True, 1, None, venue_ns, rig.now, ()))

    message()
    rig.view()
    rig.now += SECOND // 2
    if message_first:
        message()
    rig.now, offset = rig.now + step_s * SECOND, step_s * SECOND
    if not message_first:
        message()
    rig.now += SECOND // 2
    for seconds in range(3):
        age_ns = rig.view(clock_offset_ns=offset).age_ns
        assert age_ns is not None
        assert seconds * SECOND + SECOND // 2 <= age_ns <= (seconds + 1) * SECOND
        rig.now += SECOND


@pytest.mark.parametrize("offset_s", [0, 600, -600])
def test_candles_end_by_the_venues_clock(offset_s: int) -> None:
    rig = Rig()
    rig.market.on_trades([trade(1, second=1)])
    rig.now = START + (offset_s + 30) * SECOND
    view = rig.view(clock_offset_ns=offset_s * SECOND)
    rig.wait(0)
    assert [candle.begin_s for candle in view.candles] == [START // SECOND]
    assert not rig.view(clock_offset_ns=offset_s * SECOND).candles[-1].closed
    rig.now += 60 * SECOND
    rig.wait(0)
    view = rig.view(clock_offset_ns=offset_s * SECOND)
    assert [candle.closed for candle in view.candles] == [True, False]


def test_resync(rig: Rig) -> None:
    rig.snapshot()
    version = rig.view().version
    rig.truth.state, rig.truth.proof, rig.truth.resyncs = BookState.RESYNCING, Proof.UNVERIFIED, 1
    rig.truth.reason = "checksum \x1b[2Jfailed"
    rig.market.on_truth()
    view = rig.view()
    assert view.version > version
    assert (view.book_state, view.resyncs, view.metrics) == (BookState.RESYNCING, 1, None)
    assert "\x1b" not in view.proof_reason
    assert rig.market.summary().problem == view.proof_reason
    rig.snapshot()
    assert rig.view().proof is Proof.VERIFIED


def test_what_the_feed_knows_is_read_not_kept(rig: Rig) -> None:
    rig.snapshot()
    rig.market.tick(rig.now)
    version = rig.view().version
    rig.truth.witness, rig.truth.trade_gaps, rig.truth.audited_ns, rig.truth.depth = "agrees", 2, START, 500
    rig.market.tick(rig.now)
    view = rig.view()
    assert view.version > version, "a witness that speaks is drawn"
    assert (view.witness, view.trade_gaps, view.audited_ns, view.depth) == ("agrees", 2, START, 500)
    rig.market.truth = None
    view = rig.view()
    assert (view.proof, view.checks_ok, view.depth) == (Proof.CHECKING, 0, 10)


def test_version_stands_still_while_only_ages_change(rig: Rig) -> None:
    rig.snapshot()
    rig.wait(0.5)
    first = rig.view()
    rig.now += SECOND // 10
    second = rig.view()
    assert first.version == second.version
    assert first.bids is second.bids
    assert first.candles is second.candles
    assert first.age_ns != second.age_ns
    rig.update(bids={"98.0": "1.00"})
    assert rig.view().version > second.version


def test_growing_stale_changes_the_version_and_is_told(rig: Rig) -> None:
    rig.snapshot()
    version = rig.view().version
    rig.market.drain()
    rig.wait(6)
    view = rig.view(heartbeat_age_ns=6 * SECOND)
    assert view.version > version
    assert view.stale
    assert [event for event in rig.market.drain() if isinstance(event, Health)] == [view.health]
    rig.view(heartbeat_age_ns=7 * SECOND)
    assert rig.market.drain() == []
    assert rig.market.summary().stale


class TestTrades:
    def test_each_once_and_direction(self, rig: Rig) -> None:
        assert rig.market.on_trades([trade(1), trade(2, 1010)]) == [trade(1), trade(2, 1010)]
        assert rig.market.on_trades([trade(2, 1010), trade(3, 1010)]) == [trade(3, 1010)]
        assert rig.market.on_trades([trade(3, 1010)]) == []
        view = rig.view()
        assert [each.trade_id for each in view.tape] == [3, 2, 1]
        assert (view.last, view.last_direction) == (1010, 1)
        rig.market.on_trades([trade(4, 1000)])
        assert rig.view().last_direction == -1

    def test_snapshot_trades_fill_the_tape_only(self, rig: Rig) -> None:
        rig.market.on_trades([trade(1, live=False), trade(2, live=False)])
        view = rig.view()
        assert len(view.tape) == 2
        assert view.traded == {}

    def test_trades_missed_while_away_count(self, rig: Rig) -> None:
        rig.market.on_trades([trade(1, live=False)])
        rig.market.on_trades([trade(2)])
        rig.market.on_trades([trade(1, live=False), trade(2, live=False), trade(3, live=False), trade(4, live=False)])
        assert rig.view().traded[1000].count == 3

    def test_only_the_channels_first_snapshot_is_history(self, rig: Rig) -> None:
        rig.market.seed_trades([trade(1)])
        rig.market.on_trades([trade(1, live=False), trade(2, live=False)])
        assert rig.view().traded == {}
        rig.market.on_trades([trade(2, live=False), trade(3, live=False)])
        assert rig.view().traded[1000].count == 1

    def test_history_counts_into_nothing(self, rig: Rig) -> None:
        rig.market.on_trades([trade(10, second=30)])
        rig.market.seed_trades([trade(8, 900, second=10), trade(9, 900, second=20), trade(10), trade(11, 5)])
        view = rig.view()
        assert [each.trade_id for each in view.tape] == [10, 9, 8]
        assert [each.live for each in view.tape] == [True, False, False]
        assert (view.last, view.traded[1000].count, 900 in view.traded) == (1000, 1, False)
        assert view.candles[-1].trades == 1
        assert rig.market.on_trades([trade(11)]) == [trade(11)]

    def test_history_first(self, rig: Rig) -> None:
        rig.market.seed_trades([trade(8, 900), trade(9, 905)])
        assert (rig.view().last, rig.view().last_direction) == (905, 1)

    def test_ticker_stands_in_for_the_last_price(self, rig: Rig) -> None:
        rig.market.on_ticker(Ticker(last=1234, change_pct="-0.17"))
        assert rig.view().last == rig.market.summary().last == 1234
        rig.market.on_trades([trade(1)])
        assert rig.view().last == 1000
        assert rig.view().ticker.change_pct == "-0.17"


class TestCandles:
    def test_interval(self, rig: Rig) -> None:
        rig.market.on_trades([trade(1, second=1), trade(2, second=61)])
        rig.now = START + 61 * SECOND
        assert [candle.trades for candle in rig.view().candles] == [1, 1]
        rig.market.set_interval(5)
        view = rig.view()
        assert (view.interval, [candle.trades for candle in view.candles]) == (5, [2])

    def test_events_of_the_interval_shown(self, rig: Rig) -> None:
        rig.market.on_trades([trade(1, second=1)])
        rig.now = START + 59 * SECOND
        rig.wait(1)
        candles = [event.candle for event in rig.market.drain() if isinstance(event, CandleChanged)]
        assert [(candle.interval, candle.closed) for candle in candles] == [(1, True)]

    def test_seed_and_channel(self, rig: Rig) -> None:
        begin_s = START // SECOND
        seed = [
            Candle(begin_s - 60, 1, 9, 9, 9, 9, 9, 81, 1, closed=True),
            Candle(begin_s, 1, 10, 10, 10, 10, 1, 10, 1),
        ]
        rig.market.seed_candles(1, seed)
        assert list(rig.view().candles) == seed
        stated = replace(seed[-1], high=12, close=12, volume=3, turnover=34, trades=2)
        rig.market.on_ohlc(1, [stated], False)
        assert rig.view().candles[-1] == stated


class TestFlow:
    def test_a_pulled_wall_is_shown_and_told(self) -> None:
        rig = Rig(Settings(depth=10, large_order=5.0))
        rig.snapshot()
        rig.market.on_trades([])
        rig.update(bids={"98.0": "5.00"})
        rig.wait(1)
        rig.update(bids={"98.0": "0.00"})
        rig.wait(1)
        view = rig.view()
        assert [(event.kind, event.price, event.qty) for event in view.flow] == [
            (FlowKind.PULLED, 980, 500),
            (FlowKind.WALL, 980, 500),
        ]
        assert view.large_lots == 500
        told = [event for event in rig.market.drain() if isinstance(event, FlowEvent)]
        assert told == list(reversed(view.flow))
        assert not [event for event in rig.market.drain() if isinstance(event, FlowEvent)]

    def test_unproven_changes_make_no_flow(self) -> None:
        rig = Rig(Settings(depth=10, large_order=5.0))
        rig.snapshot()
        rig.update(bids={"98.0": "5.00"}, verified=False)
        rig.wait(1)
        assert rig.view().flow == ()

    @pytest.mark.parametrize("how", ["message", "state"])
    def test_a_book_that_is_lost_before_the_verdict_makes_no_flow(self, how: str) -> None:
        rig = Rig(Settings(depth=10, large_order=5.0))
        rig.snapshot()
        rig.market.on_trades([])
        rig.update(bids={"98.0": "5.00"})
        if how == "message":
            rig.update(bids={"97.0": "1.00"}, verified=False)
            rig.truth.told(verified=True)
        else:
            rig.truth.told(verified=False)
        rig.wait(1)
        assert rig.view().flow == ()
        # Nor does the resynchronised one: what stands in it may have stood there before.
        rig.truth.told(verified=True)
        rig.snapshot()
        rig.update(bids={"98.0": "5.00"})
        rig.wait(1)
        assert [event.kind for event in rig.view().flow] == [FlowKind.WALL]

    def test_events_on_screen_are_in_the_order_of_time(self) -> None:
        rig = Rig()
        for ns in (5, 9, 7, 8, 1):
            rig.market._flow._events.append(FlowEvent("BTC/USD", ns, FlowKind.WALL, Side.BUY, 1, 1))
            rig.wait(0.1)
        assert [event.ns for event in rig.view().flow] == [9, 8, 7, 5, 1]

    def test_a_pair_is_measured_in_money_where_its_quote_is(self) -> None:
        for quote, tiers in (("USD", (10**6, 10**7, 5 * 10**7, 25 * 10**7)), ("BTC", ())):
            rig = Rig(spec=replace(SPEC, quote=quote))
            assert rig.view().tiers == tiers


def test_the_extremes_of_a_second_are_those_of_every_message_in_it(rig: Rig) -> None:
    rig.snapshot()
    rig.wait(1)
    assert [rig.view().samples[-1].narrowest, rig.view().samples[-1].widest] == pytest.approx([49.875] * 2, abs=0.01)
    # For a tenth of a second each the touch is nearer, and farther; both are over when the sample is taken.
    for bids in ({"100.4": "1.00"}, {"100.4": "0", "100.0": "0"}, {"100.0": "1.00"}):
        rig.now += SECOND // 10
        rig.update(bids=bids)
    since = rig.view().spread_range
    assert since == pytest.approx((9.955, 150.376), abs=0.01)
    assert rig.view().widest_spread == pytest.approx(150.376, abs=0.01)
    rig.wait(0.9)
    sample = rig.view().samples[-1]
    assert sample.spread_bps == pytest.approx(49.875, abs=0.01)
    assert (sample.narrowest, sample.widest) == pytest.approx((9.955, 150.376), abs=0.01)
    # What stands when it is taken is where the next second begins.
    rig.wait(1)
    assert rig.view().samples[-1].widest == pytest.approx(49.875, abs=0.01)


def test_an_unproven_book_has_no_part_in_the_extremes(rig: Rig) -> None:
    rig.snapshot()
    rig.wait(1)
    rig.update(bids={"100.0": "0"}, verified=False)
    assert rig.view().spread_range == pytest.approx((49.875, 49.875), abs=0.01)


def test_samples_once_a_second(rig: Rig) -> None:
    rig.snapshot()
    for _ in range(35):
        rig.wait(0.1)
    samples = rig.view().samples
    assert len(samples) == 4
    assert {sample.mid2 for sample in samples} == {2005}
    for _ in range(700):
        rig.wait(1)
    assert len(rig.view().samples) == 600


def test_rates(rig: Rig) -> None:
    rig.snapshot()
    for index in range(100):
        rig.update(bids={"98.0": "1.00"})
        if index % 10 == 0:
            rig.market.on_trades([trade(index)])
        rig.wait(0.1)
    view = rig.view()
    assert view.book_rate == pytest.approx(10, rel=0.1)
    assert view.trade_rate == pytest.approx(1, rel=0.3)


class TestPrecisionChange:
    def test_nothing_is_misread(self, rig: Rig) -> None:
        rig.snapshot()
        rig.market.on_trades([trade(1, 1000), trade(2, 1005)])
        rig.market.on_ticker(Ticker(last=1000))
        rig.wait(1)
        finer = replace(SPEC, price_precision=2)
        rig.market.set_spec(finer)
        view = rig.view()
        assert (view.bids, view.asks, view.metrics, view.samples, view.ticker) == ((), (), None, (), Ticker())
        assert [each.price for each in view.tape] == [10_050, 10_000]
        assert view.last == 10_050
        assert set(view.traded) == {10_000, 10_050}
        assert view.candles[-1].high == 10_050
        rig.truth.book = OrderBook(finer, 10)
        rig.snapshot()
        view = rig.view()
        assert view.bids[0] == (10_000, 100)
        assert view.metrics is not None

    def test_coarser_rounds_and_loses_nothing(self, rig: Rig) -> None:
        rig.market.on_trades([trade(1, 1000), trade(2, 1005)])
        rig.market.set_spec(replace(SPEC, price_precision=0))
        view = rig.view()
        assert [each.price for each in view.tape] == [100, 100]
        assert (view.last, view.candles[-1].high) == (100, 100)
        assert {price: at.count for price, at in view.traded.items()} == {100: 2}

    def test_status_alone_changes_nothing_else(self, rig: Rig) -> None:
        rig.snapshot()
        rig.market.set_spec(replace(SPEC, status="post_only"))
        view = rig.view()
        assert view.venue == "POST-ONLY"
        assert view.health.status is MarketStatus.HALTED
        assert view.metrics is not None


def test_venue_of_the_system_keeps_the_pairs(rig: Rig) -> None:
    rig.market.set_venue("online", "limit_only")
    rig.market.set_venue("online")
    assert rig.view().venue == "LIMIT-ONLY"
    rig.market.set_venue("maintenance")
    assert rig.view().venue == "MAINTENANCE"
