"""The moving picture shows, one after the other, what the pictures it was made of show."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import pytest

from kraken_tui.settings import Settings
from kraken_tui.tui.app import KrakenApp
from kraken_tui.tui.export.svg import screen_svg
from tests.rig.moving import moving_svg, parts_of, spans
from tests.rig.pictures import FOLDER, LARGEST, MOVING, STILLS
from tests.tui.fake_source import FakeSource

SVG = "{http://www.w3.org/2000/svg}"


async def pictures() -> list[str]:
    """Some views of a screen, one of them twice in a row and once more at the end."""
    app = KrakenApp(FakeSource(), Settings(), live=False)
    taken: list[str] = []
    async with app.run_test(size=(80, 24)) as pilot:
        for view in ("book", "tape", "tape", "health", "book"):
            app.main.set_view(view)
            app.tick(everything=True)
            await pilot.pause()
            taken.append(screen_svg(app, "a <title>"))
    return taken


def played(svg: str, at: int, count: int) -> set[tuple[str, str, str]]:
    """(x, y, text) of what is written while picture `at` is shown, by the moving picture's own rules."""
    lengths = {
        name: float(end) for name, end in re.findall(r"@keyframes (k\d+)\{0%\{visibility:visible\}([\d.]+)%", svg)
    }
    shown: dict[str, bool] = {}
    rules = re.findall(r"\.(t\d+)\{(visibility:hidden;)?animation:(k\d+) (\S+)s step-end (\S+)s infinite\}", svg)
    for name, hidden, keyframes, seconds, delay in rules:
        now = ((at + 0.5) / count - float(delay) / float(seconds)) % 1
        shown[name] = 100 * now < lengths[keyframes]
        assert bool(hidden) == (float(delay) != 0)
    found: set[tuple[str, str, str]] = set()
    root = ElementTree.fromstring(svg)
    for group in root.iterfind(f"{SVG}g/{SVG}g"):
        if shown.get(group.attrib.get("class", ""), True):
            found |= {(node.attrib["x"], node.attrib["y"], node.text or "") for node in group.iter(f"{SVG}text")}
    return found


async def test_each_moment_shows_its_picture_and_nothing_else() -> None:
    taken = await pictures()
    svg = moving_svg(taken, 4.0)
    for at, picture in enumerate(taken):
        wanted = {(f"{part.box[0]:g}", f"{part.box[1]:g}", part.text) for part in parts_of(picture) if part.text}
        assert len(wanted) > 20
        assert played(svg, at, len(taken)) == wanted


async def test_it_needs_nothing_from_outside_and_is_smaller_than_its_pictures() -> None:
    taken = await pictures()
    svg = moving_svg(taken, 4.0)
    rest = svg.replace("http://www.w3.org/2000/svg", "")
    for foreign in ("http", "href", "<script", "url(", "@import", "<image", "<a "):
        assert foreign not in rest
    assert "&lt;title&gt;" in svg
    assert "prefers-reduced-motion" in svg
    assert len(svg) < sum(map(len, taken)) / 3


async def test_one_picture_does_not_move() -> None:
    svg = moving_svg((await pictures())[:1], 1.0)
    assert "@keyframes" not in svg
    assert "animation:k" not in svg


@pytest.mark.parametrize(
    ("shown", "count", "runs"),
    [([0, 1, 2], 3, [(0, 3)]), ([0, 2, 3], 5, [(0, 1), (2, 2)]), ([4], 5, [(4, 1)])],
)
def test_what_comes_again_is_shown_again(shown: list[int], count: int, runs: list[tuple[int, int]]) -> None:
    assert spans(shown, count) == runs


def test_the_pictures_of_the_readme_are_there_and_small_enough() -> None:
    names = {f"{view}-{width}x{height}-{theme}.svg" for view, (width, height), theme in STILLS}
    assert {path.name for path in FOLDER.iterdir()} == names | {MOVING}
    for path in FOLDER.iterdir():
        ElementTree.parse(path)
        assert "<script" not in path.read_text(encoding="utf-8")
    assert (FOLDER / MOVING).stat().st_size <= LARGEST
