"""The pictures of README and `screenshots/`, made by the program from its demo: `python -m tests.rig.pictures`.

Takes about three minutes: the heatmap must have something to show. Look at each before committing it.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from kraken_tui.engine.engine import Engine
from kraken_tui.engine.options import EngineOptions
from kraken_tui.market.events import Proof
from kraken_tui.settings import Settings
from kraken_tui.tui.app import KrakenApp
from kraken_tui.tui.export.svg import screen_svg
from tests.rig.moving import moving_svg

FOLDER = Path(__file__).parents[2] / "screenshots"
PAIRS = ("BTC/USD", "ETH/USD", "SOL/USD")

STILLS = (
    ("book", (160, 48), "dark"),
    ("book", (160, 48), "light"),
    ("book", (220, 60), "dark"),
    ("book", (220, 60), "colour-blind"),
    ("book", (80, 24), "dark"),
    ("heatmap", (160, 48), "dark"),
    ("heatmap", (220, 60), "dark"),
    ("candles", (160, 48), "dark"),
    ("charts", (160, 48), "dark"),
    ("tape", (160, 48), "dark"),
    ("account", (160, 48), "dark"),
)
"""View, size and theme of each picture that stands still."""

MOVING = "moving-120x36.svg"
MOVING_SIZE = (120, 36)
SCENES = (("heatmap", 4.0), ("book", 4.0))
"""What the moving picture shows, and for how many seconds."""

PER_SECOND = 3
LARGEST = 300_000
"""Bytes of the moving picture: what a reader on a telephone is asked to load."""

_WATCHED_S = 170.0
_TITLE = "kraken-tui --demo"


async def _follow(app: KrakenApp, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        app.tick()
        await asyncio.sleep(0.1)


async def _still(engine: Engine, settings: Settings, view: str, size: tuple[int, int], theme: str) -> str:
    app = KrakenApp(engine, settings, live=False)
    async with app.run_test(size=size) as pilot:
        app.set_theme(theme)
        app.main.set_view(view)
        await _follow(app, 3)
        app.tick(everything=True)
        await pilot.pause()
        return moving_svg([screen_svg(app, _TITLE)], 1.0)


async def moving(engine: Engine, settings: Settings, scenes: Sequence[tuple[str, float]] = SCENES) -> str:
    """Some seconds of the screen as one SVG."""
    app = KrakenApp(engine, settings, live=False)
    pictures: list[str] = []
    async with app.run_test(size=MOVING_SIZE) as pilot:
        for view, seconds in scenes:
            app.main.set_view(view)
            await _follow(app, 2)
            for _ in range(round(seconds * PER_SECOND)):
                await _follow(app, 1 / PER_SECOND)
                await pilot.pause()
                pictures.append(screen_svg(app, _TITLE))
    return moving_svg(pictures, sum(seconds for _, seconds in scenes))


async def _make(engine: Engine, settings: Settings, watched_s: float, only: str) -> None:
    until = time.monotonic() + watched_s
    while time.monotonic() < until or any(  # noqa: ASYNC110
        tab.proof is not Proof.VERIFIED for tab in engine.feed_view.tabs
    ):
        await asyncio.sleep(0.2)
    for view, size, theme in STILLS:
        name = f"{view}-{size[0]}x{size[1]}-{theme}.svg"
        if only in name:
            _write(name, await _still(engine, settings, view, size, theme))
    if only in MOVING:
        _write(MOVING, await moving(engine, settings))


def _write(name: str, svg: str) -> None:
    if name == MOVING and len(svg.encode()) > LARGEST:
        raise SystemExit(f"{name} has {len(svg.encode()):,} bytes, more than {LARGEST:,}: choose fewer pictures")
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / name).write_text(svg, encoding="utf-8")
    print(f"{name}: {len(svg.encode()):,} bytes")


def main() -> None:
    """Make the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="make those whose name has this in it")
    parser.add_argument("--seconds", type=float, default=_WATCHED_S, help="watch the demo for so long first")
    asked = parser.parse_args()
    settings = Settings(pairs=PAIRS, demo=True, level3=True, account=True)
    engine = Engine(settings, options=EngineOptions(history=True))
    engine.start()
    try:
        asyncio.run(_make(engine, settings, asked.seconds, asked.only))
    finally:
        engine.stop()


if __name__ == "__main__":
    main()
