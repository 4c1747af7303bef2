"""Makes Rich's SVG stand in exact cells with any font and any renderer.

Rich writes a row as runs of text and trusts the font to be as wide as its own. Renderers differ in what they do
with `textLength` and with leading spaces, so runs are cut at gaps, each piece is put at its own cell, and block
characters (bars, candles) become rectangles.
"""

from __future__ import annotations

import re
from html import escape, unescape

from rich.cells import cell_len

CELL_WIDTH = 12.2
"""Width of a cell in Rich's pictures: font size 20 x aspect ratio 0.61."""

LINE_HEIGHT = 24.4
FONT_SIZE = 20.26
"""At this size DejaVu Sans Mono and Menlo (0.602 em) are one cell wide, even where `textLength` is ignored."""

_BASELINE = 20.0
_TOP = 1.5

_TEXT = re.compile(
    r'<text class="(?P<style>[^"]*)" x="(?P<x>[\d.]+)" y="(?P<y>[\d.]+)" textLength="[\d.]+" '
    r'clip-path="(?P<clip>[^"]*)">(?P<text>[^<]*)</text>'
)
_GAP = "\N{NO-BREAK SPACE}"
_LEFT = "▏▎▍▌▋▊▉█"
_LOWER = "▁▂▃▄▅▆▇"
_HALF_LINE = 0.06
_MIDDLE = 0.5 - _HALF_LINE, 0.5 + _HALF_LINE
_FLAT = 0.5 - _HALF_LINE / 2, 0.5 + _HALF_LINE / 2
_UP = (_MIDDLE[0], 0.0, _MIDDLE[1], _FLAT[1])
_DOWN = (_MIDDLE[0], _FLAT[0], _MIDDLE[1], 1.0)
_THROUGH = (_MIDDLE[0], 0.0, _MIDDLE[1], 1.0)
_ACROSS = (0.0, _FLAT[0], 1.0, _FLAT[1])
_TOP_LEFT, _TOP_RIGHT = (0.0, 0.0, 0.5, 0.5), (0.5, 0.0, 1.0, 0.5)
_LOW_LEFT, _LOW_RIGHT = (0.0, 0.5, 0.5, 1.0), (0.5, 0.5, 1.0, 1.0)
_TOP_HALF, _LOW_HALF = (0.0, 0.0, 1.0, 0.5), (0.0, 0.5, 1.0, 1.0)

_SHAPES: dict[str, tuple[tuple[float, float, float, float], ...]] = {
    **{character: ((0.0, 0.0, (at + 1) / 8, 1.0),) for at, character in enumerate(_LEFT)},
    **{character: ((0.0, 1 - (at + 1) / 8, 1.0, 1.0),) for at, character in enumerate(_LOWER)},
    "▀": (_TOP_HALF,), "▐": ((0.5, 0.0, 1.0, 1.0),), "▕": ((7 / 8, 0.0, 1.0, 1.0),), "▔": ((0.0, 0.0, 1.0, 1 / 8),),
    "▘": (_TOP_LEFT,), "▝": (_TOP_RIGHT,), "▖": (_LOW_LEFT,), "▗": (_LOW_RIGHT,),
    "▚": (_TOP_LEFT, _LOW_RIGHT), "▞": (_TOP_RIGHT, _LOW_LEFT),
    "▛": (_TOP_HALF, _LOW_LEFT), "▜": (_TOP_HALF, _LOW_RIGHT),
    "▙": (_TOP_LEFT, _LOW_HALF), "▟": (_TOP_RIGHT, _LOW_HALF),
    "│": (_THROUGH,), "╵": (_UP,), "╷": (_DOWN,), "─": (_ACROSS,), "┼": (_THROUGH, _ACROSS),
    "┴": (_UP, _ACROSS), "┬": (_DOWN, _ACROSS),
    "┤": (_THROUGH, (0.0, _FLAT[0], 0.5, _FLAT[1])), "├": (_THROUGH, (0.5, _FLAT[0], 1.0, _FLAT[1])),
}  # fmt: skip
"""Characters drawn as rectangles, left, top, right and bottom in parts of the cell: in no font do they touch."""

_DRAWN = re.escape("".join(_SHAPES))
_WORDS = rf"[^{_GAP}{_DRAWN}]+(?:{_GAP}[^{_GAP}{_DRAWN}]+)*"
_PIECES = re.compile(rf"[{_DRAWN}]+|{_WORDS}|.")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def in_cells(svg: str) -> str:
    """Put every run of text of Rich's SVG into its cells, block characters as rectangles.

    Control characters, which XML forbids, become U+FFFD.
    """
    return _TEXT.sub(_run, _CONTROL.sub("\N{REPLACEMENT CHARACTER}", svg))


def _run(match: re.Match[str]) -> str:
    # A line break after a run's last character is Rich's own.
    text = unescape(match["text"]).rstrip("\n")
    x, y = float(match["x"]), float(match["y"])
    parts: list[str] = []
    for piece in _PIECES.findall(text):
        width = cell_len(piece) * CELL_WIDTH
        if piece[0] in _SHAPES:
            parts += _blocks(piece, match["style"], x, y)
        elif piece != _GAP:
            parts.append(
                f'<text class="{match["style"]}" x="{x:g}" y="{y:g}" textLength="{width:g}" '
                f'lengthAdjust="spacingAndGlyphs" clip-path="{match["clip"]}">{escape(piece)}</text>'
            )
        x += width
    return "".join(parts)


def _blocks(piece: str, style: str, x: float, y: float) -> list[str]:
    """Rectangles of characters that are drawn, neighbours of one height joined."""
    rectangles: list[tuple[float, float, float, float]] = []
    top = y - _BASELINE + _TOP
    for character in piece:
        for left, above, right, below in _SHAPES[character]:
            rectangle = (x + left * CELL_WIDTH, above, (right - left) * CELL_WIDTH, below - above)
            last = rectangles[-1] if rectangles else None
            if last and last[1::2] == rectangle[1::2] and abs(last[0] + last[2] - rectangle[0]) < 0.01:
                rectangles[-1] = (last[0], above, last[2] + rectangle[2], rectangle[3])
            else:
                rectangles.append(rectangle)
        x += CELL_WIDTH
    return [
        f'<rect class="{style}" x="{left:g}" y="{top + above * LINE_HEIGHT:.2f}" width="{width:g}" '
        f'height="{height * LINE_HEIGHT + 0.25:.2f}" shape-rendering="crispEdges"/>'
        for left, above, width, height in rectangles
    ]
