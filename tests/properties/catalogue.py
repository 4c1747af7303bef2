"""Properties P1 to P24 and security checks X1 to X17 by number: what each says, how far it holds, what shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tests.rig.ledger import table


@dataclass(frozen=True, slots=True)
class Entry:
    """One statement.

    Attributes:
        statement: In short.
        shown_by: Tests as `path::name`, the path below tests/; a path alone means all of it.
        state: "kept", or "partly: why", or "waits for what".
        command: What shows more of it by hand, or "".
    """

    statement: str
    shown_by: tuple[str, ...]
    state: str = "kept"
    command: str = ""


PROPERTIES: dict[int, Entry] = {
    1: Entry(
        "after any valid messages the client's book is the exchange's best N, N = 10, 25, 100, 500, 1000",
        (
            "market/book/test_l2.py::test_p1_p3_the_book_equals_the_venues_at_every_depth",
            "market/book/test_l2.py::test_random_messages_against_the_slow_book",
            "feed/proof/test_stitcher.py::test_p1_p3_p4_p5_the_book_equals_the_slow_one_and_proofs_follow_the_law",
            "properties/test_machine.py",
        ),
    ),
    2: Entry(
        "the checksum is that of an independent slow one, and of 200 real frames, from 2^31 on too",
        (
            "captures/test_captures.py::test_p2_a_real_book_has_the_checksums_that_were_sent",
            "market/book/test_l2.py::test_p2_short_sides_that_no_recording_holds",
            "wire/test_checksum.py::test_units_text_and_slow_agree",
        ),
        "partly: over 500 real frames, none of them with a short side or the checksum 0; those by the slow one only",
    ),
    3: Entry(
        "sides sorted, no zero quantity, no price twice, at most N levels",
        (
            "market/book/test_l2.py::test_p1_p3_the_book_equals_the_venues_at_every_depth",
            "feed/proof/test_stitcher.py::test_p1_p3_p4_p5_the_book_equals_the_slow_one_and_proofs_follow_the_law",
        ),
    ),
    4: Entry(
        "VERIFIED means that the last message's checksum matched; after a mismatch never before a new snapshot matched",
        (
            "feed/proof/test_stitcher.py::test_p1_p3_p4_p5_the_book_equals_the_slow_one_and_proofs_follow_the_law",
            "feed/proof/test_stitcher.py::test_only_a_new_snapshot_restores_trust",
            "properties/test_painted.py::test_no_painted_number_is_wrong_under_a_green_badge",
        ),
    ),
    5: Entry(
        "not crossed after a verified update, unless the exchange's book is, and then flagged",
        (
            "feed/proof/test_stitcher.py::test_p1_p3_p4_p5_the_book_equals_the_slow_one_and_proofs_follow_the_law",
            "faults/test_book.py::test_f61_a_crossed_book_with_a_right_checksum_is_shown_as_it_is",
            "tui/draw/test_ladder.py::test_a_crossed_book_is_named",
        ),
    ),
    6: Entry(
        "a number of the wire is printed again to the letter; order by units is the exact order",
        (
            "wire/test_digits.py::test_p6_what_the_wire_wrote_is_printed_again_to_the_letter",
            "wire/test_digits.py::test_p6_order_by_units_is_the_order_of_the_exact_numbers",
        ),
    ),
    7: Entry(
        "leading zeros do not change the checksum, any digit of the best ten does",
        ("wire/test_checksum.py::test_p7_leading_zeros_do_not_count_and_every_digit_of_the_ten_does",),
    ),
    8: Entry(
        "where the network cuts or joins its chunks changes nothing",
        (
            "feed/connection/test_chunks.py::test_p8_where_the_network_cuts_its_chunks_changes_nothing",
            "faults/test_sockets.py::test_f15_slices_of_a_few_bytes_change_nothing",
        ),
    ),
    9: Entry(
        "a snapshot makes all earlier history irrelevant",
        (
            "market/book/test_l2.py::test_p9_a_snapshot_makes_all_earlier_history_irrelevant",
            "faults/test_subscriptions.py::test_f39_a_snapshot_nobody_asked_for_replaces_the_whole",
        ),
    ),
    10: Entry(
        "a message for one pair changes no book, badge, counter or picture of another",
        ("properties/test_neighbours.py", "feed/connection/test_chaos.py"),
        command="python -m tests.rig.chaos",
    ),
    11: Entry(
        "every transition is in the table and has one cause; every state reaches SUBSCRIBED once faults stop",
        (
            "feed/connection/test_table.py::test_what_is_not_in_the_table_cannot_happen",
            "feed/connection/test_table.py::test_every_state_but_closed_can_reach_subscribed",
            "feed/connection/test_chaos.py::test_p10_p11_safe_under_any_faults_and_live_after_them",
            "properties/test_machine.py",
        ),
    ),
    12: Entry(
        "at most 30 dials in any 600 s, whatever the server does and however often the program restarts",
        (
            "feed/connection/test_table.py::test_no_window_ever_holds_more_dials_than_allowed_restarts_included",
            "feed/connection/test_budget_file.py::test_p12_processes_that_dial_at_the_same_time_share_one_budget",
            "faults/test_connection.py::test_f22_restarts_do_not_reset_the_budget",
            "properties/test_machine.py",
        ),
    ),
    13: Entry(
        "delays within 0 and the cap, the whole range used, never zero twice running, no collapse at the cap",
        (
            "feed/connection/test_table.py::test_delays_use_the_range_that_doubles_up_to_the_cap",
            "feed/connection/test_table.py::test_the_full_range_is_used_and_a_floor_is_kept",
        ),
    ),
    14: Entry(
        "the age shown is never smaller than the true one by more than 250 ms, whatever the clocks do",
        (
            "properties/test_age.py::test_p14_no_book_looks_younger_than_it_is",
            "feed/test_latency.py::test_p14_however_unequal_the_ways_are_no_age_looks_much_younger_than_it_is",
            "engine/test_blocked.py",
        ),
        "partly: steps, slewing, sleeps and latency are played, a monotonic clock of another speed is not",
    ),
    15: Entry(
        "no queue exceeds its bound; in = applied + ignored + rejected, offered = sent + dropped",
        (
            "engine/test_listeners.py::test_offered_is_taken_plus_dropped_plus_waiting",
            "engine/test_listeners.py::test_offered_is_sent_plus_dropped_plus_coalesced_plus_waiting_whatever_happens",
            "properties/test_machine.py",
        ),
        command="python -m tests.rig.fuzz z1",
    ),
    16: Entry(
        "what is recorded is read again to the bit; recording a replay gives the same content hash",
        (
            "recording/test_writer.py::test_p16_what_is_recorded_is_read_and_recorded_again_to_the_bit",
            "recording/test_replay.py::test_p16_a_replay_of_a_live_session_ends_in_the_same_books",
        ),
        "kept, but for line breaks: one inside a frame is recorded as a blank, which JSON reads alike",
    ),
    17: Entry(
        "any prefix of a recording gives a prefix of its frames",
        (
            "recording/test_replay.py::test_p17_f81_any_prefix_gives_a_prefix_of_the_frames",
            "faults/test_recording.py::test_f81_a_file_cut_anywhere_gives_all_whole_frames",
        ),
        command="python -m tests.rig.fuzz z3",
    ),
    18: Entry(
        "the state after a replay has one hash on three systems and four Pythons",
        (
            "properties/test_hashes.py",
            "engine/test_engine.py::test_what_it_records_it_can_replay_with_the_same_books",
        ),
        "partly: on Linux with three Pythons; other systems and Python 3.14 were not tried",
        "python -m tests.rig.hashes",
    ),
    19: Entry(
        "the text gate lets no controls, bidi or zero-width marks through, is idempotent, linear, and keeps the rest",
        (
            "test_text.py::test_result_is_inert",
            "test_text.py::test_idempotent",
            "test_text.py::test_printable_text_stays",
            "security/test_linear_time.py::test_the_gate_takes_twice_as_long_for_twice_the_text",
        ),
        command="python -m tests.rig.fuzz z7",
    ),
    20: Entry(
        "a file name made of any symbol stays in its folder, is short, and no other symbol's, whatever the case",
        (
            "test_text.py::test_file_stem",
            "test_text.py::test_distinct_symbols_have_distinct_files_even_where_case_is_ignored",
        ),
    ),
    21: Entry(
        "no secret appears, split, encoded or embedded",
        (
            "security/test_secrets.py::test_p21_no_address_that_is_refused_repeats_its_password",
            "security/test_secrets.py::test_p21_no_failure_of_a_proxy_repeats_its_password",
            "security/test_canaries.py",
            "test_secret.py::test_no_way_of_writing_a_secret_is_left",
        ),
    ),
    22: Entry(
        "nonces strictly increase over restarts, threads and clock steps",
        ("feed/rest/test_nonce.py", "feed/rest/test_private.py", "wire/test_signing.py::test_every_worked_nonce"),
    ),
    23: Entry(
        "at any size up to 400 x 200 no cell is drawn outside, and no number is cut without a mark",
        (
            "properties/test_any_size.py::test_p23_nothing_is_drawn_outside_and_no_number_is_cut",
            "tui/test_layout.py::test_places_are_inside_and_apart",
        ),
        "kept; the numbers of header, ladder and aggregated book are read back, of the other panes the widths are",
    ),
    24: Entry(
        "a price shown is the wire's text; a quantity is too, or is rounded to three digits",
        (
            "tui/draw/test_format.py::test_p24_a_quantity_of_a_column_is_rounded_to_three_digits_at_most",
            "tui/draw/test_format.py::test_p24_a_quantity_on_its_own_is_rounded_to_three_digits_at_most",
            "tui/draw/test_format.py::test_p24_a_price_is_the_wires_or_ends_in_an_ellipsis",
        ),
        "kept; less than what fits reads <, more carries a unit (K, M, B, T) or an exponent; thousands have commas",
    ),
}

CHECKS: dict[int, Entry] = {
    1: Entry(
        "TLS is always verified, 1.2 or newer, and nothing turns that off",
        (
            "faults/test_sockets.py::test_f17_bad_certificates_end_before_any_request",
            "security/test_sources.py::test_no_module_holds_a_forbidden_thing",
        ),
        "kept; a certificate without names is judged by its common name, as Python does",
    ),
    2: Entry(
        "no ws:// or http:// but to this computer; 12 tricks with addresses are refused",
        (
            "security/test_addresses.py::test_a_trick_is_refused_without_repeating_a_password",
            "security/test_addresses.py::test_the_same_for_rest",
            "feed/rest/test_client.py::test_x2_tricks_are_refused_in_one_sentence_without_secrets",
        ),
        "kept for 29 tricks; loopback needs no flag",
    ),
    3: Entry(
        "no host but the two of the exchange, and none that data name",
        (
            "security/test_addresses.py::test_no_host_but_the_one_named_is_ever_asked_for",
            "security/test_addresses.py::test_live_addresses_are_krakens_alone",
            "security/test_addresses.py::test_x3_no_test_may_reach_another_computer",
        ),
        "kept; one audit hook watches the whole suite's connections, the listed tests those of processes",
    ),
    4: Entry(
        "redirects are refused, proxies shown",
        (
            "faults/test_sockets.py::test_f16_a_redirect_is_refused_and_nothing_is_sent_there",
            "feed/rest/test_client.py::test_failures_are_soft_and_say_why",
            "faults/test_sockets.py::test_f18_a_dead_proxy_is_named",
        ),
    ),
    5: Entry(
        "canary secrets appear in no output, log, screen, picture, crash report or recording",
        (
            "security/test_secrets.py::test_x5_a_proxys_password_is_nowhere",
            "security/test_secrets.py::test_x5_a_process_writes_no_password",
            "security/test_secrets.py::test_x5_no_setting_repeats_a_password",
            "settings/test_sources.py::test_values_of_a_file_or_the_environment_are_never_repeated",
            "security/test_canaries.py::test_x5_no_canary_comes_to_light",
            "security/test_canaries.py::test_the_canary_is_there_when_the_gates_are_open",
        ),
        "kept: in the places that are listed; those behind a gate are shown to leak where it is open",
    ),
    6: Entry(
        "recordings hold no authentication frames",
        (
            "security/test_canaries.py::test_x5_no_canary_comes_to_light",
            "test_secret.py::test_a_frame_stays_json_and_a_public_one_the_same_object",
        ),
        "kept: they are recorded without their tokens, which are cut out before the disk",
    ),
    7: Entry(
        "files are made 0600 and folders 0700, whatever the umask; links are not followed",
        (
            "security/test_files.py",
            "keys/test_store.py::test_a_key_is_kept_so_that_only_its_owner_reads_it",
            "keys/test_store.py::test_a_file_that_others_may_use_is_refused_in_one_sentence_that_mends_it",
        ),
        "kept for every kind of file there is",
    ),
    8: Entry(
        "archives: size, ratio and frame limits, never unpacked whole",
        (
            "faults/test_recording.py::test_f84_bombs_and_strangers_are_refused",
            "recording/test_replay.py::test_f84_a_bomb_is_refused_early",
            "recording/test_writer.py::test_a_bomb_among_our_own_chunks_is_refused",
        ),
    ),
    9: Entry(
        "no path leaves its folder",
        ("faults/test_recording.py::test_f85_no_symbol_leaves_its_folder", "test_text.py::test_file_stem"),
    ),
    10: Entry(
        "only our own escapes reach a terminal: no OSC 52, no links to what data name",
        (
            "security/test_hostile_texts.py::test_the_bytes_that_reach_a_terminal",
            "security/test_hostile_texts.py::test_the_screen_and_its_pictures",
            "faults/test_text.py::test_f98_hostile_text_reaches_nobody",
        ),
        command="python -m tests.rig.fuzz z7",
    ),
    11: Entry(
        "metrics on loopback, without secrets, labels bounded",
        (
            "metrics/test_figures.py::test_labels_are_bounded_and_nothing_of_addresses_or_files_is_told",
            "settings/test_address.py::test_a_port_alone_is_one_of_this_computer",
        ),
    ),
    12: Entry(
        "keys come from a file or keyring, are copied twice at most, and are warned of when they can trade",
        (
            "wire/test_signing.py::test_bad_key_is_not_repeated",
            "security/test_secrets.py::test_x12_a_private_key_is_in_no_text_of_signing",
            "security/test_canaries.py::test_x12_neither_the_process_list_nor_a_child_gets_to_know_a_key",
            "keys/test_store.py",
            "keys/test_rights.py",
        ),
        "partly: keys come from the environment, a file or a keyring, and their rights are judged; how often Python"
        " copies a text in memory is not counted",
    ),
    13: Entry("Kafka refuses credentials in plain text", (), "waits for the Kafka output"),
    14: Entry(
        "dependencies pinned, scanned, releases signed, the wheel reproducible",
        (),
        "partly: the wheel is the same to the bit; development and CI install a lock file with hashes; dependencies are"
        " ranges by design, for this is also a library;"
        " no scan and no signed release yet",
        "python -m tests.rig.wheel",
    ),
    15: Entry(
        "no pickle, eval, shell, yaml",
        (
            "security/test_sources.py::test_no_module_holds_a_forbidden_thing",
            "security/test_sources.py::test_the_scan_finds_it",
        ),
    ),
    16: Entry(
        "patterns and gates take time in proportion to the text: 1 MB within 50 ms",
        (
            "security/test_linear_time.py::test_every_pattern_is_linear",
            "security/test_linear_time.py::test_every_gate_is_linear",
        ),
    ),
    17: Entry(
        "a screen in a browser is given to its own page only, and writes nothing on the server",
        (
            "web/test_guard.py::test_anybody_else_is_not",
            "web/test_serve.py::test_only_our_own_page_gets_a_screen",
            "web/test_serve.py::test_a_token_is_in_the_address_and_nowhere_else",
            "web/test_serve.py::test_two_visitors_of_one_connection",
            "web/test_serve.py::test_a_recording_is_played_for_each_visitor_alone",
        ),
        "kept; elsewhere than on loopback with a token, and TLS is a proxy's",
    ),
}


def entry_table(letter: str, entries: Mapping[int, Entry]) -> str:
    """One line an entry, for docs/RELIABILITY.md."""
    rows = []
    for number, entry in entries.items():
        shown = [f"`tests/{name.partition('::')[0]}`" for name in entry.shown_by]
        shown = list(dict.fromkeys(shown)) + ([f"`{entry.command}`"] if entry.command else [])
        rows.append((f"{letter}{number}", entry.statement, entry.state, ", ".join(shown)))
    return table(("No.", "Statement", "State", "Shown by"), rows)
