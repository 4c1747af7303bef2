"""Signed requests: who may ask, in which order, and what faults do to them; and all of it over real sockets."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from kraken_tui.exchange import DEMO_KEY, DEMO_OTP, DEMO_SECRET, KEYS, ApiKey, Exchange
from kraken_tui.exchange.private_rest import PrivateRest, signature

from .private_client import Level3Client, Trader, sign
from .reference import parsed

DUMMY = "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="


def test_the_documented_signature() -> None:
    body = b"nonce=1616492376594&ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25"
    assert (
        signature(DUMMY, "/0/private/AddOrder", "1616492376594", body)
        == "4/dpxb3iT4tp/ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb0nmbRn6H8ndwLUQ=="
    )


def test_json_bodies_are_signed_as_they_are() -> None:
    trader = Trader()
    path, body = "/0/private/BalanceEx", '{"nonce": "77"}'
    headers = {"API-Key": DEMO_KEY, "API-Sign": sign(DEMO_SECRET, path, "77", body), "Content-Type": "application/json"}
    assert json.loads(trader.rest.answer(path, headers, body.encode()))["error"] == []
    body = '{"nonce":78}'
    headers["API-Sign"] = sign(DEMO_SECRET, path, "78", body)
    assert json.loads(trader.rest.answer(path, headers, body.encode()))["error"] == []


def test_wrong_keys_signatures_and_nonces() -> None:
    trader = Trader()
    trader.key = "nobody"
    assert trader.post("BalanceEx")["error"] == ["EAPI:Invalid key"]
    trader.key, trader.secret = DEMO_KEY, b64encode(b"wrong").decode()
    assert trader.post("BalanceEx")["error"] == ["EAPI:Invalid signature"]
    trader.secret = DEMO_SECRET
    assert trader.post("BalanceEx", nonce=5_000)["error"] == []
    for nonce in (5_000, 4_999):
        assert trader.post("BalanceEx", nonce=nonce)["error"] == ["EAPI:Invalid nonce"]
    assert trader.post("BalanceEx", nonce=5_001)["error"] == []
    assert trader.post("BalanceEx", nonce=1 << 64)["error"] == ["EAPI:Invalid nonce"]
    assert trader.post("Nonsense", nonce=6_000)["error"] == ["EGeneral:Unknown method"]


def test_a_nonce_window() -> None:
    trader = Trader()
    trader.use(KEYS["window"])
    second = 1_000_000_000
    base = 1_700_000_000 * second
    for nonce, error in ((base, []), (base - 5 * second, []), (base - 11 * second, ["EAPI:Invalid nonce"])):
        assert trader.post("BalanceEx", nonce=nonce)["error"] == error


def test_bad_nonces_in_a_row_lock_the_key_for_a_while() -> None:
    trader = Trader()
    assert trader.post("BalanceEx", nonce=100)["error"] == []
    for _ in range(8):
        assert trader.post("BalanceEx", nonce=99)["error"] == ["EAPI:Invalid nonce"]
    assert trader.post("BalanceEx", nonce=101)["error"] == ["EGeneral:Temporary lockout"]
    trader.clock.ns += 61_000_000_000
    assert trader.post("BalanceEx", nonce=102)["error"] == []


@pytest.mark.parametrize(
    ("name", "method", "error"),
    [
        ("no-token", "GetWebSocketsToken", ["EGeneral:Permission denied"]),
        ("level3", "BalanceEx", ["EGeneral:Permission denied"]),
        ("level3", "OpenOrders", ["EGeneral:Permission denied"]),
        ("level3", "GetApiKeyInfo", []),
        ("view", "TradesHistory", []),
        ("withdraw", "BalanceEx", []),
    ],
)
def test_rights(name: str, method: str, error: list[str]) -> None:
    trader = Trader()
    trader.use(KEYS[name])
    assert trader.post(method)["error"] == error


def test_a_second_factor() -> None:
    trader = Trader()
    trader.use(KEYS["two-factor"])
    assert trader.post("GetWebSocketsToken")["error"] == ["EGeneral:Permission denied"]
    assert trader.post("GetWebSocketsToken", otp=DEMO_OTP)["error"] == []


def test_what_a_key_says_of_itself() -> None:
    trader = Trader()
    trader.use(KEYS["withdraw"])
    info = trader.result("GetApiKeyInfo")
    assert "withdraw-funds" in info["permissions"]
    assert info["apiKeyName"] == "withdraw"
    assert info["nonce"] == str(trader.nonce)
    assert all(key.secret not in repr(key) for key in KEYS.values())
    assert len({key.key for key in KEYS.values()}) == len(KEYS)


def test_holds_and_volume() -> None:
    trader = Trader(account="still")
    peer, token = trader.connect("auth"), trader.token()
    order = {"order_type": "limit", "side": "sell", "order_qty": 0.5, "symbol": "BTC/USD", "limit_price": 90000.0}
    assert trader.ask(peer, "add_order", token, **order)[0]["success"]
    held = trader.result("BalanceEx")
    assert held["XXBT"] == {"balance": "2.5000000000", "hold_trade": "0.5000000000"}
    assert held["ZUSD"]["hold_trade"] == "0.0000"
    refused = trader.ask(peer, "add_order", token, **{**order, "order_qty": 2.25})[0]
    assert refused["error"] == "EOrder:Insufficient funds"
    volume = trader.result("TradeVolume", pair="XBTUSD")
    assert (volume["fees"]["XXBTZUSD"]["fee"], volume["fees_maker"]["XXBTZUSD"]["fee"]) == ("0.4000", "0.2500")


def test_orders_are_found_by_any_name_and_late_when_rest_lags() -> None:
    trader = Trader(account="still")
    peer, token = trader.connect("auth"), trader.token()
    order: dict[str, Any] = {"order_type": "limit", "side": "buy", "order_qty": 0.01, "symbol": "BTC/USD"}
    trader.venue.faults.private.rest_lag_s = 30.0
    placed = trader.ask(peer, "add_order", token, **order, limit_price=10000.0, cl_ord_id="find-me")[0]["result"]
    assert trader.result("OpenOrders")["open"] == {}
    assert trader.post("QueryOrders", txid=placed["order_id"])["error"] == ["EOrder:Unknown order"]
    trader.run(31, peer)
    assert set(trader.result("OpenOrders", cl_ord_id="find-me")["open"]) == {placed["order_id"]}
    trader.ask(peer, "cancel_all", token)
    assert set(trader.result("OpenOrders")["open"]) == {placed["order_id"]}
    trader.venue.faults.private.rest_lag_s = 0.0
    assert trader.result("OpenOrders")["open"] == {}
    row = trader.result("QueryOrders", txid=placed["order_id"], trades="true")[placed["order_id"]]
    assert (row["status"], row["reason"], row["cl_ord_id"]) == ("canceled", "User requested", "find-me")
    assert set(trader.result("ClosedOrders", cl_ord_id="find-me")["closed"]) == {placed["order_id"]}


def test_accounts_are_apart_but_trade_with_each_other() -> None:
    trader = Trader(account="still")
    peers, tokens = [], []
    for name in ("demo", "other"):
        trader.use(KEYS[name])
        peers.append(trader.connect("auth"))
        tokens.append(trader.token())
        trader.ask(peers[-1], "subscribe", tokens[-1], channel="executions")
    bid, _, ask, _ = trader.venue.market("BTC/USD").simulator.touch
    price = (ask if ask - bid == 1 else ask - 1) / 10
    order = {"order_type": "limit", "order_qty": 0.3, "symbol": "BTC/USD", "limit_price": price}
    for peer, token, side in zip(peers, tokens, ("sell", "buy"), strict=True):
        for frame in trader.ask(peer, "add_order", token, side=side, **order):
            assert frame.get("success", True)
    heard = [f for f in trader.run(0.1, *peers)[0] if f.get("channel") == "executions"]
    if ask - bid > 1:
        assert [row["liquidity_ind"] for f in heard for row in f["data"] if row["exec_type"] == "trade"] == ["m"]
    assert trader.result("OpenOrders")["open"] == {}


# --- over sockets


async def post(exchange: Exchange, method: str, nonce: int, key: ApiKey = KEYS["demo"], extra: str = "") -> Any:
    """Status, head and body of a signed POST; an empty answer raises."""
    path, body = f"/0/private/{method}", f"nonce={nonce}{extra}"
    reader, writer = await asyncio.open_connection("127.0.0.1", int(exchange.rest_url.rpartition(":")[2]))
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAPI-Key: {key.key}\r\nContent-Length: {len(body)}\r\n"
        f"API-Sign: {sign(key.secret, path, str(nonce), body)}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    )
    writer.write(head.encode())
    await asyncio.sleep(0.01)
    writer.write(body.encode())
    answer = (await asyncio.wait_for(reader.read(), 3)).decode()
    writer.close()
    if not answer:
        raise ConnectionError("cut")
    top, _, text = answer.partition("\r\n\r\n")
    return int(top.split()[1]), top, text


async def drained(socket: ClientConnection) -> None:
    """Read until the connection ends."""
    while True:
        await socket.recv()


async def test_everything_on_one_port() -> None:
    async with Exchange(seed=3, pairs=["BTC/USD"], rate=8.0) as exchange:
        status, _, body = await post(exchange, "GetWebSocketsToken", 1)
        token = json.loads(body)["result"]["token"]
        assert (status, json.loads(body)["result"]["expires"]) == (200, 900)
        async with connect(exchange.l3_url) as level3, connect(exchange.auth_url) as auth, connect(exchange.ws_url):
            assert exchange.connections == 3
            for socket, channel in ((level3, "level3"), (auth, "executions")):
                params: dict[str, Any] = {"channel": channel, "token": token}
                if channel == "level3":
                    params["symbol"] = ["BTC/USD"]
                await socket.send(json.dumps({"method": "subscribe", "params": params}))
            book = Level3Client(10)
            async with asyncio.timeout(8):
                while book.checked < 50:
                    frame = parsed(await level3.recv())
                    if frame.get("channel") == "level3":
                        book.apply(frame)
                order = {"order_type": "limit", "side": "buy", "order_qty": 0.01, "symbol": "BTC/USD"}
                exchange.faults.private.cut("add_order")
                await auth.send(
                    json.dumps({"method": "add_order", "params": {**order, "limit_price": 9000.0, "token": token}})
                )
                with pytest.raises(ConnectionClosed):
                    await drained(auth)
        assert len(json.loads((await post(exchange, "OpenOrders", 2))[2])["result"]["open"]) == 1


async def test_faults_of_rest_and_of_dialling() -> None:
    async with Exchange(seed=3, pairs=["BTC/USD"]) as exchange:
        faults = exchange.faults.private
        faults.fail_rest("BalanceEx")
        status, head, body = await post(exchange, "BalanceEx", 1)
        assert (status, "text/html" in head, "<html>" in body) == (502, True, True)
        faults.fail_rest(status=200, body="<html>hello</html>")
        assert (await post(exchange, "BalanceEx", 2))[::2] == (200, "<html>hello</html>")
        faults.rest_error("BalanceEx", "EService:Unavailable")
        assert json.loads((await post(exchange, "BalanceEx", 3))[2])["error"] == ["EService:Unavailable"]
        faults.lose_rest("BalanceEx")
        with pytest.raises((ConnectionError, TimeoutError)):
            await post(exchange, "BalanceEx", 4)
        faults.rest_late_s = 0.2
        started = asyncio.get_running_loop().time()
        assert (await post(exchange, "BalanceEx", 5))[0] == 200
        assert asyncio.get_running_loop().time() - started > 0.2
        faults.refuse_connections("auth", 503)
        with pytest.raises(InvalidStatus):
            await connect(exchange.auth_url)
        async with connect(exchange.ws_url), connect(exchange.l3_url), connect(exchange.auth_url):
            pass


def test_the_rest_object_needs_no_socket() -> None:
    trader = Trader()
    assert PrivateRest(trader.venue).answer("/0/private/BalanceEx", {}, b"") == '{"error":["EAPI:Invalid key"]}'
    assert DEMO_SECRET not in repr(KEYS["demo"])
