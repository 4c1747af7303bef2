"""The table, the backoff and the dial budget."""

from __future__ import annotations

import json
import random
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kraken_tui.feed.connection.backoff import Backoff, DialBudget
from kraken_tui.feed.connection.table import (
    PRIVATE_TABLE,
    TABLE,
    Action,
    IllegalTransition,
    State,
    Table,
    Trigger,
    step,
    transition_table,
)
from kraken_tui.feed.limits import Limits, ns
from kraken_tui.units import SECOND

LIMITS = Limits()


class Loaded(random.Random):
    """Dice that always fall at the same place of the range."""

    def __init__(self, share: float) -> None:
        super().__init__(0)
        self.share = share

    def uniform(self, a: float, b: float) -> float:
        return a + self.share * (b - a)


def test_times_are_whole_nanoseconds() -> None:
    assert ns(1.5) == 1_500_000_000


def test_what_is_not_in_the_table_cannot_happen() -> None:
    for state in State:
        for trigger in Trigger:
            if (state, trigger) not in TABLE:
                with pytest.raises(IllegalTransition, match=state.value):
                    step(state, trigger)
    assert not [key for key in TABLE if key[0] is State.CLOSED]


@pytest.mark.parametrize("table", [TABLE, PRIVATE_TABLE])
def test_every_state_but_closed_can_reach_subscribed(table: Table) -> None:
    for start in {state for state, _ in table} | {State.CLOSED}:
        reached, frontier = {start}, [start]
        while frontier:
            state = frontier.pop()
            for (before, _), (after, _) in table.items():
                if before is state and after not in reached:
                    reached.add(after)
                    frontier.append(after)
        assert (State.SUBSCRIBED in reached) is (start is not State.CLOSED)
        assert State.CLOSED in reached


@pytest.mark.parametrize(
    "state", [State.CONNECTING, State.SUBSCRIBING, State.SUBSCRIBED, State.RESYNCING, State.DEGRADED]
)
def test_losing_a_connection_hangs_up_and_unproves(state: State) -> None:
    assert step(state, Trigger.LOST) == (State.DISCONNECTED, (Action.HANG_UP, Action.UNPROVE))
    assert step(state, Trigger.BANNED) == (State.COOLDOWN, (Action.HANG_UP, Action.UNPROVE))
    assert step(state, Trigger.CLOSE)[0] is State.CLOSED


def test_a_private_connection_needs_a_token_and_can_be_stopped_for_good() -> None:
    assert (State.CONNECTING, Trigger.OPENED) in PRIVATE_TABLE
    assert not any(s is State.AUTHENTICATING for s, _ in TABLE)
    assert step(State.CONNECTING, Trigger.OPENED, PRIVATE_TABLE)[0] is State.AUTHENTICATING
    for state in (State.AUTHENTICATING, State.SUBSCRIBING, State.SUBSCRIBED, State.RESYNCING, State.DEGRADED):
        assert step(state, Trigger.STOPPED, PRIVATE_TABLE) == (
            State.DISCONNECTED,
            (Action.HANG_UP, Action.UNPROVE),
        )
        assert step(state, Trigger.LOST, PRIVATE_TABLE)[0] is State.DISCONNECTED
    with pytest.raises(IllegalTransition):
        step(State.CONNECTING, Trigger.PENDING, PRIVATE_TABLE)


def test_nothing_is_dialled_but_from_disconnected() -> None:
    assert [key for key, (after, _) in TABLE.items() if after is State.CONNECTING] == [
        (State.DISCONNECTED, Trigger.DIAL)
    ]
    assert step(State.DISCONNECTED, Trigger.DIAL)[1] == (Action.SPEND_DIAL,)


def test_the_printed_table_has_every_transition() -> None:
    lines = transition_table().splitlines()
    assert len(lines) == len(TABLE) + 2
    assert "| CONNECTING | opened | SUBSCRIBING | subscribe instruments |" in lines


@given(st.integers(0, 2**32))
def test_delays_use_the_range_that_doubles_up_to_the_cap(seed: int) -> None:
    backoff = Backoff(LIMITS, random.Random(seed))
    delays = [backoff.next_delay_s() for _ in range(60)]
    for attempt, delay in enumerate(delays):
        assert 0 <= delay <= min(60.0, 2.0**attempt)
    assert not any(a < 0.05 and b < 0.05 for a, b in pairwise(delays))
    at_cap = delays[6:]
    assert max(at_cap) - min(at_cap) > 20, "the jitter must not collapse at the cap"
    assert backoff.attempt == 60
    backoff.reset()
    assert backoff.next_delay_s() <= 1.0


