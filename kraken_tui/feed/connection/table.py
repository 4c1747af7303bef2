"""The life of one connection, as a table: one for the public connection, one for each of the private ones.

Pure: no socket, no clock, no randomness.
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a connection stands."""

    DISCONNECTED = "DISCONNECTED"
    CONNECTING = "CONNECTING"
    AUTHENTICATING = "AUTHENTICATING"
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
    TOKEN = "token needed"
    PENDING = "subscriptions pending"
    CONFIRMED = "all confirmed"
    RESYNC = "book lost its proof"
    DEGRADE = "late or partly silent"
    LOST = "connection lost"
    BANNED = "venue refuses dials"
    COOLED = "cooldown over"
    STOPPED = "only the user can cure it"
    PLAY = "recording opened"
    CLOSE = "closed by the user"


class Action(StrEnum):
    """What a transition asks its owner to do."""

    SPEND_DIAL = "spend one dial"
    SUBSCRIBE = "subscribe instruments"
    AUTHENTICATE = "fetch a token after the first frame"
    HANG_UP = "close the socket"
    UNPROVE = "unprove all books"


class IllegalTransition(Exception):
    """The table has no such transition: a programming error, never a fault of the venue."""


_UP = (State.SUBSCRIBING, State.SUBSCRIBED, State.RESYNCING, State.DEGRADED)
_LOSS = (Action.HANG_UP, Action.UNPROVE)


Table = dict[tuple[State, Trigger], tuple[State, tuple[Action, ...]]]
"""(state, trigger) -> (next state, actions)."""


def _build_table() -> Table:
    table: Table = {
        (State.DISCONNECTED, Trigger.DIAL): (State.CONNECTING, (Action.SPEND_DIAL,)),
        (State.DISCONNECTED, Trigger.PLAY): (State.SUBSCRIBED, ()),
        (State.DISCONNECTED, Trigger.BANNED): (State.COOLDOWN, ()),
        (State.CONNECTING, Trigger.OPENED): (State.SUBSCRIBING, (Action.SUBSCRIBE,)),
        (State.COOLDOWN, Trigger.COOLED): (State.DISCONNECTED, ()),
    }
    _stand(table)
    _end(table, (State.CONNECTING, *_UP))
    return table


def _build_private_table() -> Table:
    table: Table = {
        (State.DISCONNECTED, Trigger.DIAL): (State.CONNECTING, (Action.SPEND_DIAL,)),
        (State.DISCONNECTED, Trigger.BANNED): (State.COOLDOWN, ()),
        (State.CONNECTING, Trigger.OPENED): (State.AUTHENTICATING, (Action.AUTHENTICATE,)),
        (State.AUTHENTICATING, Trigger.PENDING): (State.SUBSCRIBING, ()),
        (State.COOLDOWN, Trigger.COOLED): (State.DISCONNECTED, ()),
    }
    _stand(table)
    for state in _UP:
        table[(state, Trigger.TOKEN)] = (State.AUTHENTICATING, ())
    for state in (State.AUTHENTICATING, *_UP):
        table[(state, Trigger.STOPPED)] = (State.DISCONNECTED, _LOSS)
    _end(table, (State.CONNECTING, State.AUTHENTICATING, *_UP))
    return table


def _stand(table: Table) -> None:
    """Between the states of a connection that is up."""
    meaning = {
        Trigger.PENDING: State.SUBSCRIBING,
        Trigger.CONFIRMED: State.SUBSCRIBED,
        Trigger.RESYNC: State.RESYNCING,
        Trigger.DEGRADE: State.DEGRADED,
    }
    for state in _UP:
        table.update({(state, trigger): (after, ()) for trigger, after in meaning.items() if after is not state})


def _end(table: Table, states: tuple[State, ...]) -> None:
    """How a connection ends."""
    for state in states:
        table[(state, Trigger.LOST)] = (State.DISCONNECTED, _LOSS)
        table[(state, Trigger.BANNED)] = (State.COOLDOWN, _LOSS)
    for state in (State.DISCONNECTED, State.COOLDOWN, *states):
        table[(state, Trigger.CLOSE)] = (State.CLOSED, (Action.HANG_UP,))


TABLE = _build_table()
"""The public connection's. What is not in it cannot happen."""

PRIVATE_TABLE = _build_private_table()
"""That of each private connection, which begins with a token and can be stopped for good."""


def step(state: State, trigger: Trigger, table: Table = TABLE) -> tuple[State, tuple[Action, ...]]:
    """Look one transition up.

    Raises:
        IllegalTransition: The table does not have it.
    """
    try:
        return table[(state, trigger)]
    except KeyError:
        raise IllegalTransition(f"{trigger.value!r} cannot happen in {state.value}") from None


def transition_table(table: Table = TABLE) -> str:
    """A table as Markdown, for the documentation."""
    rows = [
        f"| {state} | {trigger.value} | {after} | {', '.join(actions) or '–'} |"
        for (state, trigger), (after, actions) in sorted(
            table.items(), key=lambda row: (list(State).index(row[0][0]), list(Trigger).index(row[0][1]))
        )
    ]
    return "\n".join(["| State | What happens | Next state | Actions |", "| --- | --- | --- | --- |", *rows])
