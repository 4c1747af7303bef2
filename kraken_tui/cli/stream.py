"""`kraken-tui stream`: events as JSON lines on standard output."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from kraken_tui.cli.command import Call, Command, tell_recording
from kraken_tui.cli.console import DONE, FAILED, SIGNALLED, complain, need_stdout
from kraken_tui.errors import ConfigurationError
from kraken_tui.settings.options import Option
from kraken_tui.settings.readers import Between, Number, Switch, Whole

if TYPE_CHECKING:
    from kraken_tui.engine.engine import Engine
    from kraken_tui.engine.listeners import Listener
    from kraken_tui.wire.symbols import PairSpec

OPTIONS = (
    Option("seconds", Number(), "stop after S seconds", Between(0, 10_000_000), flag="--seconds", metavar="S"),
    Option("count", Whole(), "stop after N book and trade lines", Between(1, 10**12), flag="--count", metavar="N"),
    Option(
        "levels", Whole(), "levels a side on each book line (default {default})", Between(1, 1000),
        flag="--levels", metavar="L", default=10,
    ),
    Option(
        "snapshot_trades", Switch(), "also print trades from before the subscription",
        flag="--snapshot-trades", default=False,
    ),
)  # fmt: skip


def _run(call: Call) -> int:
    own = call.own
    settings = call.settings()
    if own["levels"] > settings.depth:
        raise ConfigurationError(
            f"--levels {own['levels']} is more than the book depth of {settings.depth}; add --depth"
        )
    need_stdout()
    from kraken_tui.engine.engine import Engine
    from kraken_tui.outputs.jsonlines import JsonLines
    from kraken_tui.outputs.printer import Limits, Output, StreamPrinter, Unread
    from kraken_tui.terminal.signals import Signals

    engine = Engine(settings)
    listener = engine.listen(book_levels=own["levels"])
    lines = JsonLines(lambda symbol: _spec(engine, symbol), snapshot_trades=own["snapshot_trades"])
    with Signals() as signals:
        printer = StreamPrinter(
            _taker(engine, listener),
            engine,
            lines,
            Output(sys.stdout.fileno(), signals.came).write,
            complain,
            pairs=settings.pairs,
            limits=Limits(own["seconds"], own["count"]),
            stopping=signals.came,
        )
        engine.start()
        try:
            code = printer.run()
        except Unread:
            code = DONE
        except BrokenPipeError:
            raise
        except OSError as error:
            complain(f"cannot write to standard output: {error.strerror}")
            code = FAILED
        finally:
            engine.stop()
    if engine.failure is not None:
        raise engine.failure
    tell_recording(engine)
    if listener.dropped:
        complain(f"{listener.dropped} events were left out because the output was read too slowly")
    if lines.left_out:
        complain(f"{lines.left_out} events were left out because their pair's precisions were not known")
    return code if signals.number is None else SIGNALLED + signals.number


def _taker(engine: Engine, listener: Listener) -> Callable[[float], object]:
    """The listener's `get` in the words of the printer; if the engine died, it raises what that died of."""
    from kraken_tui.engine.listeners import ListenerClosed
    from kraken_tui.outputs.printer import EndOfEvents

    def take(timeout_s: float) -> object:
        try:
            return listener.get(timeout_s)
        except ListenerClosed:
            raise (engine.failure or EndOfEvents()) from None

    return take


def _spec(engine: Engine, symbol: str) -> PairSpec | None:
    view = engine.view(symbol)
    return None if view is None else view.spec


COMMAND = Command(
    "stream",
    "Print book, trades, candles and feed state as JSON lines, one object a line.",
    _run,
    OPTIONS,
    defaults={"speed": 0.0},
)
