"""`kraken-tui doctor`: the self-test of the installation, of the way to the exchange, or of a recording."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from kraken_tui.cli.command import Call, Subcommand, check_recording
from kraken_tui.cli.console import need_stdout, print_out
from kraken_tui.errors import ConfigurationError
from kraken_tui.settings import LIVE_URL, Settings
from kraken_tui.settings.options import Option
from kraken_tui.settings.readers import PairCount, PairList, Switch, Text, WebSocketAddress

if TYPE_CHECKING:
    from kraken_tui.doctor.report import Result

_USUAL_WIDTH = 140

OPTIONS = (
    Option(
        "pairs", PairList(), "pair whose book --connect proves (default BTC/USD)", PairCount(1, 1), flag="PAIR",
    ),
    Option(
        "connect", Switch(), "check the way to the exchange instead, with one connection",
        flag="--connect", default=False,
    ),
    Option(
        "url", Text(), "WebSocket address for --connect (default Kraken's)", WebSocketAddress(),
        flag="--url", metavar="URL",
    ),
    Option(
        # Not a `FileName`, which fails for a user who does not exist: a shell has expanded it already.
        "recording", Text(), "play a recording and print its faults and a hash of the final state",
        flag="--recording", metavar="FILE",
    ),
    Option(
        "until_fault", Switch(), "with --recording: stop at the first fault and say where it is",
        flag="--until-fault", default=False,
    ),
    Option("json", Switch(), "print one JSON object instead of a table", flag="--json", default=False),
)  # fmt: skip


def _run(call: Call) -> int:
    own = call.own
    connect = own["connect"]
    for name, shown in (("url", "--url"), ("pairs", "PAIR")):
        if own[name] is not None and not connect:
            raise ConfigurationError(f"{shown} is for doctor --connect")
    if own["until_fault"] and own["recording"] is None:
        raise ConfigurationError("--until-fault is for doctor --recording FILE")
    if connect and own["recording"] is not None:
        raise ConfigurationError("doctor takes --connect or --recording, not both")
    need_stdout()
    if own["recording"] is not None:
        return _examine(own["recording"], until_fault=own["until_fault"], machine=own["json"])
    from kraken_tui.doctor import run as doctor
    from kraken_tui.terminal.signals import obstacle

    if connect:
        work = _visit(own["url"] or LIVE_URL, (own["pairs"] or Settings().pairs)[0])
    else:
        reason = obstacle(sys.stdin, sys.stdout, os.environ)

        def work() -> list[Result]:
            return doctor.examine(reason)

    return doctor.run(work, machine=own["json"], width=_width(), write=print_out)


def _width() -> int:
    """Columns of the table: those of the terminal, also where a pager or another program stands before it."""
    said = os.environ.get("COLUMNS", "")
    if said.isascii() and said.isdigit() and int(said[:6]):
        return int(said[:6])
    for stream in (sys.stdout, sys.stderr, sys.stdin):
        try:
            columns = os.get_terminal_size(stream.fileno()).columns
        except (AttributeError, OSError, ValueError):
            continue
        if columns:
            return columns
    return _USUAL_WIDTH


def _examine(name: str, *, until_fault: bool, machine: bool) -> int:
    from pathlib import Path

    path = Path(name)
    check_recording(path)
    from kraken_tui.doctor.recording import examine

    return examine(path, until_fault=until_fault, machine=machine, write=print_out)


def _visit(address: str, pair: str) -> Callable[[], list[Result]]:
    from kraken_tui.doctor.connect import visit
    from kraken_tui.engine.worker import budget_path_for

    return lambda: visit(address, pair, budget_path=budget_path_for(address))


COMMAND = Subcommand(
    "doctor",
    "Test this installation on this computer alone; or check the way to the exchange, or a recording."
    " Exit code 1 if a fault was found.",
    _run,
    OPTIONS,
    one_pair=True,
)
