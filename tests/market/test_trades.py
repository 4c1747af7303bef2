import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kraken_tui.market.events import PLACES, Print, Side, Trade
from kraken_tui.market.trades import DELTA_S, SessionSums, Tape, TradedAtPrice, continued, print_of
from kraken_tui.market.views import TradedAt
from kraken_tui.wire.symbols import PairSpec

SPEC = PairSpec("A/B", "A", "B", 2, 4)


def trade(trade_id: int, price: int = 100, qty: int = 10, side: Side = Side.BUY) -> Trade:
    return Trade("A/B", side, price, qty, "limit", trade_id, "", trade_id)


def ids(trades: list[Trade] | tuple[Trade, ...]) -> list[int]:
    return [each.trade_id for each in trades]


class TestTape:
    def test_newest_first_and_each_once(self) -> None:
        tape = Tape()
        assert ids(tape.add([trade(5), trade(4), trade(5)])) == [4, 5]
        assert ids(tape.add([trade(4), trade(5), trade(6)])) == [6]
        assert ids(tape.newest_first()) == [6, 5, 4]
        assert tape.add([]) == []
        assert tape.last == 6 * PLACES

    def test_bounded_and_old_ones_stay_known(self) -> None:
        tape = Tape(length=3)
        tape.add([trade(i) for i in range(1, 6)])
        assert ids(tape.newest_first()) == [5, 4, 3]
        assert tape.add([trade(1), trade(2)]) == []
        assert len(tape) == 3

    @given(st.lists(st.lists(st.integers(1, 80), max_size=10), max_size=20))
    def test_every_id_is_new_exactly_once(self, messages: list[list[int]]) -> None:
        tape = Tape()
        seen: list[int] = []
        for message in messages:
            new = ids(tape.add(trade(trade_id) for trade_id in message))
            assert new == sorted(set(message) - set(seen))
            seen += new
        assert ids(tape.newest_first()) == sorted(seen, reverse=True)
        if seen:
            assert tape.last == max(seen) * PLACES

    def test_rescale(self) -> None:
        tape = Tape()
        tape.add([trade(1, price=105), trade(2, price=110), trade(3, price=120)])
        tape.rescale(SPEC, replace(SPEC, price_precision=1))
        assert [(each.trade_id, each.price) for each in tape.newest_first()] == [(3, 12), (2, 11), (1, 10)]
        assert tape.add([trade(1)]) == []
        tape.rescale(replace(SPEC, price_precision=1), replace(SPEC, qty_precision=6))
        assert [(each.price, each.qty) for each in tape.newest_first()] == [(120, 1000), (110, 1000), (100, 1000)]


class TestTradedAtPrice:
    def test_worked_example(self) -> None:
        traded = TradedAtPrice()
        for each in (trade(1, 100, 5), trade(2, 100, 7, Side.SELL), trade(3, 99, 1)):
            traded.add(each)
        assert traded.mapping() == {99: TradedAt(1, 1, 0), 100: TradedAt(2, 5, 7)}

    def test_a_mapping_handed_out_does_not_change(self) -> None:
        traded = TradedAtPrice()
        traded.add(trade(1))
        before = traded.mapping()
        assert traded.mapping() is before
        traded.add(trade(2))
        assert before == {100: TradedAt(1, 10, 0)}
        with pytest.raises(TypeError):
            before[1] = TradedAt(0, 0, 0)  # type: ignore[index]

    def test_far_prices_are_forgotten_first(self) -> None:
        traded = TradedAtPrice(prices=3)
        for trade_id, price in enumerate((100, 200, 101, 102)):
            traded.add(trade(trade_id, price))
        assert list(traded.mapping()) == [100, 101, 102]
        traded.add(trade(9, 500))
        assert list(traded.mapping()) == [101, 102, 500]

    @given(st.lists(st.integers(1, 1000), max_size=100), st.integers(1, 20))
    def test_bounded_and_the_latest_stays(self, prices: list[int], limit: int) -> None:
        traded = TradedAtPrice(prices=limit)
        for trade_id, price in enumerate(prices):
            traded.add(trade(trade_id, price))
            assert len(traded) <= limit
            if limit > 1:
                assert price in traded.mapping()

    def test_rescale(self) -> None:
        traded = TradedAtPrice()
        traded.add(trade(1, 105))
        traded.add(trade(2, 110))
        traded.add(trade(3, 111))
        traded.rescale(SPEC, replace(SPEC, price_precision=1, qty_precision=3))
        assert traded.mapping() == {10: TradedAt(1, 1, 0), 11: TradedAt(2, 2, 0)}


def fill(
    trade_id: int, price: int = 100, qty: int = 10, side: Side = Side.BUY, ns: int = 0, live: bool = True
) -> Trade:
    return replace(trade(trade_id, price, qty, side), venue_ns=ns, live=live)


