"""The engine's event loop: which one, and which errors of it are none of ours."""

from __future__ import annotations

import asyncio
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from kraken_tui.engine.loop import LOOP_VARIABLE, forgive_lost_connections, new_event_loop


class Loop:
    """Takes note of its exception handler, and of what it handles as usual."""

    def __init__(self) -> None:
        self.handler: object = None
        self.handled: list[dict[str, Any]] = []

    def set_exception_handler(self, handler: object) -> None:
        self.handler = handler

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        self.handled.append(context)


@pytest.mark.parametrize(("wanted", "fast"), [("", True), ("uvloop", True), ("asyncio", False)])
def test_the_fast_loop_is_taken_where_it_is_installed_unless_the_other_is_named(
    wanted: str, fast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Loop()
    monkeypatch.setitem(sys.modules, "uvloop", SimpleNamespace(new_event_loop=lambda: made))
    monkeypatch.setenv(LOOP_VARIABLE, wanted)
    found: Any = new_event_loop()
    assert (found is made) is fast
    if fast:
        assert made.handler is forgive_lost_connections
    else:
        assert isinstance(found, asyncio.AbstractEventLoop)
        assert found.get_exception_handler() is forgive_lost_connections
        found.close()


def test_without_it_there_is_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    monkeypatch.delenv(LOOP_VARIABLE, raising=False)
    found = new_event_loop()
    assert found.get_exception_handler() is forgive_lost_connections
    found.close()


def test_only_a_lost_connection_is_forgiven() -> None:
    loop: Any = Loop()
    for forgiven in (ConnectionResetError(), EOFError(), TimeoutError()):
        forgive_lost_connections(loop, {"exception": forgiven})
    assert loop.handled == []
    for context in ({"exception": ValueError()}, {"message": "odd"}):
        forgive_lost_connections(loop, context)
        assert loop.handled[-1] is context
