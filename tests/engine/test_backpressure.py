"""Numbers of a listener's queue at the edges of their ranges, and which events are merged under which key."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from kraken_tui.engine.backpressure import (
    MAX_COALESCE_MS,
    MAX_QUEUE,
    MAX_RATE,
    PRESETS,
    Backpressure,
    DropPolicy,
    adjusted,
    barrier_key,
    coalescing_key,
    drop_policy,
    merged,
    preset,
)
from kraken_tui.engine.events import BookLine, Priced
from kraken_tui.errors import ConfigurationError
from kraken_tui.feed.events import TickerChanged
from kraken_tui.market.events import Candle, CandleChanged, Health, MarketStatus
from kraken_tui.market.views import Ticker
from tests.engine.test_listeners import SPEC, book, trade, unproven


def test_the_usual_is_five_hundred_events_and_the_oldest_goes() -> None:
    assert Backpressure() == Backpressure(500, DropPolicy.OLDEST, 0.0, 0.0)
    assert (MAX_QUEUE, MAX_COALESCE_MS, MAX_RATE) == (10_000_000, 60_000.0, 10_000_000.0)


@pytest.mark.parametrize(
    "right",
    [
        {"queue": 1}, {"queue": 10_000_000}, {"coalesce_ms": 0}, {"coalesce_ms": 60_000}, {"coalesce_ms": 0.5},
        {"rate": 0}, {"rate": 10_000_000}, {"rate": 0.25},
    ],
)  # fmt: skip
def test_numbers_at_the_edge_are_taken(right: dict[str, float]) -> None:
    made = Backpressure(**right)  # type: ignore[arg-type]
    assert adjusted(Backpressure(), **right) == made  # type: ignore[arg-type]
    assert {name: getattr(made, name) for name in right} == right


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"queue": 0}, "queue takes 1 to 10,000,000 events"),
        ({"queue": 10_000_001}, "queue takes 1 to 10,000,000 events"),
        ({"queue": True}, "queue takes 1 to 10,000,000 events"),
        ({"queue": 5.0}, "queue takes 1 to 10,000,000 events"),
        ({"coalesce_ms": -0.1}, "coalesce_ms takes 0 to 60000 milliseconds"),
        ({"coalesce_ms": 60_000.1}, "coalesce_ms takes 0 to 60000 milliseconds"),
        ({"coalesce_ms": True}, "coalesce_ms takes 0 to 60000 milliseconds"),
        ({"coalesce_ms": "5"}, "coalesce_ms takes 0 to 60000 milliseconds"),
        ({"rate": -1}, "rate takes 0 to 1e+07 events a second, 0 for no limit"),
        ({"rate": 10_000_001}, "rate takes 0 to 1e+07 events a second, 0 for no limit"),
        ({"rate": float("nan")}, "rate takes 0 to 1e+07 events a second, 0 for no limit"),
    ],
)
def test_numbers_beyond_it_are_not(wrong: dict[str, object], sentence: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Backpressure(**wrong)  # type: ignore[arg-type]
    assert str(caught.value) == sentence


def test_what_is_not_given_stays() -> None:
    base = Backpressure(7, DropPolicy.COALESCE, 3.0, 9.0)
    assert adjusted(base) == base
    for given in ({"queue": 8}, {"policy": DropPolicy.NEWEST}, {"coalesce_ms": 4.0}, {"rate": 10.0}):
        assert adjusted(base, **given) == replace(base, **given)  # type: ignore[arg-type]
    assert adjusted(base, coalesce_ms=0, rate=0) == Backpressure(7, DropPolicy.COALESCE, 0, 0)


def test_presets_by_name_and_number() -> None:
    for number, name in enumerate(("single", "multi", "aggregator"), 1):
        assert preset(name) is preset(number) is PRESETS[name]
    for wrong in (0, 4, -1, "1", "", True):
        with pytest.raises(ConfigurationError, match="preset takes single, multi, aggregator, or 1 to 3"):
            preset(wrong)


def test_policies_by_name() -> None:
    for name, policy in (("oldest", DropPolicy.OLDEST), ("Newest", DropPolicy.NEWEST), ("LATEST", DropPolicy.NEWEST),
                         ("coalesce", DropPolicy.COALESCE)):  # fmt: skip
        assert drop_policy(name) is policy
    with pytest.raises(ConfigurationError, match="policy takes"):
        drop_policy("random")


CANDLE = CandleChanged("A/USD", Candle(60, 1, 1, 1, 1, 1, 1, 1, 1))
HEALTH = Health("A/USD", MarketStatus.ACTIVE, "", 1)


def test_states_have_keys_of_their_pair_and_kind_and_facts_have_none() -> None:
    ticker = TickerChanged("A/USD", Ticker())
    keys = [
        coalescing_key(event)
        for event in (
            book("A/USD", 1), book("B/USD", 1), CANDLE, ticker, HEALTH,
            msgspec.structs.replace(CANDLE, candle=msgspec.structs.replace(CANDLE.candle, interval=5)),
            msgspec.structs.replace(CANDLE, candle=msgspec.structs.replace(CANDLE.candle, begin_s=120)),
        )
    ]  # fmt: skip
    assert None not in keys
    assert len(set(keys)) == len(keys)
    closed = msgspec.structs.replace(CANDLE, candle=msgspec.structs.replace(CANDLE.candle, closed=True))
    for fact in (closed, trade("A/USD", 1), unproven("A/USD"), object()):
        assert coalescing_key(fact) is None
    assert coalescing_key(Priced(CANDLE, SPEC)) == coalescing_key(CANDLE)


def test_only_the_loss_of_a_proof_ends_merging_and_only_that_of_its_book() -> None:
    assert barrier_key(unproven("A/USD")) == coalescing_key(book("A/USD", 1))
    assert barrier_key(trade("A/USD", 1)) is None


def test_a_book_that_replaces_another_loses_its_changes_and_nothing_else() -> None:
    newer = book("A/USD", 5)
    found = merged(newer)
    assert isinstance(found, BookLine)
    assert found.changed.changes == ()
    assert msgspec.structs.replace(found, changed=newer.changed) == newer
    assert merged(found) is found
    assert merged(HEALTH) is HEALTH
