"""What the feed holds of a pair: one object, forgotten as a whole, its counts kept in the totals."""

from __future__ import annotations

import pytest

from kraken_tui.feed.counters import OF_PAIRS, Counters
from kraken_tui.market.events import Proof
from tests.rig.bench import Rig


def test_a_removed_pair_is_forgotten_as_a_whole(up: Rig) -> None:
    pair = up.session.pairs["BTC/USD"]
    pair.granted_ticker("trades")
    pair.granted_book(25)
    pair.interval, pair.disputes = 60, 2
    up.session.unwant("BTC/USD")
    up.run(3)
    assert "BTC/USD" not in up.session.pairs
    up.session.want("BTC/USD")
    up.run(3)
    again = up.session.pairs["BTC/USD"]
    assert again is not pair
    assert (again.trigger, again.depth, again.interval, again.disputes) == ("bbo", 10, 1, 0)
    assert again.proof is Proof.VERIFIED


def test_the_totals_keep_what_a_removed_pair_counted(up: Rig) -> None:
    up.deliver(up.venue.trades("BTC/USD", [150]), up.venue.trades("BTC/USD", [150]))
    counters, pair = up.session.counters, up.session.pairs["BTC/USD"]
    before = {name: getattr(counters, name) for name in OF_PAIRS}
    assert before["checks_ok"] == sum(each.checks_ok for each in up.session.pairs.values())
    assert pair.checks_ok > 0
    assert before["duplicates"] == 1
    assert before["trade_gaps"] == pair.trade_gaps == 50
    up.session.unwant("BTC/USD")
    assert {name: getattr(counters, name) for name in OF_PAIRS} == before
    kept = counters.copy()
    assert {name: getattr(kept, name) for name in OF_PAIRS} == before
    up.run(2)
    assert counters.checks_ok > kept.checks_ok == before["checks_ok"]


def test_every_count_has_a_name() -> None:
    assert all(value == 0 for name, value in Counters().as_dict().items() if name != "ignored")
    assert set(OF_PAIRS) <= set(Counters().as_dict())


@pytest.mark.parametrize("depth", [0, -1, "10", None, True])
def test_a_depth_that_is_none_is_not_granted(up: Rig, depth: object) -> None:
    pair = up.session.pairs["BTC/USD"]
    pair.granted_book(depth)
    assert pair.depth == 10
