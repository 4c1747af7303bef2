"""The life of one connection, as a table.

Pure: no socket, no clock, no randomness.
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a connection stands."""

    DISCONNECTED = "DISCONNECTED"
    CONNECTING = "CONNECTING"
    SUBSCRIBING = "SUBSCRIBING"
    SUBSCRIBED = "SUBSCRIBED"
    RESYNCING = "RESYNCING"
    DEGRADED = "DEGRADED"
    COOLDOWN = "COOLDOWN"
    CLOSED = "CLOSED"


class Trigger(StrEnum):
    """What can happen to a connection."""

    DIAL = "dial"
    OPENED = "opened"
    PENDING = "subscriptions pending"
    CONFIRMED = "all confirmed"
    RESYNC = "book lost its proof"
    DEGRADE = "late or partly silent"
    LOST = "connection lost"
    BANNED = "venue refuses dials"
    COOLED = "cooldown over"
    PLAY = "recording opened"
    CLOSE = "closed by the user"


class Action(StrEnum):
    """What a transition asks its owner to do."""

    SPEND_DIAL = "spend one dial"
    SUBSCRIBE = "subscribe instruments"
    HANG_UP = "close the socket"
    UNPROVE = "unprove all books"


class IllegalTransition(Exception):
    """The table has no such transition: a programming error, never a fault of the venue."""


_UP = (State.SUBSCRIBING, State.SUBSCRIBED, State.RESYNCING, State.DEGRADED)
_LOSS = (Action.HANG_UP, Action.UNPROVE)


def _build_table() -> dict[tuple[State, Trigger], tuple[State, tuple[Action, ...]]]:
    table: dict[tuple[State, Trigger], tuple[State, tuple[Action, ...]]] = {
        (State.DISCONNECTED, Trigger.DIAL): (State.CONNECTING, (Action.SPEND_DIAL,)),
        (State.DISCONNECTED, Trigger.PLAY): (State.SUBSCRIBED, ()),
        (State.DISCONNECTED, Trigger.BANNED): (State.COOLDOWN, ()),
        (State.CONNECTING, Trigger.OPENED): (State.SUBSCRIBING, (Action.SUBSCRIBE,)),
        (State.COOLDOWN, Trigger.COOLED): (State.DISCONNECTED, ()),
    }
    meaning = {
        Trigger.PENDING: State.SUBSCRIBING,
        Trigger.CONFIRMED: State.SUBSCRIBED,
        Trigger.RESYNC: State.RESYNCING,
        Trigger.DEGRADE: State.DEGRADED,
    }
    for state in _UP:
        table.update({(state, trigger): (after, ()) for trigger, after in meaning.items() if after is not state})
    for state in (State.CONNECTING, *_UP):
        table[(state, Trigger.LOST)] = (State.DISCONNECTED, _LOSS)
        table[(state, Trigger.BANNED)] = (State.COOLDOWN, _LOSS)
    for state in State:
        if state is not State.CLOSED:
            table[(state, Trigger.CLOSE)] = (State.CLOSED, (Action.HANG_UP,))
    return table


TABLE = _build_table()
"""(state, trigger) -> (next state, actions). What is not in it cannot happen."""


def step(state: State, trigger: Trigger) -> tuple[State, tuple[Action, ...]]:
    """Look one transition up.

    Raises:
        IllegalTransition: The table does not have it.
    """
    try:
        return TABLE[(state, trigger)]
    except KeyError:
        raise IllegalTransition(f"{trigger.value!r} cannot happen in {state.value}") from None


def transition_table() -> str:
    """The table as Markdown, for the documentation."""
    rows = [
        f"| {state} | {trigger.value} | {after} | {', '.join(actions) or '–'} |"
        for (state, trigger), (after, actions) in sorted(
            TABLE.items(), key=lambda row: (list(State).index(row[0][0]), list(Trigger).index(row[0][1]))
        )
    ]
    return "\n".join(["| State | What happens | Next state | Actions |", "| --- | --- | --- | --- |", *rows])
