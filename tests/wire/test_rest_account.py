"""Answers of REST: what is read of each field, at its edges, and what is refused."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from kraken_tui.errors import InvalidMessage
from kraken_tui.secret import Secret
from kraken_tui.wire import rest_account as rest
from kraken_tui.wire.rest_account import ApiKeyInfo, Balance, RestOrder, RestOrders, RestTrade, RestTrades


def test_a_token_and_what_is_none() -> None:
    token = rest.read_token({"token": "abc", "expires": 900})
    assert (token.token.reveal(), token.expires_s) == ("abc", 900)
    for wrong in ({}, {"token": ""}, {"token": 7}, {"token": None}):
        with pytest.raises(InvalidMessage, match="holds no token"):
            rest.read_token(wrong)


def test_what_is_known_of_a_key() -> None:
    row = {"apiKeyName": "desk", "permissions": ["query-funds", 7], "nonce": "1700000000123456789", "nonceWindow": 5,
           "validUntil": "11", "queryFrom": "12", "queryTo": "13", "ipAllowlist": ["192.0.2.1"],
           "lastUsed": "yesterday"}  # fmt: skip
    assert rest.read_key_info(row) == ApiKeyInfo(
        "desk", ("query-funds", "7"), 1_700_000_000_123_456_789, 5, 11, 12, 13, ("192.0.2.1",), "yesterday"
    )
    bare = rest.read_key_info({"permissions": []})
    assert bare == ApiKeyInfo("", ())
    assert (bare.nonce, bare.nonce_window, bare.valid_until, bare.query_from, bare.query_to) == (0,) * 5
    for wrong in ({}, {"permissions": "all"}):
        with pytest.raises(InvalidMessage, match="names no permissions"):
            rest.read_key_info(wrong)


ORDER = {
    "status": "open", "cl_ord_id": "c1", "userref": -7, "vol": "1.5", "vol_exec": "0.5", "cost": "10.0", "fee": "0.1",
    "price": "20.0", "oflags": "post,,fciq", "reason": "User requested", "opentm": 1700000000.5,
    "closetm": "1700000001.123456789", "trades": ["T1"],
    "descr": {"pair": "XBTUSD", "type": "buy", "ordertype": "limit", "price": "21.0", "price2": "22.0"},
}  # fmt: skip


def test_an_order_with_everything_and_with_nothing() -> None:
    row = ORDER | {"opentm": "1700000000.5"}
    found = rest.read_orders({"O1": row, "O2": {"descr": 7}})
    assert found == RestOrders({
        "O1": RestOrder(
            "O1", "open", "XBTUSD", "buy", "limit", "c1", -7, "21.0", "22.0", "1.5", "0.5", "10.0", "0.1", "20.0",
            ("post", "fciq"), "User requested", 1_700_000_000_500_000_000, 1_700_000_001_123_456_789, ("T1",),
        ),
        "O2": RestOrder("O2", ""),
    }, 2)  # fmt: skip
    assert (found.orders["O2"].userref, found.orders["O2"].opened_ns, found.orders["O2"].closed_ns) == (0, 0, 0)


def test_how_many_there_are_is_what_is_told_and_never_less_than_what_came() -> None:
    rows = {"O1": {}, "O2": {}}
    assert rest.read_orders({"closed": rows, "count": 50}, "closed").count == 50
    assert rest.read_orders({"closed": rows, "count": 1}, "closed").count == 2
    assert rest.read_orders({"open": rows}, "open").count == 2
    assert rest.read_orders(rows).count == 2
    assert rest.read_orders({}).count == 0
    assert rest.read_trades({"trades": {"T1": {}}, "count": 9}).count == 9
    assert rest.read_trades({"trades": {"T1": {}}, "count": 0}).count == 1
    for wrong in (None, [], {"open": []}, {}):
        with pytest.raises(InvalidMessage, match="lacks a part"):
            rest.read_orders(wrong, "open")


@pytest.mark.parametrize(("maker", "read"), [(True, True), (False, False), (None, None), ("true", None), (1, None)])
def test_a_fill(maker: Any, read: bool | None) -> None:
    row = {"ordertxid": "O1", "pair": "XBTUSD", "type": "sell", "price": "20.0", "vol": "0.5", "cost": "10.0",
           "fee": "0.1", "time": "1700000000.25", "trade_id": 77, "maker": maker}  # fmt: skip
    assert rest.read_trades({"trades": {"T1": row, "T2": {}}}) == RestTrades({
        "T1": RestTrade("T1", "O1", "XBTUSD", "sell", "20.0", "0.5", "10.0", "0.1", 1_700_000_000_250_000_000, 77,
                        read),
        "T2": RestTrade("T2", ""),
    }, 2)  # fmt: skip
    assert (RestTrade("T", "").time_ns, RestTrade("T", "").trade_id) == (0, 0)


def test_what_an_order_can_use_of_a_balance() -> None:
    row = {"balance": "10.0", "hold_trade": "1.0", "credit": "5.0", "credit_used": "0.5"}
    found = rest.read_balances({"ZUSD": row, "XXBT": {"balance": "2"}})
    assert found["ZUSD"] == Balance("ZUSD", Decimal("10.0"), Decimal("1.0"), Decimal("5.0"), Decimal("0.5"))
    assert found["ZUSD"].free == Decimal("13.5")
    assert (found["XXBT"].free, found["XXBT"].hold_trade, found["XXBT"].credit) == (2, 0, 0)
    assert Balance("A", Decimal(3)).free == 3


@pytest.mark.parametrize("text", ["", "x", "NaN", "Infinity", None, True, 1.5])
def test_a_balance_that_is_no_number_is_refused(text: Any) -> None:
    for field in ("balance", "hold_trade", "credit", "credit_used"):
        with pytest.raises(InvalidMessage, match="a balance is not a number"):
            rest.read_balances({"ZUSD": {"balance": "1", field: text}})
    # Whole or not at all.
    assert rest.read_balances({"ZUSD": {"balance": "1" * 100}})["ZUSD"].balance == Decimal("1" * 100)
    with pytest.raises(InvalidMessage, match="a balance is not a number"):
        rest.read_balances({"ZUSD": {"balance": "1" * 101}})


@pytest.mark.parametrize(
    ("written", "number"),
    [(0, 0), (7, 7), (-7, -7), ("7", 7), ("-7", -7), ("7.9", 7), ("", 0), ("-", 0), ("--7", 0), ("x", 0), ("٣", 0),
     ("9" * 20, 10**20 - 1), ("-" + "9" * 20, 1 - 10**20), ("9" * 21, 0), (True, 0), (None, 0), (1.5, 0), ([], 0)],
)  # fmt: skip
def test_whole_numbers_as_numbers_and_as_text(written: Any, number: int) -> None:
    assert rest.read_key_info({"permissions": [], "nonce": written}).nonce == number


@pytest.mark.parametrize(
    ("written", "ns"),
    [("0", 0), ("1.5", 1_500_000_000), ("1700000000.123456789", 1_700_000_000_123_456_789), (5, 5_000_000_000),
     ("99999999999.9", 99_999_999_999_900_000_000), ("100000000000", 0), ("-1", 0), ("0.000000001", 1), ("x", 0),
     ("NaN", 0), ("Infinity", 0), (None, 0), (True, 0), ("0.5", 500_000_000)],
)  # fmt: skip
def test_times_in_nanoseconds(written: Any, ns: int) -> None:
    assert rest.read_trades({"trades": {"T": {"time": written}}}).trades["T"].time_ns == ns


def test_texts_are_cleaned_and_numbers_among_them_kept() -> None:
    assert rest.read_key_info({"permissions": ["a\x1b", 7, True, None, 1.5]}).permissions == (
        "a\ufffd",
        "7",
        "",
        "",
        "",
    )
    assert rest.read_orders({"O\x1b": {"trades": "T1"}}).orders["O\ufffd"].trades == ()


def test_an_answer_has_an_end() -> None:
    rows = {str(number): {} for number in range(rest._MOST_ROWS)}
    assert rest.read_orders(rows).count == rest._MOST_ROWS
    with pytest.raises(InvalidMessage, match="has over"):
        rest.read_orders(rows | {"one more": {}})


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html>", "a web page came instead of an answer, as from a proxy or a firewall"),
        (b" " * 511 + b"<html>", "a web page came instead of an answer, as from a proxy or a firewall"),
        (b" " * 512 + b"<html>", "the answer is not Kraken's JSON"),
        (b"\n<!DOCTYPE html>", "a web page came instead of an answer, as from a proxy or a firewall"),
        (b"", "the answer is not Kraken's JSON"),
        (b"[]", "the answer is not Kraken's JSON"),
        (b"[" * 100_000, "the answer is not Kraken's JSON"),
        (b"{}", "the answer is empty"),
        (b'{"error":[]}', "the answer is empty"),
    ],
)
def test_what_is_no_answer_is_told_for_what_it_is(body: bytes, words: str) -> None:
    with pytest.raises(InvalidMessage) as caught:
        rest.decode_envelope(body)
    assert str(caught.value) == words


def test_an_answer_is_a_result_or_errors() -> None:
    found = rest.decode_envelope(b'{"error":[],"result":{"a":1.50}}')
    assert (found.error, found.result) == ([], {"a": "1.50"})
    found = rest.decode_envelope(b'{"error":["EAPI:Invalid key"]}')
    assert (found.error, found.result) == (["EAPI:Invalid key"], None)


def test_texts_have_a_hundred_characters_and_answers_ten_thousand_rows() -> None:
    assert rest.read_key_info({"permissions": [], "apiKeyName": "x" * 100}).name == "x" * 100
    assert len(rest.read_key_info({"permissions": [], "apiKeyName": "x" * 101}).name) == 100
    assert rest._MOST_ROWS == 10_000


def test_a_token_is_one_of_many_and_not_remembered_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[str, bool]] = []

    class Noted(Secret):
        def __init__(self, value: str, *, lasting: bool = True) -> None:
            made.append((value, lasting))
            super().__init__(value, lasting=lasting)

    monkeypatch.setattr(rest, "Secret", Noted)
    rest.read_token({"token": "abcdef", "expires": 900})
    assert made == [("abcdef", False)]
