"""The table of events: what a program asks for, what it gets, and that no price in it can be mistaken."""

from __future__ import annotations

import json
import pickle
import re
from decimal import Decimal
from pathlib import Path
from typing import Any, get_type_hints

import msgspec
import pytest

import kraken_tui
from kraken_tui import (
    Book,
    BookLine,
    Candle,
    CandleChanged,
    ChecksumMismatch,
    ConfigurationError,
    KrakenClient,
    KrakenError,
    Latency,
    PairSpec,
    Quote,
    SpecChanged,
    StateChanged,
    Ticker,
    Trade,
)
from kraken_tui.client.events import ALL, EVENTS, internal_types, public
from kraken_tui.engine.events import PRICED, Priced

UNITS = ("_ns", "_s", "_ms", "_bps", "_precision", "_ticks", "_lots")
"""Endings that say what a plain number counts."""

PLAIN = re.findall(
    r"\w+",
    """
    ns ticks lots
    ask_levels bid_levels book_depth level
    applied attempt bytes callback_errors checks_failed checks_ok checksum coalesced count covered_levels depth dropped
    duplicates expected actual fills frames held_back ignored interval last_direction left_out levels lost messages
    offered orders_ahead reconnects rejected resyncs sent sequence trade_gaps trade_id trades userref waiting
    waiting_bytes
    book_rate imbalance pressure p50 p90 p99 p999 worst retry_after speed trade_rate
    """,
)
"""Names of plain numbers that are counts, shares, rates, or milliseconds of latency."""

STRUCTS = [
    value
    for name in kraken_tui.__all__
    if isinstance(value := getattr(kraken_tui, name), type) and issubclass(value, msgspec.Struct)
]


@pytest.mark.parametrize("kind", STRUCTS, ids=lambda kind: kind.__name__)
def test_a_plain_number_of_a_public_value_is_no_price_or_its_name_says_ticks(kind: type[msgspec.Struct]) -> None:
    hints = get_type_hints(kind)
    for name in kind.__struct_fields__:
        words = str(hints[name])
        if hints[name] in (int, float) or "int" in words or "float" in words:
            assert name.endswith(UNITS) or name in PLAIN, f"{kind.__name__}.{name} is {words}"
            assert name != "worst" or kind is Latency


def test_every_event_and_what_it_holds_is_exported() -> None:
    for event in EVENTS:
        for kind in (event.public, *event.holds):
            assert getattr(kraken_tui, kind.__name__) is kind
    assert len(ALL) == len({event.public for event in EVENTS}) == len(set(ALL))


def test_what_counts_in_ticks_never_leaves_without_its_precisions() -> None:
    carried = {event.internal for event in EVENTS if issubclass(event.internal, Priced)}
    assert carried == set(PRICED.values())
    assert not set(PRICED) & set(ALL)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (Book, "Book is not one; ask for BookLine"),
        (Quote, "Quote is not one; ask for BookLine"),
        (PairSpec, "PairSpec is not one; ask for SpecChanged"),
        (Candle, "Candle is not one; ask for CandleChanged"),
        (Ticker, "Ticker is not one; ask for TickerChanged"),
        (int, "int is not one, nor is any event of that type"),
    ],
)
def test_what_is_not_an_event_is_refused_with_the_one_that_was_meant(wanted: type, words: str) -> None:
    client = KrakenClient("BTC/USD", demo=True)
    for use in (lambda: client.events(wanted), lambda: client.on(wanted, print)):
        with pytest.raises(ConfigurationError, match=words):
            use()


def test_a_base_of_events_takes_all_of_them_and_errors_come_only_when_asked_for() -> None:
    assert set(internal_types("events", [object])) == {*ALL, KrakenError}
    assert internal_types("events", [ChecksumMismatch]) == (ChecksumMismatch,)
    assert set(internal_types("events", [msgspec.Struct])) == set(ALL)
    assert internal_types("events", [Trade, StateChanged])[1] is StateChanged
    assert public(None) is None


def test_every_event_of_a_recording_is_public_becomes_json_and_can_be_pickled(small: Path) -> None:
    kinds = {event.public for event in EVENTS}
    with KrakenClient("BTC/USD", replay=small) as client:
        events: list[Any] = list(client.events(object))
    assert {BookLine, Trade, CandleChanged, SpecChanged, StateChanged} <= {type(event) for event in events} <= kinds
    for event in events:
        json.dumps(event.to_dict())
        assert pickle.loads(pickle.dumps(event)) == event
        assert hash(event) == hash(pickle.loads(pickle.dumps(event)))
    trade = next(event for event in events if isinstance(event, Trade))
    assert (trade.price, trade.price_ticks, trade.qty, trade.qty_lots) == (
        Decimal("100.1"),
        1001,
        Decimal("0.5"),
        50_000_000,
    )


def test_callbacks_get_the_same_values_as_streams(small: Path) -> None:
    client = KrakenClient("BTC/USD", replay=small)
    stream, called = client.events(Trade, CandleChanged), []
    client.on((Trade, CandleChanged), called.append)
    with client:
        taken = list(stream)
    assert len(taken) >= 200
    assert called == taken
