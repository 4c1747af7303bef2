import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kraken_tui.market.events import PLACES, Side, Trade
from kraken_tui.market.trades import Tape, TradedAtPrice
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
