"""Frames of the channel `executions`: what became of the account's orders (PRIVATE.md section 3).

A row is a delta: after the first event of an order, what did not change is absent, and absent is None here.
"""

from __future__ import annotations

from typing import Any

import msgspec

from kraken_tui.wire.messages import Kind, WireNumber


class WireFee(msgspec.Struct, gc=False):
    """Part of the fee of one fill, in one asset."""

    asset: str
    qty: WireNumber


class Execution(msgspec.Struct, gc=False):
    """One event of one order, fields as PRIVATE.md section 3.3 names them; None is "not said"."""

    order_id: str
    exec_type: str = ""
    order_status: str | None = None
    timestamp: str | None = None
    cl_ord_id: str | None = None
    order_userref: int | None = None
    ord_ref_id: str | None = None
    symbol: str | None = None
    side: str | None = None
    order_type: str | None = None
    order_qty: WireNumber = None
    cash_order_qty: WireNumber = None
    cum_qty: WireNumber = None
    cum_cost: WireNumber = None
    avg_price: WireNumber = None
    limit_price: WireNumber = None
    limit_price_type: str | None = None
    display_qty: WireNumber = None
    display_qty_remain: WireNumber = None
    time_in_force: str | None = None
    effective_time: str | None = None
    expire_time: str | None = None
    post_only: bool | None = None
    reduce_only: bool | None = None
    margin: bool | None = None
    margin_borrow: bool | None = None
    no_mpp: bool | None = None
    liquidated: bool | None = None
    amended: bool | None = None
    position_status: str | None = None
    exec_id: str | None = None
    trade_id: int | None = None
    last_qty: WireNumber = None
    last_price: WireNumber = None
    cost: WireNumber = None
    liquidity_ind: str | None = None
    fees: list[WireFee] | None = None
    fee_usd_equiv: WireNumber = None
    fee_ccy_pref: str | None = None
    triggers: dict[str, Any] | None = None
    contingent: dict[str, Any] | None = None
    reason: str | None = None
    cancel_reason: str | None = None
    stop_price: WireNumber = None
    trigger: str | None = None
    triggered_price: WireNumber = None
    ext_ord_id: Any = None
    ext_exec_id: Any = None
    sender_sub_id: Any = None
    user: str | None = None
    ratecount: Any = None


class ExecutionsMessage(msgspec.Struct, tag_field="channel", tag="executions", gc=False):
    """Snapshot (open orders, and the last fills where asked for) or update.

    Attributes:
        sequence: One more with each frame of a subscription; None where the frame had none.
        unreadable: Rows left out because they could not be read: what they said is lost.
    """

    type: Kind
    data: list[Execution]
    sequence: int | None = None
    unreadable: int = msgspec.field(default=0, name="(unreadable)")


def read_rows(kind: Kind, fields: object) -> ExecutionsMessage | None:
    """A frame with the rows that can be read; how many could not is in `unreadable`."""
    if not isinstance(fields, list):
        return None
    rows: list[Execution] = []
    for row in fields:
        try:
            rows.append(msgspec.convert(row, Execution))
        except msgspec.ValidationError:
            continue
    return ExecutionsMessage(kind, rows, unreadable=len(fields) - len(rows))