class TestPrints:
    def test_fills_of_one_order_are_one_print(self) -> None:
        tape = Tape()
        tape.add([fill(1, 100, 5), fill(2, 100, 7), fill(3, 102, 1)])
        value = 100 * 12 + 102
        assert tape.prints() == (Print(Side.BUY, 0, PLACES, 100, 102, 13, value, 3, 2),)
        assert tape.prints()[0].average == value / 13

    @pytest.mark.parametrize(
        "other",
        [
            fill(2, 100, side=Side.SELL),
            fill(2, 99),  # a buy does not get cheaper as it goes
            fill(2, 100, ns=1),
            fill(2, 100, live=False),
        ],
    )
    def test_another_order(self, other: Trade) -> None:
        assert continued(print_of(fill(1)), other) is None
        tape = Tape()
        tape.add([fill(1), other])
        assert len(tape.prints()) == 2

    def test_a_sell_goes_down(self) -> None:
        run = continued(print_of(fill(1, 100, side=Side.SELL)), fill(2, 98, side=Side.SELL))
        assert run is not None
        assert (run.first, run.last, run.levels, run.count) == (100, 98, 2, 2)

    @given(st.lists(st.tuples(st.integers(1, 60), st.integers(0, 3), st.sampled_from(Side), st.integers(1, 4)),
                    max_size=60), st.integers(1, 40))  # fmt: skip
    def test_however_they_arrive_they_are_the_same(self, rows: list[tuple[int, int, Side, int]], length: int) -> None:
        """Prints hold every kept trade exactly once, whether trades came one by one, late or all at once."""
        trades = [fill(number, price, 1, side, ns) for number, ns, side, price in rows]
        tape = Tape(length)
        for each in trades:
            tape.add([each])
        prints = tape.prints()
        kept = tape.newest_first()
        whole = Tape(1000)
        whole.add(kept)
        assert sum(each.count for each in whole.prints()) == len(kept)
        assert sum(each.turnover for each in whole.prints()) == sum(each.price * each.qty for each in kept)
        if len(kept) < length:
            assert prints == whole.prints()
        positions = [each.position for each in prints]
        assert positions == sorted(positions, reverse=True)

    def test_a_print_keeps_its_place_while_it_grows(self) -> None:
        tape = Tape()
        tape.add([fill(1, ns=1), fill(2, ns=2)])
        before = tape.prints()
        tape.add([fill(3, 101, ns=2)])
        after = tape.prints()
        assert len(after) == 2
        assert after[1] is before[1]
        assert (after[0].position, after[0].count) == (before[0].position, 2)

    def test_larger_prints_outlive_the_tape(self) -> None:
        tape = Tape(length=5)
        tape.outlives = 1000
        for number in range(100):
            tape.add([fill(number, 100, 10 if number % 10 == 0 else 1, ns=number)])
        positions = [each.position // PLACES for each in tape.prints()]
        assert positions == [99, 98, 97, 96, 95, 90, 80, 70, 60, 50, 40, 30, 20, 10, 0]
        assert ids(tape.newest_first()) == [99, 98, 97, 96, 95]
        tape.rescale(SPEC, replace(SPEC, qty_precision=6))
        assert [each.position // PLACES for each in tape.prints()] == [99, 98, 97, 96, 95]


class TestSession:
    def test_worked_example(self) -> None:
        sums = SessionSums()
        assert sums.session() is None
        second = 10**9
        for each in (
            fill(1, 100, 5, ns=second),
            fill(2, 101, 5, ns=second),
            fill(3, 99, 4, Side.SELL, ns=3 * second),
        ):
            sums.add(each)
        session = sums.session()
        assert session is not None
        assert (session.since_ns, session.trades, session.prints) == (second, 3, 2)
        assert (session.bought, session.sold, session.cvd) == (10, 4, 6)
        assert (session.bought_for, session.sold_for) == (1005, 396)
        assert session.vwap == (1005 + 396) / 14
        assert session.largest is not None
        assert session.largest.turnover == 1005
        assert session.recent == 1005 - 396
        assert sums.session() is session

    def test_the_delta_of_the_last_minute(self) -> None:
        sums = SessionSums()
        for second in range(200):
            sums.add(fill(second, 10, 1, Side.BUY if second % 3 else Side.SELL, ns=second * 10**9))
            sums.roll(second * 10**9)
            expected = sum(10 if at % 3 else -10 for at in range(max(0, second - DELTA_S + 1), second + 1))
            session = sums.session()
            assert session is not None
            assert session.recent == expected
        assert sums.roll(10**12)
        assert not sums.roll(10**12)
        session = sums.session()
        assert session is not None
        assert session.recent == 0
        assert session.trades == 200
