"""Answers to the trading methods of the private socket (PRIVATE.md section 5.1).

An answer says what the exchange did with a request; what becomes of the order arrives as executions, before or after
it. Refusals are answers too: `error` is then the exchange's own text, cleaned for display.
"""

from __future__ import annotations

from typing import Any

import msgspec

from kraken_tui.text import clean_text

METHODS = (
    "add_order",
    "amend_order",
    "edit_order",
    "cancel_order",
    "cancel_all",
    "cancel_all_orders_after",
    "batch_add",
    "batch_cancel",
)

LONGEST_ID = 64
"""Longest name of an order that is accepted, in characters; Kraken's have 19, a UUID 36."""


class AnsweredOrder(msgspec.Struct, frozen=True, gc=False):
    """The names of one order in an answer."""

    order_id: str | None = None
    cl_ord_id: str | None = None
    order_userref: int | None = None


class Answer(msgspec.Struct, frozen=True):
    """One answer.

    Attributes:
        method: Method it answers.
        req_id: Number of the request; an answer of `cancel_order` comes once per order with the same number.
        success: Whether the request was accepted. An order that was accepted can still be cancelled by the engine.
        error: The refusal, "" where there was none.
        orders: Orders the answer names; none for a validated order, several only for `batch_add`, in request order.
        amend_id: Name of an amend.
        count: Orders cancelled by `cancel_all` and `batch_cancel`.
        current_time, trigger_time: Of `cancel_all_orders_after`, RFC 3339 in whole seconds; "0" once it is off.
        warnings: The exchange's remarks, cleaned.
        time_in, time_out: The exchange's clock at receipt and at sending.
    """

    method: str
    req_id: int | None
    success: bool
    error: str = ""
    orders: tuple[AnsweredOrder, ...] = ()
    amend_id: str | None = None
    count: int | None = None
    current_time: str | None = None
    trigger_time: str | None = None
    warnings: tuple[str, ...] = ()
    time_in: str | None = None
    time_out: str | None = None

    @property
    def order_id(self) -> str | None:
        """Name of the first order."""
        return self.orders[0].order_id if self.orders else None

    @property
    def cl_ord_id(self) -> str | None:
        """The client's own name of the first order."""
        return self.orders[0].cl_ord_id if self.orders else None


def read_answer(fields: dict[str, Any]) -> Answer:
    """Lenient: an answer that is half understood is worth more than none, since the order may live."""
    result = fields.get("result")
    rows = result if isinstance(result, list) else [result]
    first: dict[str, Any] = rows[0] if rows and isinstance(rows[0], dict) else {}
    error = fields.get("error", fields.get("Error"))
    refused = error is not None or fields.get("success") is False
    warnings = first.get("warnings")
    count = first.get("count", fields.get("orders_cancelled"))
    return Answer(
        method=clean_text(fields.get("method"), 60),
        req_id=_integer(fields.get("req_id")),
        success=not refused,
        error=clean_text(error if error is not None else "refused without a reason") if refused else "",
        orders=tuple(order for row in rows if (order := _order(row)) is not None),
        amend_id=_id(first.get("amend_id")),
        count=_integer(count),
        current_time=_time(first.get("currentTime")),
        trigger_time=_time(first.get("triggerTime")),
        warnings=tuple(clean_text(item) for item in warnings) if isinstance(warnings, list) else (),
        time_in=_time(fields.get("time_in")),
        time_out=_time(fields.get("time_out")),
    )


def _order(row: object) -> AnsweredOrder | None:
    if not isinstance(row, dict):
        return None
    order = AnsweredOrder(_id(row.get("order_id")), _id(row.get("cl_ord_id")), _integer(row.get("order_userref")))
    return order if order != AnsweredOrder() else None


def _id(value: object) -> str | None:
    return value if isinstance(value, str) and is_order_id(value) else None


def is_order_id(text: str) -> bool:
    """Whether a text can name an order: printable ASCII of a sane length."""
    return 0 < len(text) <= LONGEST_ID and text.isascii() and text.isprintable()


def _time(value: object) -> str | None:
    return clean_text(value, 40) if isinstance(value, str | int) else None


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
