"""What a key may do, and when that is too much."""

from __future__ import annotations

import pytest

from kraken_tui.keys.rights import USED, USELESS, WITHDRAWING, judge
from tests.reference.private_vectors import KEY_INFO_STRONG, KEY_INFO_VIEW

VIEW = KEY_INFO_VIEW["result"]["permissions"]
STRONG = KEY_INFO_STRONG["result"]["permissions"]


def test_a_key_to_look_with_is_fine_as_it_is() -> None:
    rights = judge(VIEW)
    assert (rights.refused, rights.warnings) == ("", ())
    assert rights.can_connect
    assert rights.can_see_orders
    assert rights.can_see_past
    assert rights.can_see_funds
    assert not rights.can_trade
    assert not rights.can_cancel


@pytest.mark.parametrize("right", WITHDRAWING)
def test_a_key_that_may_withdraw_is_refused_unless_a_setting_says_otherwise(right: str) -> None:
    rights = judge([*VIEW, right])
    assert rights.refused.startswith(f"this key may {WITHDRAWING[right]}, so it is not used")
    taken = judge([*VIEW, right], allow_withdraw=True)
    assert taken.refused == ""
    assert "can take all the money" in taken.warnings[0]


def test_the_documented_key_that_is_too_strong_is_refused_and_told_what_is_spare() -> None:
    rights = judge(STRONG)
    assert "withdraw money" in rights.refused
    for words in ("make deposit addresses", "place and change orders", "cancel orders"):
        assert any(words in warning for warning in rights.warnings)
    traded = judge(STRONG, trade=True)
    assert any("make deposit addresses" in warning for warning in traded.warnings)
    assert not any("place and change orders" in warning for warning in traded.warnings)
    assert traded.can_trade


def test_what_is_missing_and_what_is_unknown_is_said() -> None:
    bare = judge(["create-ws-token"])
    assert bare.warnings == ("this key may not see open orders, see closed orders and trades and see balances",)
    assert judge([]).warnings[0].startswith('this key lacks the right "Access WebSockets API"')
    assert "query-tea" in judge([*VIEW, "query-tea"]).warnings[0]
    missing = judge(VIEW, trade=True).warnings
    assert missing == ("this key may not place and change orders and cancel orders",)


def test_either_right_is_enough_to_cancel() -> None:
    assert judge([*VIEW, "close-trades"]).can_cancel
    assert judge([*VIEW, "modify-trades"]).can_cancel
    assert not judge([*VIEW, "modify-trades"]).can_trade


def test_no_right_is_in_two_tables() -> None:
    assert len({*USED, *WITHDRAWING, *USELESS}) == len(USED) + len(WITHDRAWING) + len(USELESS)
