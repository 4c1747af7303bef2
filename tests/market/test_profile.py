"""Volume at price."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kraken_tui.market.events import Side, Trade
from kraken_tui.market.profile import VALUE_AREA, profile_of, volume_of


def test_point_of_control_and_value_area() -> None:
    profile = profile_of({10: 1, 11: 5, 12: 20, 13: 9, 14: 2, 20: 3})
    assert profile is not None
    assert (profile.poc, profile.total) == (12, 40)
    # 20, then 9 above: 29 of 40 are more than 70 %.
    assert (profile.val, profile.vah) == (12, 13)


def test_equal_neighbours_both_count_and_gaps_are_crossed() -> None:
    profile = profile_of({10: 3, 11: 4, 12: 3})
    assert profile is not None
    assert (profile.poc, profile.val, profile.vah) == (11, 10, 12)
    profile = profile_of({10: 6, 15: 5})
    assert profile is not None
    assert (profile.poc, profile.val, profile.vah) == (10, 10, 15)


def test_nothing_traded_has_no_profile() -> None:
    assert profile_of({}) is None
    assert profile_of({5: 0}) is None


@given(st.dictionaries(st.integers(-30, 30), st.integers(0, 50), max_size=25))
def test_the_value_area_holds_its_part_and_not_much_more(volume: dict[int, int]) -> None:
    profile = profile_of(volume)
    if profile is None:
        assert not any(volume.values())
        return
    inside = sum(lots for bucket, lots in volume.items() if profile.val <= bucket <= profile.vah)
    assert inside >= VALUE_AREA * profile.total
    assert profile.val <= profile.poc <= profile.vah
    assert volume[profile.poc] == max(volume.values())
    edges = volume.get(profile.val, 0) + volume.get(profile.vah, 0)
    if profile.val < profile.poc < profile.vah:
        assert inside - edges < VALUE_AREA * profile.total


def test_the_volume_of_trades_lies_where_their_liquidity_lay() -> None:
    def trade(side: Side, price: int, qty: int, *, live: bool = True) -> Trade:
        return Trade("A/USD", side, price, qty, "market", price, "t", 1, live)

    trades = [
        trade(Side.BUY, 11, 3),
        trade(Side.SELL, 19, 5),
        trade(Side.BUY, 10, 7),
        trade(Side.SELL, 12, 1, live=False),
    ]
    # Buyers take asks, which are rounded up; sellers bids, which are rounded down.
    assert volume_of(trades, 10) == {2: 3, 1: 5 + 7}
    assert volume_of(trades, 1) == {11: 3, 19: 5, 10: 7}
