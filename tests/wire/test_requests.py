import json

from kraken_tui.wire.requests import ping, subscribe, unsubscribe


def test_subscribe() -> None:
    text = subscribe("book", ["BTC/USD", "ETH/USD"], req_id=3, depth=25, snapshot=True)
    assert json.loads(text) == {
        "method": "subscribe",
        "params": {"channel": "book", "symbol": ["BTC/USD", "ETH/USD"], "depth": 25, "snapshot": True},
        "req_id": 3,
    }


def test_without_symbols() -> None:
    assert json.loads(subscribe("instrument", req_id=1)) == {
        "method": "subscribe",
        "params": {"channel": "instrument"},
        "req_id": 1,
    }


def test_unsubscribe() -> None:
    assert json.loads(unsubscribe("ohlc", ["BTC/USD"], req_id=2, interval=5)) == {
        "method": "unsubscribe",
        "params": {"channel": "ohlc", "symbol": ["BTC/USD"], "interval": 5},
        "req_id": 2,
    }


def test_ping_has_no_params() -> None:
    assert json.loads(ping(req_id=9)) == {"method": "ping", "req_id": 9}
