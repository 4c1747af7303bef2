"""`kraken-tui snapshot`: one picture of the screen as an SVG file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kraken_tui.cli.command import Call, Subcommand, is_path, tell_recording, tell_theme
from kraken_tui.cli.console import DONE
from kraken_tui.cli.private import of_picture
from kraken_tui.errors import ConfigurationError, OutputFailed
from kraken_tui.settings.options import Option
from kraken_tui.settings.readers import Between, FileName, Number, Text, WrongValue

if TYPE_CHECKING:
    from pathlib import Path

_SMALLEST = 20, 5
_LARGEST = 500, 200


class PictureSize:
    """Columns and rows, such as 160x48."""

    def text(self, text: str) -> tuple[int, int]:
        """See `Reader`."""
        columns, _, rows = text.partition("x")
        if not all(part.isascii() and part.isdigit() and len(part) <= 4 for part in (columns, rows)):
            raise WrongValue("takes columns x rows, such as 160x48")
        size = int(columns), int(rows)
        if not all(low <= each <= high for low, each, high in zip(_SMALLEST, size, _LARGEST, strict=True)):
            raise WrongValue(f"takes {'x'.join(map(str, _SMALLEST))} to {'x'.join(map(str, _LARGEST))}")
        return size

    toml = value = text


def _views() -> tuple[str, ...]:
    from kraken_tui.tui.panes import views

    return tuple(views())


OPTIONS = (
    Option(
        "output", FileName(), "file to write; an existing one is replaced",
        flag="--output", metavar="FILE.svg", required=True,
    ),
    Option(
        "seconds", Number(), "watch this long before the picture (default: until every book is proven)",
        Between(0, 86_400), flag="--seconds", metavar="S",
    ),
    Option(
        "size", PictureSize(), "columns x rows (default 160x48)", flag="--size", metavar="160x48", default=(160, 48),
    ),
    Option(
        "view", Text(), "book, heatmap, candles, charts, tape, health or account (default {default})",
        flag="--view", metavar="NAME", default="book", choices=_views,
    ),
)  # fmt: skip


def _run(call: Call) -> int:
    own = call.own
    settings, key = of_picture(call.settings())
    tell_theme(settings)
    if own["view"] not in _views():
        raise ConfigurationError(f"--view takes one of {', '.join(_views())}")
    path: Path = own["output"]
    _check_output(path)
    from kraken_tui.cli.watch import Watch
    from kraken_tui.engine.engine import Engine
    from kraken_tui.engine.options import EngineOptions

    engine = Engine(settings, options=EngineOptions(history=True, stand=True, key=key))
    try:
        with Watch(engine, settings.pairs, own["seconds"]) as watch:
            svg = watch.picture(own["size"], own["view"])
    finally:
        tell_recording(engine)
    from kraken_tui.files import replace_text
    from kraken_tui.text import clean_text

    try:
        replace_text(path, svg)
    except OSError as error:
        raise OutputFailed(f"cannot write {clean_text(path)}: {error.strerror}") from None
    return DONE


def _check_output(path: Path) -> None:
    """Find out where to write before a minute is spent watching."""
    from kraken_tui.text import clean_text

    if not path.name or (is_path(path, "exists") and not is_path(path, "is_file")):
        raise ConfigurationError(
            "--output takes a file name; an existing file is replaced, anything else is left alone"
        )
    if not is_path(path.absolute().parent, "is_dir"):
        raise ConfigurationError(f"--output: there is no folder {clean_text(path.parent)}")


COMMAND = Subcommand(
    "snapshot",
    "Draw one picture of the screen as an SVG file; needs no terminal.",
    _run,
    OPTIONS,
    defaults={"speed": 0.0},
)
