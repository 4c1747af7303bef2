"""Several saved pictures as one SVG that moves: what they share is written once, the rest is shown in turn by CSS.

No scripts, no outside references: it moves wherever an `<img>` may hold an SVG. What cannot move it shows the first
picture.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from html import escape, unescape
from itertools import groupby

import msgspec

from kraken_tui.tui.export.svg import FONTS
from kraken_tui.tui.export.svg_cells import CELL_WIDTH, FONT_SIZE, LINE_HEIGHT

_STYLE = re.compile(r"\.terminal-\d+-(r\d+) \{ ([^}]*?);? \}")
_GROUND = re.compile(r'<rect fill="([^"]*)" x="([^"]*)" y="([^"]*)" width="([^"]*)" height="([^"]*)"')
_BLOCK = re.compile(r'<rect class="terminal-\d+-(r\d+)" x="([^"]*)" y="([^"]*)" width="([^"]*)" height="([^"]*)"')
_TEXT = re.compile(
    r'<text class="terminal-\d+-(r\d+)" x="([^"]*)" y="([^"]*)" textLength="([^"]*)"[^>]*>([^<]*)</text>'
)
_TITLE = re.compile(r'<text class="terminal-\d+-title"[^>]*>([^<]*)</text>')
_BODY = re.compile(r'<g transform="translate\(9, 41\)"[^>]*>(.*?)<g class="terminal-\d+-matrix">(.*)', re.DOTALL)
_SIZE = re.compile(r'viewBox="0 0 (\S+) (\S+)"')
_FRAME = re.compile(r'<rect fill="([^"]*)" stroke="([^"]*)"')

Box = tuple[float, float, float, float]
Span = tuple[int, int]
"""First picture that shows something, and how many in a row do."""


class Part(msgspec.Struct, frozen=True):
    """Something in a picture: a box, or text where `text` is not empty.

    Attributes:
        layer: 0 for backgrounds, 1 for what stands on them.
        style: As CSS.
        box: Left, top, width and height in the units of the picture; of text: left, baseline, width, 0.
        text: What is written.
    """

    layer: int
    style: str
    box: Box
    text: str = ""


def parts_of(svg: str) -> list[Part]:
    """What a saved picture (`screen_svg`) is made of, without its window."""
    styles = dict(_STYLE.findall(svg))
    found = _BODY.search(svg)
    assert found is not None
    grounds, marks = found[1], found[2]
    return [
        *(Part(0, f"fill: {fill}", _box(box)) for fill, *box in _GROUND.findall(grounds)),
        *(Part(1, styles[name], _box(box)) for name, *box in _BLOCK.findall(marks)),
        *(
            Part(1, styles[name], (float(x), float(y), float(width), 0.0), unescape(text))
            for name, x, y, width, text in _TEXT.findall(marks)
        ),
    ]


def _box(numbers: Iterable[str]) -> Box:
    x, y, width, height = (float(each) for each in numbers)
    return x, y, width, height


def spans(shown: Sequence[int], count: int) -> list[Span]:
    """Runs of pictures; one that goes over the end begins again at the start."""
    if len(shown) == count:
        return [(0, count)]
    runs = [[at for _, at in run] for _, run in groupby(enumerate(shown), key=lambda pair: pair[1] - pair[0])]
    return [(run[0], len(run)) for run in runs]


def moving_svg(pictures: Sequence[str], seconds: float) -> str:
    """One SVG that shows saved pictures of one size one after the other, again and again.

    Args:
        pictures: SVG text of `screen_svg`.
        seconds: How long a round takes.
    """
    count = len(pictures)
    shown: dict[Part, list[int]] = defaultdict(list)
    for at, picture in enumerate(pictures):
        for part in dict.fromkeys(parts_of(picture)):
            shown[part].append(at)
    groups: dict[tuple[int, Span], dict[str, list[Part]]] = defaultdict(lambda: defaultdict(list))
    for part, numbers in shown.items():
        for span in spans(numbers, count):
            groups[part.layer, span][part.style].append(part)
    names = {style: f"s{at}" for at, style in enumerate(dict.fromkeys(part.style for part in shown))}
    used = sorted({span for _, span in groups if span[1] < count})
    body: list[str] = []
    for (_, span), styles in sorted(groups.items()):
        name = f' class="t{used.index(span)}"' if span in used else ""
        inner = "".join(f'<g class="{names[style]}">{_written(parts)}</g>' for style, parts in styles.items())
        body.append(f"<g{name}>{inner}</g>")
    css = [f".{name}{{{style.replace(': ', ':')}}}" for style, name in names.items()]
    return _window(pictures[0], [*css, *_timing(used, count, seconds)], "\n".join(body))


def _timing(used: Sequence[Span], count: int, seconds: float) -> list[str]:
    css = [
        f"@keyframes k{length}{{0%{{visibility:visible}}{100 * length / count:.4g}%,100%{{visibility:hidden}}}}"
        for length in sorted({length for _, length in used})
    ]
    for at, (first, length) in enumerate(used):
        delay = (first - count) * seconds / count if first else 0
        still = "" if not first else "visibility:hidden;"
        css.append(f".t{at}{{{still}animation:k{length} {seconds:g}s step-end {delay:.4g}s infinite}}")
    return [*css, "@media(prefers-reduced-motion:reduce){g{animation:none!important}}"]


def _written(parts: Sequence[Part]) -> str:
    boxes = [part.box for part in parts if not part.text]
    # Coordinates in cells: most are whole.
    path = "".join(
        f"M{_short(x / CELL_WIDTH)} {_short((y - 1.5) / LINE_HEIGHT)}h{_short(width / CELL_WIDTH)}"
        f"v{_short(height / LINE_HEIGHT)}h{_short(-width / CELL_WIDTH)}z"
        for x, y, width, height in boxes
    )
    drawn = f'<path transform="translate(0 1.5)scale({CELL_WIDTH} {LINE_HEIGHT})" d="{path}"/>' if path else ""
    return drawn + "".join(
        f'<text x="{part.box[0]:g}" y="{part.box[1]:g}" textLength="{part.box[2]:g}">{escape(part.text)}</text>'
        for part in parts
        if part.text
    )


def _short(number: float) -> str:
    text = f"{number:.2f}".rstrip("0").rstrip(".")
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def _window(picture: str, css: Sequence[str], body: str) -> str:
    size, frame, title = _SIZE.search(picture), _FRAME.search(picture), _TITLE.search(picture)
    assert size is not None
    assert frame is not None
    width, height = float(size[1]), float(size[2])
    said = title[1] if title else ""
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" xmlns="http://www.w3.org/2000/svg">\n<style>'
        f"text{{font-family:{FONTS};font-size:{FONT_SIZE}px;white-space:pre}}path{{shape-rendering:crispEdges}}\n"
        + "\n".join(css)
        + f'\n</style>\n<rect fill="{frame[1]}" stroke="{frame[2]}" x="1" y="1" width="{width - 2:g}" '
        f'height="{height - 2:g}" rx="8"/>\n'
        f'<text x="{width / 2:g}" y="27" text-anchor="middle" style="font-family:sans-serif;font-size:18px" '
        f'fill="#c5c8c6">{said}</text>\n<g transform="translate(26,22)"><circle r="7" fill="#ff5f57"/>'
        '<circle cx="22" r="7" fill="#febc2e"/><circle cx="44" r="7" fill="#28c840"/></g>\n'
        f'<g transform="translate(9,41)">\n{body}\n</g>\n</svg>\n'
    )
