"""Rows of the account's channels: one that cannot be read costs no other, and is counted."""

from __future__ import annotations

from typing import Any

import pytest

from kraken_tui.errors import InvalidMessage
from kraken_tui.wire.balances import BalancesMessage
from kraken_tui.wire.executions import ExecutionsMessage
from kraken_tui.wire.level3 import UNREADABLE, Level3Message
from kraken_tui.wire.private import decode

GOOD = {"executions": '{"order_id":"O"}', "balances": '{"asset":"BTC","balance":1.50}'}
BAD = {"executions": '{"order_id":7}', "balances": '{"asset":7,"balance":1.5}'}


def message(channel: str, *rows: str, more: str = "") -> Any:
    return decode(f'{{"channel":"{channel}","type":"update","data":[{",".join(rows)}]{more}}}')


@pytest.mark.parametrize("channel", GOOD)
def test_rows_that_cannot_be_read_are_left_out_and_counted(channel: str) -> None:
    good, bad = GOOD[channel], BAD[channel]
    for rows, read, unreadable in (
        ((), 0, 0), ((good,), 1, 0), ((good, good), 2, 0), ((bad,), 0, 1), ((bad, good, bad, good), 2, 2),
    ):  # fmt: skip
        found = message(channel, *rows, more=',"sequence":4')
        assert isinstance(found, ExecutionsMessage | BalancesMessage)
        assert (len(found.data), found.unreadable, found.sequence) == (read, unreadable, 4)
    assert message(channel, good).sequence is None
    with pytest.raises(InvalidMessage):
        decode(f'{{"channel":"{channel}","type":"update","data":{{}}}}')


def test_a_balance_keeps_its_digits() -> None:
    [row] = message("balances", GOOD["balances"]).data
    assert (row.asset, row.balance, row.type, row.asset_class) == ("BTC", "1.50", "", "")


def test_a_book_of_orders_that_cannot_be_read_is_one_that_every_book_rejects() -> None:
    good = '{"symbol":"A/B","checksum":1,"bids":[{"order_id":"O","limit_price":1.5,"order_qty":2.0}],"asks":[]}'
    bad = '{"symbol":"C/D","bids":[{"order_id":7}]}'
    found = message("level3", good, bad, good)
    assert isinstance(found, Level3Message)
    assert [row.symbol for row in found.data] == ["A/B", "C/D", "A/B"]
    assert found.data[1].bids == [UNREADABLE]
    assert (found.data[1].asks, found.data[0].checksum) == ([], 1)
    for data in ("{}", "5", "[7]", '[{"symbol":7}]', f"[{good},{{}}]"):
        with pytest.raises(InvalidMessage):
            decode(f'{{"channel":"level3","type":"update","data":{data}}}')
    with pytest.raises(InvalidMessage):
        decode('{"channel":"level3","data":[]}')
