"""`kraken-tui plot`: one chart as text on standard output."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from kraken_tui.cli.command import Call, Subcommand, tell_recording, tell_theme
from kraken_tui.cli.console import DONE, need_stdout, print_out
from kraken_tui.settings.options import Option
from kraken_tui.settings.readers import Between, Number, OneOf, Text, Whole

KINDS = ("candles", "depth", "spread", "imbalance", "latency", "heatmap")
_USUAL_SIZE = 100, 25

OPTIONS = (
    Option(
        "kind", Text(), "{allowed} (default {default})", OneOf(KINDS),
        flag="--kind", metavar="KIND", default=KINDS[0],
    ),
    Option(
        "width", Whole(), f"columns (default: the terminal's, else {_USUAL_SIZE[0]})", Between(20, 1000),
        flag="--width", metavar="N",
    ),
    Option(
        "height", Whole(), "rows (default {default})", Between(8, 400),
        flag="--height", metavar="N", default=_USUAL_SIZE[1],
    ),
    Option(
        "seconds", Number(), "watch this long before the chart (default: until there is something to draw)",
        Between(0, 86_400), flag="--seconds", metavar="S",
    ),
)  # fmt: skip


def _colours(environ: Mapping[str, str]) -> int:
    """How many colours the terminal says it has."""
    if environ.get("NO_COLOR") or environ.get("TERM") == "dumb":
        return 0
    if environ.get("COLORTERM", "").strip().lower() in ("truecolor", "24bit"):
        return 1 << 24
    return 256 if environ.get("TERM", "").endswith("256color") else 16


def _run(call: Call) -> int:
    own = call.own
    settings = call.settings()
    tell_theme(settings)
    need_stdout()
    from shutil import get_terminal_size

    from kraken_tui.cli.watch import Watch
    from kraken_tui.engine.engine import Engine
    from kraken_tui.engine.options import EngineOptions
    from kraken_tui.tui.draw.themes import worn

    colours = _colours(os.environ) if sys.stdout.isatty() else 0
    engine = Engine(settings, options=EngineOptions(history=own["kind"] == "heatmap", stand=True))
    try:
        with Watch(engine, settings.pairs, own["seconds"]) as watch:
            width = own["width"] or get_terminal_size(_USUAL_SIZE).columns
            chart = watch.chart(own["kind"], width, own["height"], worn(settings.theme, colours), colour=colours > 0)
    finally:
        tell_recording(engine)
    print_out(chart.rstrip("\n") + "\n")
    return DONE


COMMAND = Subcommand("plot", "Print one chart as text.", _run, OPTIONS, one_pair=True, defaults={"speed": 0.0})
