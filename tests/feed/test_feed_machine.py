"""The table, the backoff and the dial budget."""

from __future__ import annotations

import json
import random
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kraken_tui.feed.machine import (
    SECOND,
    TABLE,
    Action,
    Backoff,
    DialBudget,
    IllegalTransition,
    Limits,
    State,
    Trigger,
    step,
    transition_table,
)

LIMITS = Limits()


def test_what_is_not_in_the_table_cannot_happen() -> None:
    for state in State:
        for trigger in Trigger:
            if (state, trigger) not in TABLE:
                with pytest.raises(IllegalTransition, match=state.value):
                    step(state, trigger)
    assert not [key for key in TABLE if key[0] is State.CLOSED]


def test_every_state_but_closed_can_reach_subscribed() -> None:
    for start in State:
        reached, frontier = {start}, [start]
        while frontier:
            state = frontier.pop()
            for (before, _), (after, _) in TABLE.items():
                if before is state and after not in reached:
                    reached.add(after)
                    frontier.append(after)
        assert (State.SUBSCRIBED in reached) is (start is not State.CLOSED)
        assert State.CLOSED in reached


@pytest.mark.parametrize(
    "state", [State.CONNECTING, State.SUBSCRIBING, State.SUBSCRIBED, State.RESYNCING, State.DEGRADED]
)
def test_losing_a_connection_hangs_up_unproves_and_schedules(state: State) -> None:
    assert step(state, Trigger.LOST) == (State.DISCONNECTED, (Action.HANG_UP, Action.UNPROVE, Action.RETRY))
    assert step(state, Trigger.BANNED) == (State.COOLDOWN, (Action.HANG_UP, Action.UNPROVE, Action.COOL))
    assert step(state, Trigger.CLOSE)[0] is State.CLOSED


def test_nothing_is_dialled_but_from_disconnected() -> None:
    assert [key for key, (after, _) in TABLE.items() if after is State.CONNECTING] == [
        (State.DISCONNECTED, Trigger.DIAL)
    ]
    assert step(State.DISCONNECTED, Trigger.DIAL)[1] == (Action.SPEND_DIAL,)


def test_a_private_feed_authenticates_first() -> None:
    assert step(State.CONNECTING, Trigger.OPENED_PRIVATE)[0] is State.AUTHENTICATING
    assert step(State.AUTHENTICATING, Trigger.AUTHENTICATED) == (State.SUBSCRIBING, (Action.SUBSCRIBE,))


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
    text = (Path(__file__).parents[2] / "docs" / "CONNECTION.md").read_text(encoding="utf-8")
    printed = text.split("<!-- transitions -->\n")[1].split("\n<!-- end of transitions -->")[0]
    assert printed == transition_table()


def test_the_documentation_states_the_limits_of_the_code() -> None:
    text = " ".join((Path(__file__).parents[2] / "docs" / "CONNECTION.md").read_text(encoding="utf-8").split())
    limits = Limits()
    for sentence in (
        f"ends it; a pong does not count | {limits.feed_deadline_s:.0f} s (DEGRADED from {limits.feed_late_s:.0f} s)",
        f"| {limits.open_s:.0f} s / {limits.ack_s:.0f} s, four times / {limits.snapshot_s:.0f} s |",
        f"| {limits.dial_limit} in any {limits.dial_window_s:.0f} s:",
        f"at least {limits.cooldown_s:.0f} s, longer if Retry-After says so, at most {limits.cooldown_cap_s:.0f} s",
        f"after {limits.stable_s:.0f} s up with every wanted book proven once",
        f"{limits.requests_per_s:.0f} a second evenly, at most {limits.burst} at once, {limits.batch} symbols each",
        f"begin {limits.audit_first_s:.0f} to {1.2 * limits.audit_first_s:.0f} s after",
        f"every {limits.audit_every_s:.0f} to {1.2 * limits.audit_every_s:.0f} s",
        f"DEGRADED from {limits.lag_degraded_s:.0f} s, STALE from 5 s, and from {limits.lag_drop_s:.0f} s",
        f"after a gap of {limits.backlog_s:.0f} s are a backlog",
        "next try after 60, then 300, then 900 s",
    ):
        assert sentence in text, sentence
    assert limits.ack_retries == 3
    assert limits.quarantine_s == (60.0, 300.0, 900.0)
