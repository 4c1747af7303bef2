"""CONTRIBUTING's recipe for a pane, followed: a drawing, a widget and one row are all it takes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

DRAWING = """
from kraken_tui.tui.draw.runs import Line, title_line


def draw_toy(picture, width, height) -> list[Line]:
    symbol = picture.pair.symbol if picture.pair else "no pair"
    return [title_line("Toy", symbol, width), (("what the toy draws", "text"),)]
"""

WIDGET = """
from kraken_tui.tui.paint.pane import Pane
from toy_drawing import draw_toy


class ToyPane(Pane):
    def draw(self, picture, width, height):
        return draw_toy(picture, width, height)
"""

ROW = """
from kraken_tui.tui import panes
from kraken_tui.tui.panes import PaneRow, Stand, Standing, View

TOYS = View("toys", key="f6", label="toys", short="toys", about="All the toys.", title="Toys")
stands = (Stand(TOYS), Stand(panes.TAPE, share=2), Stand(panes.BOOK, Standing.ALONE))
panes.PANES = (*panes.PANES, PaneRow("toy", "tests_toy.pane:ToyPane", 2.0, stands))
"""

LOOK = """
import asyncio, json

from kraken_tui.settings import Settings
from kraken_tui.tui.app import KrakenApp
from kraken_tui.tui.screens.commands import KrakenCommands
from kraken_tui.tui.keymap import key_rows
from tests.tui.fake_source import FakeSource
from tests.tui.test_app import Clock

FOUND = {}


def shown(app):
    return "\\n".join(strip.text for strip in app.main._compositor.render_strips())


async def look():
    app = KrakenApp(FakeSource(), Settings(), clock=Clock(), live=False, ascii_only=False)
    async with app.run_test(size=(160, 48)) as pilot:
        app.tick(everything=True)
        await pilot.pause()
        FOUND["first"] = sorted(app.main.places)
        FOUND["footer"] = shown(app).split("\\n")[-1]
        for key, name in (("f6", "by key"), ("f5", "beside"), ("f2", "desk")):
            await pilot.press(key)
            await pilot.pause()
            FOUND[name] = [sorted(app.main.places), shown(app)]
        alone = []
        for _ in range(5):
            await pilot.press("o")
            await pilot.pause()
            alone.append(sorted({"book", "ladder", "candles", "tape", "toy"} & {*app.main.places}))
        FOUND["alone"] = alone
        FOUND["help"] = [row for row in key_rows(app.keymap_in_force, replay=False) if row[4] == "view.toys"]
        commands = KrakenCommands(app.screen)
        FOUND["palette"] = [name for name, _, _ in commands._entries() if "Toys" in name]
        FOUND["due"] = 0
        for _ in range(8):
            app.pacer.begin()
            FOUND["due"] += app.pacer.due("toy")
    await look_small()


async def look_small():
    app = KrakenApp(FakeSource(), Settings(), clock=Clock(), live=False, ascii_only=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f5")
        await pilot.pause()
        FOUND["small"] = [sorted(app.main.places), shown(app)]


asyncio.run(look())
print(json.dumps(FOUND))
"""

EDGES = {"tabs", "header", "footer"}


def test_a_pane_is_a_drawing_a_widget_and_a_row(tmp_path: Path) -> None:
    package = tmp_path / "tests_toy"
    package.mkdir()
    (package / "__init__.py").touch()
    (tmp_path / "toy_drawing.py").write_text(DRAWING)
    (package / "pane.py").write_text(WIDGET)
    root = Path(__file__).parents[3]
    path = f"import sys; sys.path[:0] = [{str(root)!r}, {str(tmp_path)!r}]\n"
    done = subprocess.run(
        [sys.executable, "-c", path + ROW + LOOK], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert "toy" not in found["first"]
    for name, beside in (("by key", set()), ("beside", {"tape", "flow"})):
        places, screen = found[name]
        assert {*places} == EDGES | beside | {"toy"}
        assert "─ Toy " in screen
        assert "what the toy draws" in screen
    assert "toy" not in found["desk"][0]
    assert ["toy"] in found["alone"]
    assert len(found["alone"]) == len({*map(str, found["alone"])}), "each pane once"
    assert "F6 toys" in found["footer"]
    assert found["help"] == [["Views", "F6", "All the toys.", "", "view.toys"]]
    assert found["palette"] == ["View: Toys"]
    assert found["due"] == 2
    places, screen = found["small"]
    assert {*places} == EDGES | {"tape", "flow", "toy"}
    assert "- Toy " in screen, "in ASCII where the terminal has no more"
