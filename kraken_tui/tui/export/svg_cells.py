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
_WORDS = rf"[^{_GAP}▀-▏]+(?:{_GAP}[^{_GAP}▀-▏]+)*"
_PIECES = re.compile(rf"[█▉▊▋▌▍▎▏]+|[▀▁▂▃▄▅▆▇]+|{_WORDS}|.")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_LEFT = "▏▎▍▌▋▊▉█"
_LOWER = "▁▂▃▄▅▆▇"


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
        if piece[0] in _LEFT or piece[0] in _LOWER or piece[0] == "▀":
            parts += _blocks(piece, match["style"], x, y)
        elif piece != _GAP:
            parts.append(
                f'<text class="{match["style"]}" x="{x:g}" y="{y:g}" textLength="{width:g}" '
                f'lengthAdjust="spacingAndGlyphs" clip-path="{match["clip"]}">{escape(piece)}</text>'
            )
        x += width
    return "".join(parts)


def _blocks(piece: str, style: str, x: float, y: float) -> list[str]:
    """Rectangles of block characters, neighbours of full height joined."""
    rectangles: list[tuple[float, float, float, float]] = []
    top = y - _BASELINE + _TOP
    for character in piece:
        left, above, width, height = x, top, CELL_WIDTH, LINE_HEIGHT
        if character in _LEFT:
            width *= (_LEFT.index(character) + 1) / 8
        elif character == "▀":
            height /= 2
        else:
            height *= (_LOWER.index(character) + 1) / 8
            above += LINE_HEIGHT - height
        last = rectangles[-1] if rectangles else None
        if last and character in _LEFT and abs(last[0] + last[2] - left) < 0.01:
            rectangles[-1] = (last[0], last[1], last[2] + width, last[3])
        else:
            rectangles.append((left, above, width, height))
        x += CELL_WIDTH
    return [
        f'<rect class="{style}" x="{left:g}" y="{above:.2f}" width="{width:g}" height="{height + 0.25:.2f}" '
        'shape-rendering="crispEdges"/>'
        for left, above, width, height in rectangles
    ]
