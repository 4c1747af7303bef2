"""A visitor's process: the screen, drawn for a browser. `python -m kraken_tui.web.visitor`, started by the server."""

from __future__ import annotations

import gc
import os
import sys

from kraken_tui.errors import KrakenError
from kraken_tui.text import clean_text

STOP_S = 1.2
"""Longest the engine may take to stop."""


FAILED, INTERNAL_ERROR = 1, 70
"""Exit codes."""


def _say(sentence: str) -> None:
    sys.stderr.write(f"{clean_text(sentence, 300)}\n")


def main() -> int:
    """Run the screen.

    Returns:
        The exit code. What went wrong is one sentence on standard error, which the server shows.
    """
    from kraken_tui.web.hand_over import VARIABLE, unpack

    try:
        settings, relay = unpack(os.environ)
    except KeyError:
        _say("this is a part of kraken-tui serve, which starts it")
        return FAILED
    del os.environ[VARIABLE]
    gc.disable()
    from kraken_tui.engine.engine import Engine
    from kraken_tui.engine.options import EngineOptions

    engine = Engine(settings, options=EngineOptions(history=True, relay=relay, keeps_index=False))
    try:
        from kraken_tui.tui.app import KrakenApp
        from kraken_tui.web.driver import VisitDriver, insist

        app = KrakenApp(engine, settings, on_first_paint=engine.start, visitor=True, ascii_only=False)
        app.driver_class = VisitDriver
        app.run(mouse=settings.mouse)
        insist()
    finally:
        engine.stop(STOP_S)
    crash = engine.failure or app.crash
    if crash is not None:
        _say(str(crash) if isinstance(crash, KrakenError) else f"internal error: {type(crash).__name__}: {crash}")
        return INTERNAL_ERROR
    if engine.feed_view.fatal:
        _say(engine.feed_view.fatal)
    return app.return_code or 0


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    # A thread that waits for a file or a name server must not keep the process.
    os._exit(code)
