"""The public REST answers, by the shapes of PROTOCOL.md section 10.1."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from kraken_tui.exchange import PAIRS, Venue
from kraken_tui.exchange.rest import Rest

from .reference import SECOND, START_NS, Client, Clock, channel


@pytest.fixture
def rest() -> Rest:
    return Rest(Venue(clock=Clock()))


def result(rest: Rest, target: str) -> Any:
    envelope = json.loads(rest.answer(f"/0/public/{target}"))
    assert envelope["error"] == []
    return envelope["result"]


@pytest.mark.parametrize(
    ("target", "error"),
    [
        ("OHLC?pair=NOPE", "EQuery:Unknown asset pair"),
        ("Ticker?pair=XBTUSD,NOPE", "EQuery:Unknown asset pair"),
        ("Assets?asset=NOPE", "EQuery:Unknown asset"),
        ("OHLC?pair=XBTUSD&interval=7", "EGeneral:Invalid arguments:interval"),
        ("OHLC?pair=XBTUSD&interval=-1", "EGeneral:Invalid arguments:interval"),
        ("Depth?pair=XBTUSD&count=501", "EGeneral:Invalid arguments:count"),
        ("Trades?pair=XBTUSD&since=x", "EGeneral:Invalid arguments:since"),
        ("Trades?pair=XBTUSD&since=1e999", "EGeneral:Invalid arguments:since"),
        ("OHLC", "EGeneral:Invalid arguments"),
        ("Spread", "EGeneral:Invalid arguments"),
        ("Spread?pair=NOPE", "EQuery:Unknown asset pair"),
        ("Spread?pair=XBTUSD&since=x", "EGeneral:Invalid arguments:since"),
        ("GroupedBook?pair=NOPE", "EQuery:Unknown asset pair"),
        ("GroupedBook?pair=XBTUSD&depth=11", "EGeneral:Invalid arguments:depth"),
        ("GroupedBook?pair=XBTUSD&grouping=2", "EGeneral:Invalid arguments:grouping"),
        ("Nonsense", "EGeneral:Unknown method"),
    ],
)
def test_errors(rest: Rest, target: str, error: str) -> None:
    assert json.loads(rest.answer(f"/0/public/{target}")) == {"error": [error], "result": None}


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("XBTUSD", "XXBTZUSD"),
        ("XXBTZUSD", "XXBTZUSD"),
        ("BTCUSD", "XXBTZUSD"),
        ("BTC/USD", "BTC/USD"),
        ("XBT/USD", "XBT/USD"),
        ("XDGUSD", "XDGUSD"),
        ("MINAGBP", "MINAGBP"),
    ],
)
def test_result_keys(rest: Rest, name: str, key: str) -> None:
    assert set(result(rest, f"OHLC?pair={name}")) == {key, "last"}


def test_time_and_status(rest: Rest) -> None:
    assert result(rest, "Time") == {
        "unixtime": START_NS // SECOND,
        "rfc1123": "Mon, 21 Sep 26 14:13:27 +0000",
    }
    assert result(rest, "SystemStatus") == {"status": "online", "timestamp": "2026-09-21T14:13:27Z"}


@pytest.mark.parametrize("interval", [1, 5, 15, 30, 60, 240, 1440])
@pytest.mark.parametrize("pair", ["XBTUSD", "MINAGBP"])
def test_ohlc(rest: Rest, pair: str, interval: int) -> None:
    answer = result(rest, f"OHLC?pair={pair}&interval={interval}")
    last = answer.pop("last")
    [rows] = answer.values()
    assert len(rows) == 721
    assert last == rows[-2][0]
    times = [row[0] for row in rows]
    assert times == list(range(times[0], times[0] + 721 * interval * 60, interval * 60))
    assert times[-1] <= START_NS // SECOND < times[-1] + interval * 60
    spec = next(s for s in PAIRS.values() if s.altname == pair)
    for _, o, h, low, c, vwap, volume, count in rows:
        assert Decimal(low) <= min(Decimal(o), Decimal(c)) <= max(Decimal(o), Decimal(c)) <= Decimal(h)
        assert len(o.partition(".")[2]) == spec.price_precision
        assert len(volume.partition(".")[2]) == spec.qty_precision
        if count == 0:
            assert (vwap, o, h, low) == ("0.0", c, c, c)
            assert Decimal(volume) == 0
        else:
            assert Decimal(low) <= Decimal(vwap) <= Decimal(h)
    if pair == "MINAGBP" and interval == 1:
        assert any(row[7] == 0 for row in rows)


def test_ohlc_since(rest: Rest) -> None:
    answer = result(rest, "OHLC?pair=XBTUSD")
    newer = result(rest, f"OHLC?pair=XBTUSD&since={answer['last']}")
    assert [row[0] for row in newer["XXBTZUSD"]] == [answer["last"] + 60]


def test_ohlc_goes_on_with_the_live_market() -> None:
    client = Client(pairs=["BTC/USD"])
    rest = Rest(client.venue)
    client.subscribe("trade", "BTC/USD")
    before = result(rest, "OHLC?pair=BTC/USD&interval=5")["BTC/USD"]
    trades = channel(client.run(100, step_ms=100), "trade")
    after = result(rest, "OHLC?pair=BTC/USD&interval=5")["BTC/USD"]
    assert after[-1][4] == trades[-1]["data"][-1]["price"]
    assert {row[0]: row for row in before[1:-1]}.items() <= {row[0]: row for row in after}.items()


def test_trades(rest: Rest) -> None:
    answer = result(rest, "Trades?pair=XBTUSD")
    rows = answer["XXBTZUSD"]
    assert len(rows) == 1000
    price, volume, time, side, kind, misc, trade_id = rows[-1]
    assert len(price.partition(".")[2]) == 5
    assert len(volume.partition(".")[2]) == 8
    assert side in "bs"
    assert kind in "lm"
    assert misc == ""
    assert isinstance(trade_id, int)
    assert isinstance(answer["last"], str)
    assert abs(int(answer["last"]) / SECOND - time) < 0.001
    assert [row[6] for row in rows] == list(range(trade_id - 999, trade_id + 1))
    since = round(rows[500][2] * SECOND)
    newer = result(rest, f"Trades?pair=XBTUSD&since={since + 1000}&count=10")["XXBTZUSD"]
    assert [row[6] for row in newer] == [row[6] for row in rows[501:511]]
    assert result(rest, f"Trades?pair=XBTUSD&since={answer['last']}") == {
        "XXBTZUSD": [],
        "last": answer["last"],
    }


def test_depth(rest: Rest) -> None:
    book = result(rest, "Depth?pair=XBTUSD&count=500")["XXBTZUSD"]
    assert len(book["asks"]) == len(book["bids"]) == 500
    price, volume, second = book["asks"][0]
    assert len(price.partition(".")[2]) == 5
    assert len(volume.partition(".")[2]) == 3
    assert isinstance(second, int)
    assert Decimal(book["bids"][0][0]) < Decimal(price)
    assert len(result(rest, "Depth?pair=XBTUSD")["XXBTZUSD"]["bids"]) == 100


def test_asset_pairs(rest: Rest) -> None:
    pairs = result(rest, "AssetPairs")
    assert set(pairs) == {spec.rest_key for spec in PAIRS.values()}
    doge = pairs["XDGUSD"]
    assert (doge["altname"], doge["wsname"], doge["base"], doge["quote"]) == (
        "XDGUSD",
        "XDG/USD",
        "XXDG",
        "ZUSD",
    )
    assert (doge["pair_decimals"], doge["lot_decimals"], doge["tick_size"]) == (7, 8, "0.0000001")
    assert pairs["LINKUSD"]["tick_size"] == "0.0001"
    assert doge["status"] == "online"
    assert list(result(rest, "AssetPairs?pair=XBTUSD,ETHUSD")) == ["XXBTZUSD", "XETHZUSD"]


def test_assets(rest: Rest) -> None:
    assets = result(rest, "Assets")
    assert assets["XXBT"]["altname"] == "XBT"
    assert set(result(rest, "Assets?asset=XBT,ETH")) == {"XXBT", "XETH"}


def test_ticker(rest: Rest) -> None:
    answer = result(rest, "Ticker?pair=XBTUSD,PEPEUSD")
    row = answer["XXBTZUSD"]
    assert set(row) == set("abcvptlho")
    assert Decimal(row["b"][0]) < Decimal(row["a"][0])
    for today, day in (row["v"], row["t"]):
        assert Decimal(today) <= Decimal(day)
    assert Decimal(row["l"][1]) <= Decimal(row["p"][1]) <= Decimal(row["h"][1])
    assert isinstance(row["o"], str)
    few = Rest(Venue(pairs=["BTC/USD", "MINA/GBP"], clock=Clock()))
    assert set(result(few, "Ticker")) == {"XXBTZUSD", "MINAGBP"}


def test_no_level_of_depth_reads_as_nothing() -> None:
    client = Client(pairs=["BTC/USD"])
    rest = Rest(client.venue)
    client.subscribe("book", "BTC/USD", depth=500)
    client.run(20, step_ms=100)
    answer = result(rest, "Depth?pair=XBTUSD&count=500")["XXBTZUSD"]
    volumes = [row[1] for side in ("asks", "bids") for row in answer[side]]
    assert all(len(volume.partition(".")[2]) == 3 for volume in volumes)
    assert "0.001" in volumes
    assert all(Decimal(volume) > 0 for volume in volumes)


def test_spread(rest: Rest) -> None:
    answer = result(rest, "Spread?pair=XBTUSD")
    rows, last = answer["XXBTZUSD"], answer["last"]
    assert len(rows) == 200
    assert type(last) is int
    assert last == rows[-1][0]
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    assert all(type(at) is int and Decimal(0) < Decimal(bid) < Decimal(ask) for at, bid, ask in rows)
    assert all(len(price.partition(".")[2]) == 5 for row in rows for price in row[1:])
    ticker = result(rest, "Ticker?pair=XBTUSD")["XXBTZUSD"]
    assert rows[-1][1:] == [ticker["b"][0], ticker["a"][0]]
    newer = result(rest, f"Spread?pair=BTC/USD&since={rows[100][0]}")["BTC/USD"]
    assert newer == [row for row in rows if row[0] >= rows[100][0]]


@pytest.mark.parametrize("pair", ["XBTUSD", "PEPEUSD"])
@pytest.mark.parametrize("grouping", [1, 10, 1000])
@pytest.mark.parametrize("depth", [10, 100])
def test_grouped_book(rest: Rest, pair: str, grouping: int, depth: int) -> None:
    answer = result(rest, f"GroupedBook?pair={pair}&grouping={grouping}&depth={depth}")
    spec = next(s for s in PAIRS.values() if s.altname == pair)
    book = rest._venue.market(spec.symbol).simulator.book
    assert set(answer) == {"bids", "asks"}
    for name, side, sign in (("bids", book.bids, -1), ("asks", book.asks, 1)):
        slow: dict[int, int] = {}
        for ticks, lots in side.levels(len(side)):
            group = ticks // grouping * grouping if sign < 0 else (ticks + grouping - 1) // grouping * grouping
            slow[group] = slow.get(group, 0) + lots
        best_first = sorted(slow.items(), key=lambda item: sign * item[0])[:depth]
        read = [
            (
                int(Decimal(row["price"]).scaleb(spec.price_precision)),
                int(Decimal(row["qty"]).scaleb(spec.qty_precision)),
            )
            for row in answer[name]
        ]
        assert read == best_first
        assert all(len(row["price"].partition(".")[2]) == spec.price_precision for row in answer[name])


def test_grouped_book_of_nothing_but_a_pair(rest: Rest) -> None:
    assert result(rest, "GroupedBook?pair=XBTUSD") == result(rest, "GroupedBook?pair=XBTUSD&depth=10&grouping=1")