def test_the_bound_doubles_from_one_second_and_starts_over_only_on_reset() -> None:
    backoff = Backoff(LIMITS, Loaded(1.0))
    assert [backoff.next_delay_s() for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    backoff.reset()
    assert [backoff.next_delay_s() for _ in range(2)] == [1, 2]
    half = Backoff(LIMITS, Loaded(0.5))
    assert [half.next_delay_s() for _ in range(3)] == [0.5, 1, 2], "the range begins at zero"


def test_no_two_delays_running_are_nearly_zero() -> None:
    backoff = Backoff(LIMITS, Loaded(0.0))
    assert [backoff.next_delay_s() for _ in range(5)] == [0, 0.05, 0, 0.05, 0]


def test_the_full_range_is_used_and_a_floor_is_kept() -> None:
    backoff = Backoff(LIMITS, random.Random(3))
    backoff.attempt = 1_000_000
    delays = [backoff.next_delay_s() for _ in range(2000)]
    assert min(delays) < 1 < 59 < max(delays) <= 60
    assert min(backoff.next_delay_s(60.0) for _ in range(50)) == 60.0


@settings(max_examples=60)
@given(st.lists(st.tuples(st.floats(0, 120), st.booleans()), max_size=120), st.integers(-(10**12), 10**12))
def test_no_window_ever_holds_more_dials_than_allowed_restarts_included(
    steps: list[tuple[float, bool]], wall_shift: int
) -> None:
    budget, now, dials = DialBudget(LIMITS), 10**15, []
    for wait, restart in steps:
        now += round(wait * SECOND)
        if restart:
            saved = json.loads(json.dumps(budget.state(now, now + wall_shift)))
            now_after = now + 5_000 * SECOND  # another process, another monotonic clock
            budget = DialBudget(LIMITS)
            budget.restore(saved, now_after, now_after - 5_000 * SECOND + wall_shift)
            shift = now_after - now
            dials = [dial + shift for dial in dials]
            now = now_after
        for _ in range(3):
            if budget.next_allowed(now) <= now:
                budget.spend(now)
                dials.append(now)
    assert all(later - earlier > 600 * SECOND for earlier, later in zip(dials, dials[30:], strict=False))


def test_the_budget_says_when_the_next_dial_may_start() -> None:
    budget = DialBudget(LIMITS)
    for second in range(30):
        assert budget.next_allowed(second * SECOND) == second * SECOND
        budget.spend(second * SECOND)
    assert budget.next_allowed(30 * SECOND) == 600 * SECOND + 1
    assert budget.next_allowed(600 * SECOND + 1) == 600 * SECOND + 1


def test_a_cooldown_survives_a_restart_but_not_for_years() -> None:
    budget = DialBudget(LIMITS)
    budget.cool(900 * SECOND)
    saved = budget.state(0, 5 * SECOND)
    later = DialBudget(LIMITS)
    later.restore(saved, 0, 5 * SECOND)
    assert later.next_allowed(0) == 900 * SECOND
    later = DialBudget(LIMITS)
    later.restore({"version": 1, "dials": [], "cooldown_until": 10**20}, 0, 0)
    assert later.next_allowed(0) == 3600 * SECOND


def test_a_dial_counts_for_its_window_and_no_longer() -> None:
    budget = DialBudget(LIMITS)
    budget.spend(0)
    budget.spend(300 * SECOND)
    assert budget.spent(600 * SECOND) == 2, "the window holds both its ends"
    assert budget.spent(600 * SECOND + 1) == 1
    assert budget.state(900 * SECOND + 1, 0)["dials"] == []


def test_a_short_cooldown_does_not_end_a_long_one_and_a_past_one_is_none() -> None:
    budget = DialBudget(LIMITS)
    budget.cool(900)
    budget.cool(600)
    assert budget.next_allowed(0) == 900
    assert budget.next_allowed(900) == 900
    assert budget.cooldown_until is None
    budget.cool(901)
    assert budget.state(901, 5)["cooldown_until"] is None
    budget.cool(902)
    budget.restore({"version": 1}, 902, 5)
    assert budget.cooldown_until is None


def test_a_cooldown_that_was_over_before_the_restart_is_none() -> None:
    wall = 1_700_000_000 * SECOND
    for ago, left in ((-1, 10 * SECOND + 1), (0, None), (SECOND, None)):
        budget = DialBudget(LIMITS)
        budget.restore({"version": 1, "cooldown_until": wall - ago}, 10 * SECOND, wall)
        assert budget.cooldown_until == left


def test_a_budget_file_of_any_size_costs_little() -> None:
    budget = DialBudget(LIMITS)
    for second in range(10):
        budget.spend(second * SECOND)
    budget.restore({"version": 1, "dials": [(30 + index) * SECOND for index in range(500)]}, 600 * SECOND, 600 * SECOND)
    assert budget.spent(600 * SECOND) == 4 * LIMITS.dial_limit


def test_a_dial_read_back_is_our_own_within_fifty_milliseconds() -> None:
    near = SECOND // 20
    for apart, count in ((0, 1), (near, 1), (-near, 1), (near + 1, 2), (-near - 1, 2)):
        budget = DialBudget(LIMITS)
        budget.spend(SECOND)
        budget.restore({"version": 1, "dials": [SECOND + apart]}, 2 * SECOND, 2 * SECOND)
        assert budget.spent(2 * SECOND) == count, apart


@pytest.mark.parametrize(
    "nonsense",
    [
        None,
        [],
        {},
        {"version": 2},
        {"version": 1, "dials": "x", "cooldown_until": "y"},
        {"version": 1, "dials": [1.5, None, True]},
    ],
)
def test_a_nonsensical_budget_file_is_ignored(nonsense: object) -> None:
    budget = DialBudget(LIMITS)
    budget.restore(nonsense, 100, 100)
    assert budget.next_allowed(100) == 100


def test_a_clock_set_back_does_not_block_dials_for_ever() -> None:
    budget = DialBudget(LIMITS)
    budget.restore({"version": 1, "dials": [10**18] * 30, "cooldown_until": None}, 5, 5)
    assert budget.next_allowed(5) == 5 + 600 * SECOND + 1


def test_our_own_dials_read_back_are_not_counted_twice() -> None:
    budget = DialBudget(LIMITS)
    for second in range(20):
        budget.spend(second * SECOND)
    budget.restore(budget.state(20 * SECOND, 70 * SECOND), 20 * SECOND, 70 * SECOND + 1000)
    assert budget.next_allowed(21 * SECOND) == 21 * SECOND


def test_the_documentation_prints_the_table_of_the_code() -> None:
    text = (Path(__file__).parents[3] / "docs" / "CONNECTION.md").read_text(encoding="utf-8")
    printed = text.split("<!-- transitions -->\n")[1].split("\n<!-- end of transitions -->")[0]
    assert printed == transition_table()
    printed = text.split("<!-- private transitions -->\n")[1].split("\n<!-- end of private transitions -->")[0]
    assert printed == transition_table(PRIVATE_TABLE)


def test_the_documentation_states_the_limits_of_the_code() -> None:
    text = " ".join((Path(__file__).parents[3] / "docs" / "CONNECTION.md").read_text(encoding="utf-8").split())
    limits = Limits()
    for sentence in (
        f"ends it; a pong does not count | {limits.feed_deadline_s:.0f} s (DEGRADED from {limits.feed_late_s:.0f} s)",
        f"| {limits.open_s:.0f} s / {limits.ack_s:.0f} s, four times / {limits.snapshot_s:.0f} s |",
        f"| {limits.dial_limit} in any {limits.dial_window_s:.0f} s:",
        f"at least {limits.cooldown_s:.0f} s, longer if Retry-After says so, at most {limits.cooldown_cap_s:.0f} s",
        f"still stays silent | DEGRADED, asked for again every {limits.silent_retry_s:.0f} s |",
        f"a ping every {limits.idle_ping_s:.0f} s at least, for the venue",
        f"| uniform between 0 and {limits.backoff_first_s:.0f}, 2, 4 ... {limits.backoff_cap_s:.0f} s;",
        f"close 1009, next try after {limits.slow_retry_s:.0f} s at the earliest",
        f"measured by ping and pong every {limits.clock_ping_s:.0f} s",
        f"after {limits.stable_s:.0f} s up with every wanted book proven once",
        f"{limits.requests_per_s:.0f} a second evenly, at most {limits.burst} at once, {limits.batch} symbols each",
        f"begin {limits.audit_first_s:.0f} to {1.2 * limits.audit_first_s:.0f} s after",
        f"every {limits.audit_every_s:.0f} to {1.2 * limits.audit_every_s:.0f} s",
        f"is repeated after {limits.audit_again_s:.0f} to {1.2 * limits.audit_again_s:.0f} s",
        f"Up to {limits.audit_batch} books share one audit, whose connection lasts {limits.audit_limit_s:.0f} s",
        f"DEGRADED from {limits.lag_degraded_s:.0f} s, STALE from 5 s, and from {limits.lag_drop_s:.0f} s",
        f"after a gap of {limits.backlog_s:.0f} s are a backlog",
        f"four failures in {limits.resync_window_s:.0f} s; data shown as UNVERIFIED",
        "next try after 60, then 300, then 900 s",
        "fetched again, at most once a minute.",
        "half a second apart at least",
    ):
        assert sentence in text, sentence
    assert limits.ack_retries == limits.resync_limit == 3
    assert (limits.lag_drop_gap_s, limits.resync_gap_s) == (60.0, 0.5)
    assert limits.quarantine_s == (60.0, 300.0, 900.0)
