"""Answers to the trading methods: what is read of each field, and what is left of half an answer."""

from __future__ import annotations

from typing import Any

import pytest

from kraken_tui.wire.order_answers import Answer, AnsweredOrder, is_order_id, read_answer

BARE = {"method": "add_order", "success": True}


def read(result: Any = None, **fields: Any) -> Answer:
    return read_answer(BARE | {"result": result} | fields)


def test_an_answer_with_everything() -> None:
    row = {"order_id": "O1", "cl_ord_id": "c1", "order_userref": 7, "amend_id": "A1", "warnings": ["w"], "count": 3,
           "currentTime": "2026-01-05T12:00:00Z", "triggerTime": "2026-01-05T12:01:00Z"}  # fmt: skip
    assert read(row, req_id=5, time_in="a", time_out="b") == Answer(
        "add_order", 5, True, "", (AnsweredOrder("O1", "c1", 7),), "A1", 3,
        "2026-01-05T12:00:00Z", "2026-01-05T12:01:00Z", ("w",), "a", "b",
    )  # fmt: skip


@pytest.mark.parametrize("result", [None, {}, [], [{}], [None], 7, "text", [7, {}]])
def test_an_answer_without_a_result_names_nothing(result: Any) -> None:
    answer = read(result)
    assert answer == Answer("add_order", None, True)
    assert (answer.order_id, answer.cl_ord_id, answer.count) == (None, None, None)


def test_orders_are_named_in_the_order_of_the_request() -> None:
    answer = read([{"order_id": "O1"}, {}, 7, {"cl_ord_id": "c2"}, {"order_userref": 3}])
    assert answer.orders == (AnsweredOrder("O1"), AnsweredOrder(None, "c2"), AnsweredOrder(None, None, 3))
    assert (answer.order_id, answer.cl_ord_id) == ("O1", None)
    assert read([{"cl_ord_id": "c1"}, {"order_id": "O2", "cl_ord_id": "c2"}]).cl_ord_id == "c1"
    assert read([{"amend_id": "A1", "count": 1}, {"amend_id": "A2", "count": 2}]).amend_id == "A1"


@pytest.mark.parametrize(
    ("fields", "success", "error"),
    [
        ({}, True, ""),
        ({"success": None}, True, ""),
        ({"success": False}, False, "refused without a reason"),
        ({"success": False, "error": "EOrder:x"}, False, "EOrder:x"),
        ({"success": True, "error": "EOrder:x"}, False, "EOrder:x"),
        ({"Error": "Exceeded msg rate"}, False, "Exceeded msg rate"),
        ({"error": ""}, False, ""),
        ({"error": "a\x1bb"}, False, "a\ufffdb"),
    ],
)
def test_what_was_refused_and_why(fields: dict[str, Any], success: bool, error: str) -> None:
    answer = read(**fields)
    assert (answer.success, answer.error) == (success, error)


@pytest.mark.parametrize(("value", "number"), [(3, 3), (0, 0), (True, None), ("3", None), (3.0, None), (None, None)])
def test_numbers_are_whole_or_unknown(value: Any, number: int | None) -> None:
    answer = read({"count": value, "order_id": "O", "order_userref": value}, req_id=value)
    found = answer.count, answer.req_id, answer.orders[0].order_userref
    assert found == (number,) * 3
    assert {type(each) for each in found} == {type(number)}
    assert read(orders_cancelled=value).count == number


def test_the_count_of_the_result_goes_before_that_of_the_frame() -> None:
    assert read({"count": 2}, orders_cancelled=9).count == 2


@pytest.mark.parametrize(
    ("text", "is_id"),
    [("", False), ("O", True), ("x" * 64, True), ("x" * 65, False), ("ü", False), ("a\nb", False), ("a b", True)],
)
def test_what_can_name_an_order(text: str, is_id: bool) -> None:
    assert is_order_id(text) is is_id
    answer = read({"order_id": text, "cl_ord_id": text, "amend_id": text, "order_userref": 1})
    name = text if is_id else None
    assert (answer.order_id, answer.cl_ord_id, answer.amend_id) == (name, name, name)
    assert read({"order_id": 7, "cl_ord_id": 7}).orders == ()


def test_times_and_remarks_are_texts_that_can_be_shown() -> None:
    answer = read({"currentTime": 0, "triggerTime": ["x"], "warnings": ["a\x1b", 7]}, time_in=5, time_out=None)
    assert (answer.current_time, answer.trigger_time, answer.time_in, answer.time_out) == ("0", None, "5", None)
    assert answer.warnings == ("a\ufffd", "7")
    assert read({"warnings": "text"}).warnings == ()
