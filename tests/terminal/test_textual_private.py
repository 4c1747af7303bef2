"""Where Textual lacks a private name, its own driver is used, and the log says so in one line."""

from __future__ import annotations

import sys
from typing import Any

import pytest

pytest.importorskip("termios", reason="the driver is for POSIX terminals")

from textual.app import App
from textual.drivers.linux_driver import LinuxDriver

from kraken_tui.terminal import textual_private
from kraken_tui.terminal.leaving import choose_driver


def chosen() -> tuple[App[None], list[tuple[str, str]]]:
    app: App[None] = App()
    told: list[tuple[str, str]] = []
    keeper: Any = None
    choose_driver(app, keeper, lambda level, text: told.append((level, text)))
    return app, told


def test_our_driver_is_chosen_where_every_name_is_there() -> None:
    app, told = chosen()
    assert issubclass(app.driver_class, LinuxDriver)
    assert app.driver_class.__name__ == "KeptDriver"
    assert told == []


@pytest.mark.parametrize("names", ["METHODS", "ATTRIBUTES", "PARSER"])
def test_a_missing_name_leaves_textuals_own_driver(monkeypatch: pytest.MonkeyPatch, names: str) -> None:
    known = getattr(textual_private, names)
    for name in known:
        with monkeypatch.context() as patch:
            patch.setattr(textual_private, names, tuple(f"{each}_renamed" if each == name else each for each in known))
            app, told = chosen()
        assert app.driver_class.__name__ != "KeptDriver"
        assert len(told) == 1
        level, text = told[0]
        assert level == "warning"
        assert f"{name}_renamed" in text


def test_a_method_that_is_gone_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(LinuxDriver, "_sigtstp_application")
    app, told = chosen()
    assert app.driver_class.__name__ != "KeptDriver"
    assert "_sigtstp_application" in told[0][1]


def test_a_parser_that_is_gone_leaves_textuals_own_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    app_module = sys.modules["textual.app"]
    for name in ("kraken_tui.terminal.driver", "kraken_tui.terminal.textual_private"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "textual._xterm_parser", None)
    app, told = chosen()
    assert app.driver_class.__name__ != "KeptDriver"
    assert [level for level, _ in told] == ["warning"]
    assert sys.modules["textual.app"] is app_module
