"""`kraken-tui`: the screen."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from kraken_tui.cli.command import Call, Subcommand, serve_metrics, tell_recording
from kraken_tui.cli.console import FAILED, complain
from kraken_tui.cli.private import of_screen
from kraken_tui.errors import ConfigurationError

if TYPE_CHECKING:
    from kraken_tui.keys.key import ApiKey
    from kraken_tui.settings import Settings
    from kraken_tui.terminal.guardian import Guardian

_EPILOG = """\
commands:
  kraken-tui [PAIR ...]            the screen, live (default BTC/USD ETH/USD)
  kraken-tui stream [PAIR ...]     book, trades and candles as JSON lines
  kraken-tui snapshot [PAIR ...]   a picture of the screen; needs no terminal
  kraken-tui plot [PAIR]           one chart as text
  kraken-tui publish PAIR ...      the same events into Kafka, for many desks
  kraken-tui serve [PAIR ...]      the screen in a browser
  kraken-tui export FILE ...       recordings as Parquet or CSV
  kraken-tui doctor                checks of this installation, or a recording
  kraken-tui keys ACTION           API keys: add, list, remove, check
  kraken-tui config ACTION         settings: show, path, check, init
  kraken-tui completion SHELL      completions for bash, zsh or fish
Each has a --help of its own; man kraken-tui has them all.

Pairs may be written BTC/USD, btcusd, XBT/USD or XXBTZUSD. Settings also come from the environment
(KRAKEN_TUI_DEPTH=1000) and a TOML file; the command line wins, then the environment, then the file. Exit codes: 0 done,
1 feed or output failed for good, 2 wrong use, 70 internal error, 128+n ended by signal n."""


def _run(call: Call) -> int:
    settings, key, problem = of_screen(call.settings())
    from kraken_tui.terminal.signals import obstacle

    reason = obstacle(sys.stdin, sys.stdout, os.environ)
    if reason:
        pair = settings.pairs[0] if settings.pairs else "PAIR"
        raise ConfigurationError(f"the screen needs a terminal, but {reason}; for a pipe use: kraken-tui stream {pair}")
    from kraken_tui.terminal.guardian import Guardian

    # Before any thread, and before the screen takes the terminal.
    guardian = Guardian()
    guardian.start()
    try:
        return _guarded(settings, guardian, key, problem)
    finally:
        guardian.close()


def _guarded(settings: Settings, guardian: Guardian, key: ApiKey | None, problem: str) -> int:
    import gc

    # Looking for garbage while importing takes a tenth of the time to the first paint, which enables it again.
    gc.disable()
    # How soon a change, such as a key's, is painted; how often there are changes is --fps. Read at import.
    os.environ.setdefault("TEXTUAL_FPS", "60")
    for name in ("COLUMNS", "LINES"):
        # Some shells export these; a change of the window's size would never be seen.
        os.environ.pop(name, None)
    from kraken_tui.engine.engine import Engine
    from kraken_tui.engine.options import EngineOptions

    engine = Engine(settings, options=EngineOptions(history=True, key=key))
    if problem:
        engine.note("warning", problem)
    from kraken_tui.terminal import leaving

    metrics = serve_metrics(engine, settings)
    try:
        from kraken_tui.tui.app import KrakenApp

        def begin() -> None:
            engine.start()
            if metrics.problem:
                app.tell(metrics.problem)

        # One interpreter imports one thing at a time: the engine starts when the first screen is out.
        app = KrakenApp(engine, settings, on_first_paint=begin, fit_colours=True)
        code = leaving.run(app, mouse=settings.mouse, guardian=guardian, note=engine.note)
    finally:
        engine.stop(leaving.STOP_S)
        metrics.close()
    crash = engine.failure or getattr(app, "crash", None)
    if crash is not None:
        raise crash
    tell_recording(engine)
    if code == FAILED:
        complain(engine.feed_view.fatal)
    return code


COMMAND = Subcommand(
    "screen",
    "Live, checksum-proven Kraken order books in the terminal.",
    _run,
    epilog=_EPILOG,
    defaults={"demo_episodes": True},
)
