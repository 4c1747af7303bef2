"""The 36 mistakes of other programs (PRIVATE.md section 7), and the test that shows each is not made here.

A test is named by its path and its name, `test_mistake_NN_...`. A row without tests is not shown yet.
"""

from __future__ import annotations

_ORDERS = "market/orders/test_mistakes.py::test_mistake_"
_L3 = "market/book/test_l3.py::"

MISTAKES: dict[int, tuple[str, tuple[str, ...]]] = {
    1: ("a request without an answer was sent again", (f"{_ORDERS}01_no_answer_is_looked_up_and_never_sent_again",)),
    2: (
        "the order lived although the call failed",
        (f"{_ORDERS}02_an_order_that_lives_though_its_call_failed_is_found",),
    ),
    3: ("the reference was hoped to prevent doubles", (f"{_ORDERS}03_an_id_is_used_once_even_after_its_order_ended",)),
    4: ("a retry used the nonce again", ()),
    5: ("two calls in one millisecond", ()),
    6: ("a key was shared, or the nonce's unit changed", ()),
    7: ("parallel calls collided", ()),
    8: ("the token was kept over a reconnect", ()),
    9: ("the token was refreshed by a timer", ()),
    10: ("a key without the WebSocket right crashed", ()),
    11: ("later events lack pair and client's id", (f"{_ORDERS}11_events_before_the_description_are_kept",)),
    12: ("answers were matched wrongly, late ones dropped", (f"{_ORDERS}12_answers_go_by_number_and_late_ones_count",)),
    13: ("fills of a snapshot were taken for new", (f"{_ORDERS}13_fills_of_a_snapshot_are_history",)),
    14: ("the sequence was ignored", (f"{_ORDERS}14_a_hole_in_the_numbers_ends_the_trust",)),
    15: ("REST lags behind the socket", (f"{_ORDERS}15_missing_for_rest_means_nothing_for_a_minute",)),
    16: ("validate=false still only validated", ()),
    17: ("a validated order has no id", (f"{_ORDERS}17_a_validated_order_needs_no_id",)),
    18: ("exponents or too many decimals in requests", ()),
    19: ("a hair short of full, waited for ever", (f"{_ORDERS}19_dust_is_filled",)),
    20: ("loops into the rate limit", ()),
    21: ("cancelled was believed", (f"{_ORDERS}21_only_an_execution_ends_an_order",)),
    22: ("partly filled, then cancelled, counted as nothing", (f"{_ORDERS}22_what_was_filled_before_a_cancel_stays",)),
    23: ("absent from the open orders was taken for refused", (f"{_ORDERS}23_absent_is_unknown_and_asked_for",)),
    24: ("unknown order crashed or looped", (f"{_ORDERS}24_unknown_order_is_looked_up",)),
    25: ("a client's id longer than 18 was refused", ()),
    26: ("the client's id was put into userref", (f"{_ORDERS}26_userref_and_client_id_are_two_fields",)),
    27: ("the total was used as free", (f"{_ORDERS}27_a_total_is_never_free",)),
    28: ("the fee's currency was guessed", (f"{_ORDERS}28_fees_are_summed_by_their_own_asset",)),
    29: ("subscribed, acknowledged, silent", (f"{_ORDERS}29_a_snapshot_that_does_not_come_is_asked_for",)),
    30: ("no account until the first change", (f"{_ORDERS}30_nothing_is_known_before_the_snapshots",)),
    31: (
        "post-only cancelled by the engine surprised",
        (f"{_ORDERS}31_a_post_only_order_that_would_have_taken_says_so",),
    ),
    32: ("a change of the rest was taken for a fill", (f"{_ORDERS}32_an_amend_is_no_fill",)),
    33: (
        "the book was not truncated, or must have ten levels",
        (f"{_L3}test_any_messages_give_the_book_of_the_slow_one", f"{_L3}test_mistake_33_a_short_side_is_a_book"),
    ),
    34: ("2FA on the key: permission denied", ()),
    35: ("Enter in a field sent the order", ()),
    36: ("secrets or tokens in logs", ()),
}
"""Number -> (what happened, tests as `path::name` below tests/)."""

NOT_SHOWN = tuple(number for number, (_, tests) in MISTAKES.items() if not tests)
"""Rows whose tests are still to come."""
