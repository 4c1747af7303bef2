"""Frames of the private sockets: exact digits, rows that cannot be read, and a public side that knows none of them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_tui.errors import InvalidMessage, InvalidNumber
from kraken_tui.wire import decode as public
from kraken_tui.wire.checksum import checksum_of_orders, checksum_of_units
from kraken_tui.wire.decode import FieldCensus
from kraken_tui.wire.digits import to_decimal
from kraken_tui.wire.executions import ExecutionsMessage
from kraken_tui.wire.level3 import Level3Message
from kraken_tui.wire.messages import HeartbeatMessage, Refusal, UnknownMessage
from kraken_tui.wire.order_answers import Answer
from kraken_tui.wire.private import PRIVATE, decode
from tests.reference.vectors import LEVEL3, levels

LEVEL = '{"channel":"level3","type":"update","data":[{"symbol":"A/B","checksum":0,"bids":[],"asks":[ROW]}]}'


def test_exponents_and_trailing_zeros_keep_their_text() -> None:
    message = decode(LEVEL.replace("ROW", '{"order_id":"O","event":"add","limit_price":1.50,"order_qty":1e-05}'))
    assert isinstance(message, Level3Message)
    (order,) = message.data[0].asks or ()
    assert (order.limit_price, order.order_qty) == ("1.50", "1e-05")


def test_the_public_decoder_knows_none_of_it() -> None:
    assert isinstance(public.decode(LEVEL.replace("ROW", "")), UnknownMessage)
    assert isinstance(decode('{"channel":"heartbeat"}'), HeartbeatMessage)


@pytest.mark.parametrize(
    ("text", "shown"),
    [("1e-05", "0.00001"), ("1.50", "1.50"), ("-0.10", "-0.10"), ("2e3", "2000"), ("0", "0"), ("1.5e1", "15")],
)
def test_decimals_keep_the_digits(text: str, shown: str) -> None:
    assert str(to_decimal(text)) == shown


@pytest.mark.parametrize("bad", ["", "-", "--1", "nan", "1e99", "1e-99", "inf", None, True, 1.5, 10**41, "1_0"])
def test_what_is_no_number_is_refused(bad: object) -> None:
    with pytest.raises(InvalidNumber):
        to_decimal(bad)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=10, min_value=-(10**20), max_value=10**20))
def test_any_plain_decimal_comes_back(number: Decimal) -> None:
    assert to_decimal(f"{number:f}") == number


def test_one_bad_row_does_not_cost_the_others() -> None:
    text = '{"channel":"executions","type":"update","sequence":4,"data":[{"order_id":7},{"order_id":"O","zzz":1}]}'
    message = decode(text)
    assert isinstance(message, ExecutionsMessage)
    assert ([row.order_id for row in message.data], message.unreadable, message.sequence) == (["O"], 1, 4)
    with pytest.raises(InvalidMessage):
        decode('{"channel":"executions","type":"update","data":7}')
    with pytest.raises(InvalidMessage):
        decode('{"channel":"level3","type":"update","data":[{"symbol":7}]}')


def test_unknown_fields_are_counted_by_name() -> None:
    census = FieldCensus(channels=PRIVATE)
    text = '{"channel":"executions","type":"update","data":[{"order_id":"O","rate_counter":3}],"sequence":1}'
    census.look(text, decode(text))  # type: ignore[arg-type]
    assert list(census.unknown) == ["executions.data.rate_counter"]


def test_half_an_answer_is_read() -> None:
    answer = decode(
        '{"method":"add_order","req_id":"x","result":{"order_id":"a\\nb","warnings":["w\\u001b"]},"success":true}'
    )
    assert isinstance(answer, Answer)
    assert (answer.req_id, answer.order_id, answer.cl_ord_id, answer.success) == (None, None, None, True)
    assert answer.warnings == ("w\ufffd",)
    refused = decode('{"method":"add_order","req_id":3,"success":false}')
    assert isinstance(refused, Answer)
    assert refused.error == "refused without a reason"
    assert isinstance(decode('{"method":"subscribe","error":"ESession:Invalid session","success":false}'), Refusal)


def test_the_checksum_of_orders_is_not_that_of_levels() -> None:
    def units(side: str) -> list[tuple[int, int]]:
        return [(int(price.replace(".", "")), int(qty.replace(".", ""))) for price, qty in levels(LEVEL3[side])]

    def grouped(side: str) -> list[list[tuple[int, int]]]:
        rows = units(side)
        prices = list(dict.fromkeys(ticks for ticks, _ in rows))
        return [[row for row in rows if row[0] == price] for price in prices]

    assert checksum_of_orders(grouped("asks"), grouped("bids")) == LEVEL3["checksum"] == 1063832831
    summed = [[(level[0][0], sum(lots for _, lots in level)) for level in grouped(side)] for side in ("asks", "bids")]
    assert checksum_of_units(*summed) == 3003167673
    swapped = grouped("asks")
    swapped[0][0], swapped[0][1] = swapped[0][1], swapped[0][0]
    assert checksum_of_orders(swapped, grouped("bids")) == 1134640961
    assert checksum_of_orders([], []) == 0
