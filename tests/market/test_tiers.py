from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from kraken_tui.market.events import Side, Trade
from kraken_tui.market.tiers import TapeTiers, automatic_tiers, money_value
from kraken_tui.market.trades import Tape
from kraken_tui.wire.symbols import PairSpec

DOLLARS = PairSpec("A/USD", "A", "USD", 1, 2)
COINS = PairSpec("A/BTC", "A", "BTC", 1, 2)


def test_money() -> None:
    assert money_value(1000.5, DOLLARS) == 1_000_500
    assert money_value(1000.5, COINS) == 0


def test_tiers_of_a_quote_that_is_money_are_those_of_the_settings() -> None:
    tape = Tape()
    tiers = TapeTiers((1.0, 2.0, 3.0, 4.0), tape)
    assert tiers.values == ()
    tiers.set_spec(DOLLARS)
    tiers.learn()
    assert tiers.values == (1000, 2000, 3000, 4000)
    assert tape.outlives == 2000


def test_tiers_of_another_quote_are_the_pairs_own() -> None:
    tape = Tape()
    tiers = TapeTiers((1.0, 2.0, 3.0, 4.0), tape)
    tiers.set_spec(COINS)
    tiers.learn()
    assert (tiers.values, tape.outlives) == ((), None)
    tape.add([Trade("A/BTC", Side.BUY, 1, number + 1, "market", number, "", number) for number in range(1000)])
    tiers.learn()
    assert tiers.values == (500, 1000, 2000, 4000)
    assert tape.outlives == 1000
    tiers.set_spec(COINS)
    assert (tiers.values, tape.outlives) == ((), None)


class TestTiers:
    def test_by_the_pairs_own_prints(self) -> None:
        assert automatic_tiers(range(1, 20)) == ()
        assert automatic_tiers(range(1, 1001)) == (500, 1000, 2000, 4000)
        assert automatic_tiers([*[10] * 900, *[100] * 80, *[1000] * 15, *[5000] * 5]) == (10, 100, 1000, 5000)

    def test_stand_still(self) -> None:
        tiers = (10, 100, 1000, 5000)
        assert automatic_tiers([*[12] * 900, *[120] * 80, *[900] * 15, *[4000] * 5], tiers) == tiers
        assert automatic_tiers([], tiers) == tiers

    @given(st.lists(st.integers(1, 10**20), min_size=20, max_size=200))
    def test_ascend(self, values: list[int]) -> None:
        tiers = automatic_tiers(values)
        assert len(tiers) == 4
        assert all(2 * lower <= upper for lower, upper in pairwise(tiers))
