"""A channel is one file and one row: this module is the file of a made-up one, and `channels.add` is its row.

Nothing else of the program knows the name, and yet it is subscribed, acknowledged, decoded, delivered and left.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from kraken_tui.engine.desk import Desk
from kraken_tui.feed import channels
from kraken_tui.feed.channels.channel import Channel, MarketDesk
from kraken_tui.feed.effect import Effect
from kraken_tui.feed.events import Refused
from kraken_tui.feed.pair import Pair
from kraken_tui.feed.roster import PairOptions, Roster
from kraken_tui.feed.session import Session
from kraken_tui.settings import Settings
from kraken_tui.units import SECOND
from kraken_tui.wire import decode as wire
from kraken_tui.wire.messages import Kind, SubscribeAck

# -- the file of the channel -----------------------------------------------------------------------------------------


class FundingData(msgspec.Struct, gc=False):
    symbol: str
    rate: str


class FundingMessage(msgspec.Struct, tag_field="channel", tag="funding", gc=False):
    type: Kind
    data: list[FundingData]


class FundingChanged(msgspec.Struct, frozen=True, gc=False):
    symbol: str
    rate: str


def apply(message: FundingMessage, roster: Roster, _now: int, _wall_ns: int) -> Effect:
    effect = Effect("funding of an unwanted pair")
    for row in message.data:
        if row.symbol in roster.pairs:
            effect.add(Effect(events=[FundingChanged(row.symbol, row.rate)]))
            effect.settle |= roster.policy.heard("funding", row.symbol)
    return effect


def subscribe(pair: Pair | None, options: PairOptions) -> dict[str, object]:
    return {"window": options.interval * 5, "snapshot": True}


def by_rows(kind: Kind, data: Any) -> FundingMessage | None:
    rows = [FundingData(row["symbol"], str(row["rate"])) for row in data if "rate" in row]
    return FundingMessage(kind, rows) if rows else None


def deliver(event: FundingChanged, desk: MarketDesk) -> None:
    assert desk.market(event.symbol).symbol == event.symbol
    desk.emit(event)


# -- its test --------------------------------------------------------------------------------------------------------


@pytest.fixture
def granted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What the exchange granted the channel, once its row stands in the table."""
    seen: list[str] = []
    monkeypatch.setattr(channels, "CHANNELS", channels.CHANNELS)
    before = dict(channels.CHANNELS)
    fresh = wire.Channels()
    for name, message in wire.PUBLIC.types.items():
        fresh.add(message, wire.PUBLIC.by_rows.get(name))
    monkeypatch.setattr(wire, "PUBLIC", fresh)

    def note(pair: Pair, ack: SubscribeAck) -> None:
        seen.append(f"{pair.symbol} {ack.result['window']}")

    channels.add(
        Channel(
            name="funding",
            message=FundingMessage,
            apply=apply,
            by_rows=by_rows,
            subscribe=subscribe,
            repeats=frozenset({"window"}),
            granted=note,
            deliver={FundingChanged: deliver},
        )
    )
    yield seen
    channels.CHANNELS.clear()
    channels.CHANNELS.update(before)


