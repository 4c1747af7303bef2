"""The 36 mistakes of other programs (PRIVATE.md section 7), and the test that shows each is not made here.

A test is named by its path and its name, `test_mistake_NN_...`. A row without tests is not shown yet.
"""

from __future__ import annotations

_ORDERS = "market/orders/test_mistakes.py::test_mistake_"
_LINK = "feed/private/test_account.py::test_mistake_"
_LEVEL3 = "feed/private/test_level3.py::test_mistake_"
_LOOK_UP = "feed/private/test_reconcile.py::test_mistake_"
_L3 = "market/book/test_l3.py::"
_REST = "feed/rest/test_private.py::test_mistake_"
_AUTH = "feed/connection/test_auth.py::test_mistake_"
_WIRE = "wire/test_private_requests.py::test_mistake_"

MISTAKES: dict[int, tuple[str, tuple[str, ...]]] = {
    1: (
        "a request without an answer was sent again",
        (
            f"{_ORDERS}01_no_answer_is_looked_up_and_never_sent_again",
            "trading/test_trader.py::test_mistake_01_a_lost_answer_is_an_unknown_outcome_and_nothing_is_sent_again",
        ),
    ),
    2: (
        "the order lived although the call failed",
        (
            f"{_ORDERS}02_an_order_that_lives_though_its_call_failed_is_found",
            "trading/test_trader.py::test_mistake_02_an_order_that_lives_though_its_call_failed_is_told_as_accepted",
        ),
    ),
    3: (
        "the reference was hoped to prevent doubles",
        (
            f"{_ORDERS}03_an_id_is_used_once_even_after_its_order_ended",
            "trading/test_trader.py::test_mistake_03_every_order_has_a_name_of_its_own",
        ),
    ),
    4: ("a retry used the nonce again", (f"{_REST}04_a_second_try_takes_a_new_nonce",)),
    5: ("two calls in one millisecond", (f"{_REST}05_many_calls_in_one_instant_all_have_nonces_that_grow",)),
    6: (
        "a key was shared, or the nonce's unit changed",
        (f"{_REST}06_the_last_nonce_outlives_the_program_and_a_clock_set_back",),
    ),
    7: ("parallel calls collided", (f"{_REST}07_requests_of_one_key_never_overlap_whoever_sends_them",)),
    8: ("the token was kept over a reconnect", (f"{_AUTH}08_every_connection_fetches_its_own_token",)),
    9: ("the token was refreshed by a timer", (f"{_AUTH}09_no_timer_fetches_a_token",)),
    10: (
        "a key without the WebSocket right crashed",
        (f"{_REST}10_a_key_without_the_right_gets_the_message_and_no_further_request",),
    ),
    11: (
        "later events lack pair and client's id",
        (
            f"{_ORDERS}11_events_before_the_description_are_kept",
            f"{_LINK}11_events_of_an_order_from_elsewhere_are_described_first",
        ),
    ),
    12: (
        "answers were matched wrongly, late ones dropped",
        (
            f"{_ORDERS}12_answers_go_by_number_and_late_ones_count",
            f"{_LINK}12_a_late_answer_still_counts_and_a_lost_one_is_looked_up",
        ),
    ),
    13: (
        "fills of a snapshot were taken for new",
        (
            f"{_ORDERS}13_fills_of_a_snapshot_are_history",
            f"{_LINK}13_fills_of_a_snapshot_are_no_news_after_a_reconnect",
        ),
    ),
    14: (
        "the sequence was ignored",
        (
            f"{_ORDERS}14_a_hole_in_the_numbers_ends_the_trust",
            f"{_LINK}14_a_hole_in_the_numbers_is_told_and_cured",
        ),
    ),
    15: (
        "REST lags behind the socket",
        (
            f"{_ORDERS}15_missing_for_rest_means_nothing_for_a_minute",
            f"{_LOOK_UP}15_an_order_rest_does_not_know_yet_is_not_taken_for_gone",
        ),
    ),
    16: (
        "validate=false still only validated",
        (
            f"{_REST}16_a_flag_that_is_off_is_not_sent_at_all",
            f"{_WIRE}16_validate_is_left_out_where_it_is_off",
            "trading/test_trader.py::test_mistake_16_a_check_says_so_and_an_order_does_not_mention_it",
        ),
    ),
    17: (
        "a validated order has no id",
        (
            f"{_ORDERS}17_a_validated_order_needs_no_id",
            "trading/test_trader.py::test_mistake_17_a_check_is_answered_without_an_id",
        ),
    ),
    18: (
        "exponents or too many decimals in requests",
        (
            f"{_WIRE}18_numbers_are_floats_with_the_pairs_decimals_and_no_exponent",
            f"{_WIRE}18_a_pair_without_decimals_still_gets_a_point",
            "trading/test_trader.py::test_mistake_18_numbers_are_written_in_full",
        ),
    ),
    19: (
        "a hair short of full, waited for ever",
        (
            f"{_ORDERS}19_dust_is_filled",
            "trading/test_trader.py::test_mistake_19_an_order_that_ended_as_dust_is_not_moved_or_waited_for",
        ),
    ),
    20: (
        "loops into the rate limit",
        (
            f"{_REST}20_too_many_requests_are_followed_by_silence",
            f"{_LEVEL3}20_the_pace_of_subscriptions_is_kept_before_the_exchange_refuses",
            "trading/test_trader.py::test_mistake_20_orders_stop_before_the_rate_counter_is_full",
        ),
    ),
    21: (
        "cancelled was believed",
        (
            f"{_ORDERS}21_only_an_execution_ends_an_order",
            "trading/test_trader.py::test_mistake_21_only_the_end_of_an_order_makes_it_cancelled",
        ),
    ),
    22: ("partly filled, then cancelled, counted as nothing", (f"{_ORDERS}22_what_was_filled_before_a_cancel_stays",)),
    23: (
        "absent from the open orders was taken for refused",
        (
            f"{_ORDERS}23_absent_is_unknown_and_asked_for",
            f"{_LINK}23_an_order_that_went_while_nobody_looked_is_asked_for",
        ),
    ),
    24: ("unknown order crashed or looped", (f"{_ORDERS}24_unknown_order_is_looked_up",)),
    25: (
        "a client's id longer than 18 was refused",
        (
            f"{_WIRE}25_a_client_id_the_exchange_would_refuse_is_refused_here",
            f"{_WIRE}25_good_client_ids_pass",
            "trading/test_trader.py::test_mistake_25_names_are_short_enough_and_ours",
        ),
    ),
    26: (
        "the client's id was put into userref",
        (
            f"{_ORDERS}26_userref_and_client_id_are_two_fields",
            f"{_WIRE}26_a_client_id_and_a_userref_are_fields_of_their_own_and_exclude_each_other",
        ),
    ),
    27: ("the total was used as free", (f"{_ORDERS}27_a_total_is_never_free",)),
    28: ("the fee's currency was guessed", (f"{_ORDERS}28_fees_are_summed_by_their_own_asset",)),
    29: (
        "subscribed, acknowledged, silent",
        (
            f"{_ORDERS}29_a_snapshot_that_does_not_come_is_asked_for",
            f"{_LINK}29_silence_after_the_acknowledgement_is_asked_about",
            f"{_LEVEL3}29_an_acknowledgement_without_a_snapshot_is_not_believed",
        ),
    ),
    30: (
        "no account until the first change",
        (
            f"{_ORDERS}30_nothing_is_known_before_the_snapshots",
            f"{_LINK}30_nothing_is_ready_before_the_snapshots",
        ),
    ),
    31: (
        "post-only cancelled by the engine surprised",
        (
            f"{_ORDERS}31_a_post_only_order_that_would_have_taken_says_so",
            "trading/test_trader.py::test_mistake_31_a_post_only_order_that_would_take_is_told_of_first_and_its_end_is_no_error",
        ),
    ),
    32: ("a change of the rest was taken for a fill", (f"{_ORDERS}32_an_amend_is_no_fill",)),
    33: (
        "the book was not truncated, or must have ten levels",
        (f"{_L3}test_any_messages_give_the_book_of_the_slow_one", f"{_L3}test_mistake_33_a_short_side_is_a_book"),
    ),
    34: (
        "2FA on the key: permission denied",
        (
            f"{_REST}34_a_key_with_two_factor_authentication_is_told_apart",
            "wire/test_refusals.py::test_mistake_34_two_factor_on_the_key_is_named_where_permission_is_denied",
        ),
    ),
    35: (
        "Enter in a field sent the order",
        ("tui/test_trading.py::test_mistake_35_enter_sends_only_in_the_confirm_box_and_once",),
    ),
    36: (
        "secrets or tokens in logs",
        (
            "security/test_canaries.py::test_mistake_36_no_secret_is_in_a_log_or_an_error_even_one_this_process_has_never_seen",
        ),
    ),
}
"""Number -> (what happened, tests as `path::name` below tests/)."""

NOT_SHOWN = tuple(number for number, (_, tests) in MISTAKES.items() if not tests)
"""Rows whose tests are still to come."""
