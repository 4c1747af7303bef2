"""S7: random keys, mouse and window sizes on a live market; the screen must stay what a fresh drawing of it would be.

    python -m tests.rig.screen_soak --inputs 100000 --write

Bytes go through the program's own reader; what the program writes is obeyed cell by cell, colours included, and
compared with a full redraw every few inputs. Simulated time: a person who presses a key a twentieth of
a second after the other.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from random import Random

from kraken_tui.tui.draw.themes import PALETTES
from kraken_tui.tui.screens.commands import Commands
from tests.rig.ledger import write_figures
from tests.rig.screen import PAIRS, ScreenRig

KEYS = (
    *(bytes([code]) for code in b"123456789/jkKJ+-dDv[]cp<>Rsyt?mo= "),
    *(b"\t", b"\x1b[Z", b"\r", b"\x7f", b"\x10", b"\x1b", b"\x1b[A", b"\x1b[B", b"\x1b[1;2A", b"\x1b[1;2B", b"\x1b[C"),
    *(b"\x1b[D", b"\x1b[F", b"\x1b[5~", b"\x1b[6~", b"\x1bOQ", b"\x1bOS", b"\x1b[15~", b"\x1b[18~", b"q", b"\x03"),
)
"""One of every key that the program knows, and some it does not."""

SIZES = (
    (80, 24),
    (120, 36),
    (160, 48),
    (220, 60),
    (1, 1),
    (40, 10),
    (59, 17),
    (60, 18),
    (99, 30),
    (100, 20),
    (300, 90),
)
CHECK_EVERY = 25
CHAPTER = 5_000
"""Inputs after which a new program starts, in the next theme."""


@dataclass(slots=True)
class Played:
    """What was done, and the first thing that was wrong ("" where nothing was)."""

    inputs: int = 0
    keys: int = 0
    sizes: int = 0
    mouse: int = 0
    comparisons: int = 0
    cells: int = 0
    failure: str = ""


def _mouse(rng: Random, columns: int, rows: int) -> bytes:
    button = rng.choice((0, 0, 0, 1, 2, 32, 35, 35, 64, 65))
    at = f"\x1b[<{button};{rng.randint(1, columns)};{rng.randint(1, rows)}"
    return f"{at}M{at}m".encode() if button < 32 else f"{at}M".encode()


def _trouble(rng: Random, rig: ScreenRig) -> None:
    weather = rig.source.world.weather
    kind = rng.choice(("checksum", "lose", "flip", "late", "calm", "calm"))
    if kind == "calm":
        weather.calm()
    elif kind == "late":
        weather.latency_ms = rng.choice((200.0, 2500.0, 7000.0))
    else:
        weather.arm(kind, rng.choice(PAIRS), rng.randint(1, 4))


def one_input(rng: Random, rig: ScreenRig, played: Played) -> None:
    """A key, a mouse report or a new size; the market goes on meanwhile."""
    canvas = rig.driver.canvas
    chance = rng.random()
    if chance < 0.04:
        rig.driver.resize(*(rng.choice(SIZES) if rng.random() < 0.5 else (rng.randint(1, 260), rng.randint(1, 80))))
        played.sizes += 1
    elif chance < 0.15:
        rig.type(_mouse(rng, canvas.columns, len(canvas.rows)))
        played.mouse += 1
    else:
        key = rng.choice(KEYS)
        # Escape by itself is one only after a pause.
        rig.type(key, 0.3 if key == b"\x1b" else 0.05)
        played.keys += 1
    if rng.random() < 0.02:
        _trouble(rng, rig)
    if rng.random() < 0.3:
        rig.source.advance(rng.choice((0.1, 0.1, 0.3, 1.0)))
    rig.turn()
    rig.tick()
    played.inputs += 1


def _close_palette(rig: ScreenRig) -> None:
    """Textual's own, which searches in its own time: nothing to compare."""
    for _ in range(3):
        if isinstance(rig.app.screen, Commands):
            rig.type(b"\x1b", 0.3)
            rig.settle()
    assert not isinstance(rig.app.screen, Commands), "Escape does not close the palette"


def play(inputs: int, seed: int) -> Played:
    """One program's life."""
    played = Played()
    rng = Random(f"screen/{seed}")
    rig = ScreenRig(seed, theme=list(PALETTES)[seed % len(PALETTES)])
    try:
        for number in range(inputs):
            one_input(rng, rig, played)
            if (number + 1) % CHECK_EVERY == 0:
                _close_palette(rig)
                played.failure = rig.difference()
                played.comparisons += 1
                played.cells += sum(map(len, rig.driver.canvas.rows))
            if played.failure:
                break
    except Exception as error:
        played.failure = f"{type(error).__name__}: {error}"
        raise AssertionError(f"input {played.inputs} of seed {seed}: {played.failure}") from error
    finally:
        rig.close()
    return played


def main() -> int:
    """Run as a command; 1 where anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.rig.screen_soak", description=str(__doc__).split("\n", 1)[0])
    parser.add_argument("--inputs", type=int, default=100_000, help="how many (default %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="the first chapter's seed (default %(default)s)")
    parser.add_argument("--write", action="store_true", help="write the figures into docs/FIGURES.md")
    options = parser.parse_args()
    began = time.monotonic()
    total = Played()
    for seed in range(options.seed, options.seed + -(-options.inputs // CHAPTER)):
        played = play(min(CHAPTER, options.inputs - total.inputs), seed)
        if played.failure:
            print(f"input {played.inputs} of seed {seed}: {played.failure}")
            print(f"repeat: python -m tests.rig.screen_soak --seed {seed} --inputs {CHAPTER}")
            return 1
        for name in ("inputs", "keys", "sizes", "mouse", "comparisons", "cells"):
            setattr(total, name, getattr(total, name) + getattr(played, name))
    figures = (
        f"S7: {total.inputs:,} inputs ({total.keys:,} keys, {total.mouse:,} of the mouse, {total.sizes:,} window sizes)"
        f" in simulated time, 0 crashes; {total.comparisons:,} screens, {total.cells:,} cells with their colours, equal"
        f" to a fresh drawing; {time.monotonic() - began:.0f} s"
    )
    print(figures)
    if options.write:
        write_figures("s7", figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
