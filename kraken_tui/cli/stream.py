"""`kraken-tui stream`: events as JSON lines on standard output."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kraken_tui.cli.command import Call, Subcommand, serve_metrics, tell_recording
from kraken_tui.cli.console import DONE, FAILED, SIGNALLED, complain, need_stdout
from kraken_tui.cli.private import asked_key
from kraken_tui.errors import ConfigurationError
from kraken_tui.settings.options import Option
from kraken_tui.settings.readers import Between, Number, Switch, Whole
from kraken_tui.words import counted

if TYPE_CHECKING:
    from kraken_tui.engine.engine import Engine
    from kraken_tui.wire.symbols import PairSpec

OPTIONS = (
    Option("seconds", Number(), "stop after S seconds", Between(0, 10_000_000), flag="--seconds", metavar="S"),
    Option(
        "count", Whole(), "stop after N book, trade and level3 lines", Between(1, 10**12),
        flag="--count", metavar="N",
    ),
    Option(
        "levels", Whole(), "levels a side on each book line (default {default})", Between(1, 1000),
        flag="--levels", metavar="L", default=10,
    ),
    Option(
        "snapshot_trades", Switch(), "also print trades from before the subscription",
        flag="--snapshot-trades", default=False,
    ),
    Option(
        "history", Switch(), "begin with what is known: candles, recent trades and the book of the moment",
        flag="--history", default=False,
    ),
)  # fmt: skip


def _run(call: Call) -> int:
    own = call.own
    settings = call.settings()
    key = asked_key(settings)
    if own["levels"] > settings.depth:
        raise ConfigurationError(
            f"--levels {own['levels']} is more than the book depth of {settings.depth}; add --depth"
        )
    need_stdout()
    from kraken_tui.engine.engine import Engine
    from kraken_tui.engine.options import EngineOptions
    from kraken_tui.outputs import SINKS
    from kraken_tui.outputs.pipe import PipeWriter, Unread
    from kraken_tui.outputs.pump import Pump, StopAfter
    from kraken_tui.terminal.signals import Signals

    options = EngineOptions(
        tell_state=own["history"], key=key, level3_all=settings.level3, level3_lines=settings.level3
    )
    engine = Engine(settings, options=options)
    listener = engine.listen(book_levels=own["levels"])
    with Signals() as signals:
        out = PipeWriter(sys.stdout.fileno(), signals.came)
        sink = SINKS["jsonlines"].make(
            lambda symbol: _spec(engine, symbol), out.write, snapshot_trades=own["snapshot_trades"] or own["history"]
        )
        pump = Pump(
            listener,
            engine,
            sink,
            complain,
            pairs=settings.pairs,
            stop_after=StopAfter(own["seconds"], own["count"]),
            stopping=signals.came,
            each_round=_Problem(engine).look,
        )
        metrics = serve_metrics(engine, settings)
        if metrics.problem:
            complain(metrics.problem)
        engine.start()
        try:
            sink.open()
            code = pump.run()
            sink.close()
        except Unread:
            code = DONE
        except BrokenPipeError:
            raise
        except OSError as error:
            complain(f"cannot write to standard output: {error.strerror}")
            code = FAILED
        finally:
            engine.stop()
            metrics.close()
    code = _ended(engine, listener.dropped, sink.counts.left_out, code)
    return code if signals.number is None else SIGNALLED + signals.number


def _ended(engine: Engine, dropped: int, left_out: int, code: int) -> int:
    """Say what is missing from the output and the recording; the exit code, which was `code` until then."""
    if engine.failure is not None:
        raise engine.failure
    account = engine.published().account
    whole = tell_recording(engine)
    if dropped:
        complain(f"{counted(dropped, 'event')} left out because the output was read too slowly")
    if left_out:
        complain(f"{counted(left_out, 'event')} left out because the precisions of the pair were not known")
    failed = not whole or (account is not None and account.problem)
    return FAILED if failed and code == DONE else code


class _Problem:
    """Says once why single orders or the account are not followed, and again if that changes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._told = ""

    def look(self) -> None:
        """Look at what the engine published last."""
        account = self._engine.published().account
        problem = "" if account is None else account.problem
        if problem and problem != self._told:
            complain(f"the account: {problem}")
        self._told = problem


def _spec(engine: Engine, symbol: str) -> PairSpec | None:
    view = engine.view(symbol)
    return None if view is None else view.spec


COMMAND = Subcommand(
    "stream",
    "Print book, trades, candles and feed state as JSON lines, one object a line.",
    _run,
    OPTIONS,
    defaults={"speed": 0.0},
)
