"""The account over REST, against a small exchange that checks signatures and nonces."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from kraken_tui.errors import ConfigurationError
from kraken_tui.feed.rest import private
from kraken_tui.feed.rest.private import PrivateClient
from kraken_tui.keys.key import PLAY, make_key
from kraken_tui.wire.refusals import Course, NotSent, OutcomeUnknown, Refusal
from kraken_tui.wire.rest_account import ApiKeyInfo, RestOrders, RestTrades, WebSocketsToken
from tests.feed.rest.private_rig import PRIVATE, PUBLIC, TOKEN, Account, a_key, serving
from tests.reference.private_vectors import KEY_INFO_STRONG, KEY_INFO_VIEW

HTML = b"<!DOCTYPE html><html><title>502 Bad Gateway</title></html>"


@pytest.fixture
def account() -> Account:
    return Account()


@pytest.fixture
def url(account: Account) -> Iterator[str]:
    with serving(account) as address:
        yield address


@pytest.fixture
def client(url: str, tmp_path: Path) -> PrivateClient:
    return PrivateClient(url, a_key(), tmp_path / "state", again_s=0.0)


async def test_a_token_is_fetched_and_shown_to_nobody(client: PrivateClient, account: Account) -> None:
    found = await client.token()
    assert isinstance(found, WebSocketsToken)
    assert (found.token.reveal(), found.expires_s) == (TOKEN, 900)
    assert TOKEN not in repr(found)
    assert [list(params) for _, params in account.seen] == [["nonce"]]


async def test_the_rights_of_both_documented_keys_are_read(client: PrivateClient, account: Account) -> None:
    account.results["GetApiKeyInfo"] = KEY_INFO_VIEW["result"]
    found = await client.key_info()
    assert found == ApiKeyInfo(
        "ladder-view",
        ("query-funds", "query-open-trades", "query-closed-trades", "create-ws-token"),
        nonce=1767607200123456789,
    )
    account.results["GetApiKeyInfo"] = KEY_INFO_STRONG["result"]
    strong = await client.key_info()
    assert isinstance(strong, ApiKeyInfo)
    assert "withdraw-funds" in strong.permissions


async def test_orders_trades_and_balances_are_typed(client: PrivateClient, account: Account) -> None:
    order = {
        "refid": None, "userref": 7, "cl_ord_id": "kt-1", "status": "open", "opentm": 1767607200.1234,
        "descr": {"pair": "XBTUSD", "type": "buy", "ordertype": "limit", "price": "26500.4", "price2": "0"},
        "vol": "0.01000000", "vol_exec": "0.00400000", "cost": "106.0", "fee": "0.1", "price": "26500.4",
        "oflags": "fciq,post", "trades": ["T1"],
    }  # fmt: skip
    closed = {**order, "status": "canceled", "closetm": 1767607201, "reason": "User requested"}
    account.results |= {
        "OpenOrders": {"open": {"O1": order}},
        "ClosedOrders": {"closed": {"O2": closed}, "count": 31},
        "QueryOrders": {"O2": closed},
        "TradesHistory": {
            "trades": {"T1": {"ordertxid": "O1", "pair": "XXBTZUSD", "time": 1767607200.1234, "type": "buy",
                              "price": "26500.4", "vol": "0.004", "cost": "106.0", "fee": "0.1", "trade_id": 62887576,
                              "maker": True}},
            "count": 1,
        },
        "BalanceEx": {"ZUSD": {"balance": "100.5", "hold_trade": "26.5"}, "XXBT": {"balance": "1.0000000001",
                      "credit": "2", "credit_used": "0.5", "hold_trade": "0"}},
    }  # fmt: skip
    found = await client.open_orders(cl_ord_id="kt-1", trades=True)
    assert isinstance(found, RestOrders)
    row = found.orders["O1"]
    assert (row.cl_ord_id, row.userref, row.side, row.limit_price) == ("kt-1", 7, "buy", "26500.4")
    assert (row.qty, row.cum_qty, row.opened_ns, row.flags) == (
        "0.01000000", "0.00400000", 1767607200_123400000, ("fciq", "post"),
    )  # fmt: skip
    assert account.seen[-1][1].keys() == {"nonce", "cl_ord_id", "trades"}
    past = await client.closed_orders(start_s=5, offset=50)
    assert isinstance(past, RestOrders)
    assert (past.count, past.orders["O2"].reason, past.orders["O2"].closed_ns) == (
        31,
        "User requested",
        1767607201 * 10**9,
    )
    assert account.seen[-1][1].keys() == {"nonce", "start", "ofs"}
    queried = await client.query_orders(["O2", "O3"])
    assert isinstance(queried, RestOrders)
    assert list(queried.orders) == ["O2"]
    assert account.seen[-1][1]["txid"] == "O2,O3"
    trades = await client.trades_history(start_s=5)
    assert isinstance(trades, RestTrades)
    fill = trades.trades["T1"]
    assert (fill.exec_id, fill.order_id, fill.trade_id, fill.maker) == ("T1", "O1", 62887576, True)
    balances = await client.balances()
    assert not isinstance(balances, Refusal | NotSent | OutcomeUnknown)
    assert balances["ZUSD"].free == Decimal("74.0")
    assert balances["XXBT"].free == Decimal("2.5000000001")
    for count in (0, 51):
        with pytest.raises(ConfigurationError, match="1 to 50"):
            await client.query_orders(["O"] * count)


async def test_mistake_04_a_second_try_takes_a_new_nonce(client: PrivateClient, account: Account) -> None:
    account.script = [None]
    assert isinstance(await client.token(), WebSocketsToken)
    first, second = (int(params["nonce"]) for _, params in account.seen)
    assert second > first


async def test_mistake_05_many_calls_in_one_instant_all_have_nonces_that_grow(url: str, account: Account) -> None:
    client = PrivateClient(url, a_key(), None, wall=lambda: 1_000_000)
    found = await asyncio.gather(*(client.token() for _ in range(12)))
    assert all(isinstance(each, WebSocketsToken) for each in found)
    assert [int(params["nonce"]) for _, params in account.seen] == list(range(1_000_000, 1_000_012))


async def test_mistake_06_the_last_nonce_outlives_the_program_and_a_clock_set_back(
    url: str, account: Account, tmp_path: Path
) -> None:
    assert isinstance(await PrivateClient(url, a_key(), tmp_path, wall=lambda: 5 * 10**18).token(), WebSocketsToken)
    late = await PrivateClient(url, a_key(), tmp_path, wall=lambda: 10**18).token()
    assert isinstance(late, WebSocketsToken)
    assert account.last == 5 * 10**18 + 1


async def test_mistake_07_requests_of_one_key_never_overlap_whoever_sends_them(
    url: str, account: Account, tmp_path: Path
) -> None:
    import time

    account.before = lambda: time.sleep(0.01)
    clients = [PrivateClient(url, a_key(), tmp_path) for _ in range(3)]
    found = await asyncio.gather(*(client.token() for client in clients * 4))
    assert all(isinstance(each, WebSocketsToken) for each in found)
    assert account.overlaps == 0
    nonces = [int(params["nonce"]) for _, params in account.seen]
    assert nonces == sorted(set(nonces))


async def test_mistake_10_a_key_without_the_right_gets_the_message_and_no_further_request(
    client: PrivateClient, account: Account
) -> None:
    account.script = [{"error": ["EGeneral:Permission denied"]}]
    first = await client.token()
    assert isinstance(first, Refusal)
    assert first.course is Course.RIGHT
    assert "keys check" in first.sentence
    assert await client.token() == first
    assert len(account.seen) == 1
    account.results["BalanceEx"] = {}
    assert await client.balances() == {}


async def test_mistake_34_a_key_with_two_factor_authentication_is_told_apart(
    client: PrivateClient, account: Account
) -> None:
    account.script = [{"error": ["EGeneral:Permission denied"]}]
    found = await client.key_info()
    assert isinstance(found, Refusal)
    assert found.sentence.startswith(
        "Kraken says EGeneral:Permission denied: this question needs no right, so the key has"
    )


async def test_mistake_16_a_flag_that_is_off_is_not_sent_at_all(client: PrivateClient, account: Account) -> None:
    account.results["OpenOrders"] = {"open": {}}
    await client.open_orders(trades=False)
    assert list(account.seen[-1][1]) == ["nonce"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (HTML, "web page"),
        (b"5" + HTML, "HTTP 502"),
        (None, "closed"),
        (b"{}", "empty"),
        (b'{"error":[],"result":nul', "not Kraken's JSON"),
        ({"error": [], "result": None}, "empty"),
    ],
)
async def test_no_answer_that_can_be_read_is_an_unknown_outcome(
    client: PrivateClient, account: Account, answer: object, reason: str
) -> None:
    account.script = [answer, answer]
    found = await client.token()
    assert isinstance(found, OutcomeUnknown)
    assert reason in found.reason
    assert "may have been done" in found.sentence
    assert len(account.seen) == 2


@pytest.mark.parametrize("text", ["EService:Unavailable", "EGeneral:Internal error", "EService:Timeout"])
async def test_an_unknown_outcome_by_the_exchanges_word_is_not_tried_again(
    client: PrivateClient, account: Account, text: str
) -> None:
    account.script = [{"error": [text]}]
    assert await client.token() == OutcomeUnknown(f"Kraken says {text}")
    assert len(account.seen) == 1


async def test_a_warning_beside_a_result_is_no_refusal(client: PrivateClient, account: Account) -> None:
    account.script = [{"error": ["WGeneral:Old"], "result": {"token": TOKEN, "expires": 900}}]
    assert isinstance(await client.token(), WebSocketsToken)


@pytest.mark.parametrize("text", ["EAPI:Invalid key", "EAPI:Invalid signature", "EGeneral:Temporary lockout"])
async def test_what_would_lock_the_key_ends_all_requests(client: PrivateClient, account: Account, text: str) -> None:
    account.script = [{"error": [text]}]
    refused = await client.token()
    assert isinstance(refused, Refusal)
    for _ in range(3):
        found = await client.key_info()
        assert isinstance(found, NotSent)
        assert text in found.sentence
    assert len(account.seen) == 1
    assert client.stopped == refused.sentence


async def test_a_lockout_is_remembered_by_the_next_program(client: PrivateClient, url: str, account: Account) -> None:
    account.script = [{"error": ["EGeneral:Temporary lockout"]}]
    await client.token()
    folder = client._nonces._path.parent  # type: ignore[union-attr]
    found = await PrivateClient(url, a_key(), folder).token()
    assert isinstance(found, NotSent)
    assert "15 min" in found.reason
    assert len(account.seen) == 1
    later = client._nonces._wall() + 16 * 60 * 10**9
    assert isinstance(await PrivateClient(url, a_key(), folder, wall=lambda: later).token(), WebSocketsToken)


async def test_a_second_bad_nonce_in_a_row_ends_all_requests(client: PrivateClient, account: Account) -> None:
    bad = {"error": ["EAPI:Invalid nonce"]}
    account.script = [bad]
    assert isinstance(await client.token(), Refusal)
    assert isinstance(await client.token(), WebSocketsToken)
    account.script = [bad, bad]
    assert isinstance(await client.token(), Refusal)
    assert isinstance(await client.token(), Refusal)
    found = await client.token()
    assert isinstance(found, NotSent)
    assert "a key of its own" in found.reason
    assert len(account.seen) == 4


async def test_mistake_20_too_many_requests_are_followed_by_silence(
    client: PrivateClient, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.script = [{"error": ["EAPI:Rate limit exceeded"]}]
    assert isinstance(await client.token(), Refusal)
    found = await client.token()
    assert isinstance(found, NotSent)
    assert "30 s" in found.reason
    now = private.time.monotonic()
    monkeypatch.setattr(private.time, "monotonic", lambda: now + 31)
    assert isinstance(await client.token(), WebSocketsToken)


async def test_a_wrong_secret_is_told_in_a_sentence(url: str) -> None:
    other = make_key("x", PUBLIC, PRIVATE.replace("dGhl", "dGhf"), "file")
    found = await PrivateClient(url, other, None).token()
    assert isinstance(found, Refusal)
    assert found.sentence == (
        "Kraken says EAPI:Invalid signature: the private key does not belong to the key, or was cut when it was copied;"
        " add both again"
    )


async def test_nobody_there_means_that_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    client = PrivateClient(f"http://127.0.0.1:{port}", a_key(), None, again_s=0.0)
    found = await client.token()
    assert isinstance(found, NotSent)
    assert found.sentence.startswith("not sent: ")


@pytest.mark.parametrize("base", ["https://evil.example", "https://kraken.com.evil.example", "https://evilkraken.com"])
def test_a_key_goes_to_kraken_and_to_this_computer_only(base: str) -> None:
    with pytest.raises(ConfigurationError, match=r"kraken\.com and to this computer only"):
        PrivateClient(base, a_key(), None)
    PrivateClient("https://api.kraken.com", a_key(), None)
    PrivateClient("https://beta-api.kraken.com/", a_key(), None)


def test_play_moneys_key_stays_on_this_computer() -> None:
    play = make_key("demo", PUBLIC, PRIVATE, PLAY)
    with pytest.raises(ConfigurationError, match="local exchange only"):
        PrivateClient("https://api.kraken.com", play, None)
    PrivateClient("http://127.0.0.1:1", play, None)


@pytest.mark.parametrize(
    ("method", "result"),
    [
        ("GetWebSocketsToken", {"expires": 900}),
        ("GetWebSocketsToken", {"token": 5}),
        ("GetApiKeyInfo", {"apiKeyName": "x"}),
        ("OpenOrders", {"closed": {}}),
        ("OpenOrders", {"open": {"O": 5}}),
        ("TradesHistory", []),
        ("BalanceEx", {"ZUSD": {"balance": "NaN"}}),
        ("BalanceEx", {"ZUSD": {"balance": "lots"}}),
        ("BalanceEx", {"ZUSD": {}}),
    ],
)
async def test_an_answer_that_lacks_a_part_is_not_taken_for_nothing(
    client: PrivateClient, account: Account, method: str, result: object
) -> None:
    account.results[method] = result
    calls = {"GetWebSocketsToken": client.token, "GetApiKeyInfo": client.key_info, "OpenOrders": client.open_orders,
             "TradesHistory": client.trades_history, "BalanceEx": client.balances}  # fmt: skip
    assert isinstance(await calls[method](), OutcomeUnknown)