class Line:
    """A session at an exchange of one pair that grants whatever it is asked, and a desk behind it."""

    def __init__(self, refused: str = "") -> None:
        self.now = SECOND
        self.refused = refused
        self.told: list[object] = []
        self.requests: list[dict[str, Any]] = []
        self.session = Session(interval=1)
        self.desk = Desk(self.session, Settings(pairs=("BTC/USD",)), self.told.append, lambda *_: None)
        self.desk.add("BTC/USD")
        self.session.want("BTC/USD")
        self.session.dialling(self.now, self.now)
        self.session.opened(self.now, self.now)
        self.run()

    def run(self) -> None:
        for _ in range(5):
            for text in self.session.take_sends():
                self._answer(json.loads(text))
            self.now += SECOND
            self.session.tick(self.now, self.now)
            for event in self.session.take_events():
                self.desk.handle(event)

    def _answer(self, request: dict[str, Any]) -> None:
        self.requests.append(request)
        if request["method"] not in ("subscribe", "unsubscribe"):
            return
        params = request["params"]
        for symbol in params.get("symbol", [None]):
            if params["channel"] == self.refused:
                refusal = {"success": False, "error": "not offered", "symbol": symbol, "req_id": request["req_id"]}
                self.frame({"method": request["method"], **refusal})
                continue
            result = {**params, "symbol": symbol}
            if symbol is None:
                del result["symbol"]
            self.frame({"method": request["method"], "success": True, "result": result, "req_id": request["req_id"]})
        if params["channel"] == "instrument":
            pair = {"symbol": "BTC/USD", "base": "BTC", "quote": "USD", "status": "online"}
            pair |= {"price_precision": 1, "qty_precision": 8}
            self.frame({"channel": "instrument", "type": "snapshot", "data": {"assets": [], "pairs": [pair]}})

    def frame(self, fields: dict[str, Any]) -> None:
        self.session.frame(json.dumps(fields), self.now, self.now)

    def asked(self, method: str) -> list[dict[str, Any]]:
        of = [request["params"] for request in self.requests if request["method"] == method]
        return [params for params in of if params["channel"] == "funding"]

    def told_of(self, kind: type) -> list[Any]:
        return [event for event in self.told if isinstance(event, kind)]


def test_it_is_subscribed_and_its_grant_is_heard(granted: list[str]) -> None:
    line = Line()
    assert line.asked("subscribe") == [{"channel": "funding", "symbol": ["BTC/USD"], "window": 5, "snapshot": True}]
    assert granted == ["BTC/USD 5"]
    subscription = line.session.subscriptions.get("funding", "BTC/USD")
    assert subscription is not None
    assert subscription.status.name == "CONFIRMED"


def test_its_data_reach_a_listener(granted: list[str]) -> None:
    line = Line()
    row = {"symbol": "BTC/USD", "rate": "0.01"}
    line.frame({"channel": "funding", "type": "update", "data": [row, {"symbol": "ETH/USD", "rate": "0.02"}]})
    # The struct wants text: read row by row, one without a rate left out.
    line.frame({"channel": "funding", "type": "update", "data": [{**row, "rate": 7}, {"symbol": "BTC/USD"}]})
    line.run()
    assert line.told_of(FundingChanged) == [FundingChanged("BTC/USD", "0.01"), FundingChanged("BTC/USD", "7")]


def test_a_frame_that_cannot_be_read_is_left_out(granted: list[str]) -> None:
    line = Line()
    line.frame({"channel": "funding", "type": "update", "data": [{"symbol": "BTC/USD"}]})
    assert line.session.counters.invalid == 1
    assert line.session.state.name in ("SUBSCRIBING", "SUBSCRIBED", "RESYNCING", "DEGRADED"), (
        "not a reason to reconnect"
    )


def test_leaving_repeats_its_parameters_and_forgets_the_pair(granted: list[str]) -> None:
    line = Line()
    line.session.unwant("BTC/USD", line.now, line.now)
    line.run()
    assert line.asked("unsubscribe") == [{"channel": "funding", "symbol": ["BTC/USD"], "window": 5}]
    assert line.session.subscriptions.get("funding", "BTC/USD") is None
    line.frame({"channel": "funding", "type": "update", "data": [{"symbol": "BTC/USD", "rate": "0.03"}]})
    assert line.session.counters.ignored["funding of an unwanted pair"] == 1


def test_its_refusal_is_told(granted: list[str]) -> None:
    line = Line(refused="funding")
    assert [(event.symbol, event.channel, event.error) for event in line.told_of(Refused)] == [
        ("BTC/USD", "funding", "not offered")
    ]
    assert granted == []


def test_programs_may_choose_it(granted: list[str]) -> None:
    assert channels.pair_channels() == ("book", "trade", "ticker", "ohlc", "funding")


def test_without_its_row_it_is_unknown() -> None:
    line = Line()
    assert line.asked("subscribe") == []
    line.frame({"channel": "funding", "type": "update", "data": []})
    assert line.session.counters.ignored["unknown: funding"] == 1
