"""What is imported on the way to the first paint: each heavy module costs every start of the program."""

from __future__ import annotations

import pytest

pytest.importorskip("pty", reason="the screen needs a terminal of this system")

from benchmarks.startup import modules_at_first_paint, modules_of

NEVER = (
    "numpy", "aiohttp", "pydantic", "plotext", "pandas", "pyarrow", "prometheus_client", "httpx", "requests", "uvloop",
    "websockets", "zstandard", "sqlite3", "jsonschema", "urllib.request", "http.client", "multiprocessing",
    "kraken_tui.exchange", "kraken_tui.doctor", "kraken_tui.feed.session", "kraken_tui.feed.connection.websocket",
    "kraken_tui.feed.rest", "kraken_tui.recording", "kraken_tui.engine.worker", "kraken_tui.client",
    "kraken_tui.outputs", "kraken_tui.tui.draw.plots", "kraken_tui.tui.export.svg",
    "kraken_tui.cli.watch", "kraken_tui.cli.crash",
)  # fmt: skip
"""Not before the first paint, with all that is inside them: each can wait until it is asked for."""

MOST_OF_OURS = 135
MOST_OF_ALL = 700
"""Modules of the program and of all. A new one below these costs little; past them something heavy has come in."""


@pytest.fixture(scope="module")
def modules() -> frozenset[str]:
    return modules_at_first_paint()


@pytest.mark.realtime
def test_the_way_to_the_first_paint_imports_nothing_heavy(modules: frozenset[str]) -> None:
    assert "kraken_tui.tui.app" in modules
    assert "textual.app" in modules
    heavy = [name for name in NEVER if any(each == name or each.startswith(f"{name}.") for each in modules)]
    assert heavy == []


@pytest.mark.realtime
def test_the_way_to_the_first_paint_keeps_to_its_budget(modules: frozenset[str]) -> None:
    ours = sorted(name for name in modules if name.partition(".")[0] == "kraken_tui")
    assert len(ours) <= MOST_OF_OURS, f"{len(ours)} modules of our own: {', '.join(ours)}"
    assert len(modules) <= MOST_OF_ALL, f"{len(modules)} modules in all"


def test_the_version_needs_no_more_than_python() -> None:
    modules = modules_of("-m", "kraken_tui", "--version")
    assert {name for name in modules if name.partition(".")[0] == "kraken_tui"} <= {
        "kraken_tui",
        "kraken_tui.__main__",
        "kraken_tui._version",
        "kraken_tui.cli",
        "kraken_tui.cli.main",
        "kraken_tui.cli.console",
        "kraken_tui.errors",
    }
    assert not {"argparse", "asyncio", "textual", "rich", "msgspec", "json", "dataclasses"} & modules


def test_a_heavy_import_would_be_seen() -> None:
    modules = modules_of("-c", "import sqlite3, kraken_tui.feed.rest.client")
    assert {"sqlite3", "kraken_tui.feed.rest.client", "kraken_tui.feed"} <= modules
