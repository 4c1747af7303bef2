"""Palettes as Rich and Textual want them: styles, segments, strips and themes."""

from __future__ import annotations

from functools import cache, lru_cache

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.theme import BUILTIN_THEMES, Theme

from kraken_tui.tui.draw.runs import Line, Run, printed
from kraken_tui.tui.draw.themes import ALL_PALETTES, ROLES, TRUE_COLOURS, Palette
from kraken_tui.tui.paint.textual_private import forget_sums, strip_class

_KEPT_SEGMENTS = 8_000
_BOLD = frozenset({"bright", "accent", "warn", "bad", "stale"})
_BOLD_GROUNDS = frozenset({"touch", "changed", "bid-faint", "ask-faint"})
_REVERSED = frozenset({"cursor", "tab"})
_SYSTEMS = {"truecolor": TRUE_COLOURS, "256": 256, "standard": 16, "windows": 16}

_Strip = strip_class()


class Styles:
    """Rich styles and segments of one palette, each made once.

    Args:
        palette: The colours.
    """

    def __init__(self, palette: Palette) -> None:
        self.palette = palette
        self._styles: dict[str, Style] = {}
        self._segments: dict[Run, Segment] = {}

    def style(self, key: str) -> Style:
        """Rich style of a style key, written as `kraken_tui.tui.draw.themes` says.

        Raises:
            KeyError: A role that is not in `ROLES`.
        """
        style = self._styles.get(key)
        if style is None:
            style = self._styles[key] = self._make(key)
        return style

    def segment(self, run: Run) -> Segment:
        """The segment of a run; runs repeat from row to row, so segments are kept."""
        segment = self._segments.get(run)
        if segment is None:
            if len(self._segments) >= _KEPT_SEGMENTS:
                self._segments.clear()
            segment = self._segments[run] = Segment(printed(run[0]), self.style(run[1]))
        return segment

    def _make(self, key: str) -> Style:
        colours = self.palette.colours
        role, _, ground = key.lstrip("!~").partition("/")
        bold, reverse = key.startswith("!"), key.startswith("~")
        if self.palette.ansi:
            # Of 16 colours no second ground is legible everywhere: emphasis is bold, a ground is reverse video.
            bold = bold or role in _BOLD or ground in _BOLD_GROUNDS or role == "badge"
            if ground in _REVERSED or role == "badge":
                return Style(color=colours["text"], bgcolor=colours["bg"], bold=bold or None, reverse=True)
        return Style(color=colours[role], bgcolor=colours[ground or "bg"], bold=bold or None, reverse=reverse or None)


@cache
def styles_of(theme: str) -> Styles:
    """Styles of a palette, by its name.

    Raises:
        KeyError: There is no such palette.
    """
    return Styles(ALL_PALETTES[theme])


def colours_of(system: str | None) -> int:
    """How many colours a terminal has, by Rich's name for its kind; None is a terminal without any."""
    return _SYSTEMS.get(system or "", 0)


def textual_theme(palette: Palette) -> Theme:
    """The Textual theme that gives dialogs, toasts and the command palette the same colours."""
    colours = palette.colours
    if palette.ansi:
        colours = {role: f"ansi_{colour}" for role, colour in colours.items()}
    # Textual's own widgets ask an ansi theme for further variables.
    variables = dict(BUILTIN_THEMES["ansi-dark"].variables) if palette.ansi else {}
    variables |= {f"kraken-{role}": colours[role] for role in ROLES}
    return Theme(
        name=theme_name(palette.name),
        primary=colours["accent"],
        secondary=colours["title"],
        accent=colours["accent"],
        foreground=colours["text"],
        background=colours["bg"],
        surface=colours["bg"],
        panel=colours["tab"],
        success=colours["ok"],
        warning=colours["warn"],
        error=colours["bad"],
        dark=palette.dark,
        ansi=palette.ansi,
        variables=variables,
    )


def theme_name(name: str) -> str:
    """Name under which Textual knows one of our themes."""
    return f"kraken-{name}"


@lru_cache(maxsize=1024)
def make_strip(line: Line, width: int, theme: str) -> Strip:
    """One row as a strip of exactly `width` cells; rows repeat often, so strips are kept."""
    return build_strip(line, width, styles_of(theme))


def forget_terminal() -> None:
    """Forget styles and rows made so far.

    Rich and Textual keep in each the sequence for the colours of the terminal that it was first written to; a program
    that starts in a process where another one ran may have another terminal.
    """
    styles_of.cache_clear()
    make_strip.cache_clear()
    forget_sums()


def build_strip(line: Line, width: int, styles: Styles) -> Strip:
    """Turn a line into a strip, padding or cutting it to `width` cells."""
    segments: list[Segment] = []
    left = width
    for run in line:
        if left <= 0:
            break
        size = len(run[0])
        if size > left:
            run = (run[0][:left], run[1])
        if size:
            segments.append(styles.segment(run))
            left -= size
    if left > 0:
        segments.append(styles.segment((" " * left, "text")))
    return _Strip(segments, width)
