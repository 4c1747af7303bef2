"""A little of S7 and Z6, and proof that a terminal that shows something else is noticed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from rich.console import Console

from kraken_tui.tui.draw.themes import ROLES
from kraken_tui.tui.paint.styles import forget_terminal, make_strip, styles_of
from kraken_tui.tui.screens.commands import Commands
from tests.rig.fuzz import fuzz
from tests.rig.screen import Canvas, ScreenRig, styled
from tests.rig.screen_soak import play


@pytest.fixture
def rig() -> Iterator[ScreenRig]:
    made = ScreenRig(1)
    yield made
    made.close()


@pytest.mark.parametrize("seed", range(2))
def test_random_input_leaves_what_a_fresh_drawing_would_show(seed: int) -> None:
    played = play(75, seed)
    assert played.failure == "", f"python -m tests.rig.screen_soak --seed {seed} --inputs 75"
    assert played.comparisons == 3


def test_no_bytes_from_the_terminal_end_the_program_or_lose_the_next_key() -> None:
    count, failures = fuzz("z6", 60, first=0, count=20)
    assert (count, failures) == (20, [])


@pytest.mark.parametrize("lie", ["\x1b[8;3HX", "\x1b[8;3H\x1b[31mX", "\x1b[1;1H\x1b[7m "])
def test_a_cell_that_is_wrong_is_noticed(rig: ScreenRig, lie: str) -> None:
    assert rig.difference() == ""
    write = rig.driver.canvas.feed
    rig.driver.canvas.feed = lambda text: write(text + lie)  # type: ignore[method-assign]
    rig.source.advance(0.5)
    assert rig.difference().startswith(f"row {7 if '8;3H' in lie else 0}, column")


def test_an_earlier_program_on_a_poorer_terminal_leaves_no_colours_behind() -> None:
    forget_terminal()
    poorer = Console(color_system="standard", force_terminal=True, legacy_windows=False)
    for role in ROLES:
        make_strip((("row", role),), 3, "dark").render(poorer)
    assert styles_of("dark").style("text")._ansi == "37;40"
    rig = ScreenRig(1)
    try:
        # The first picture is Textual's, the next one the painter's.
        assert rig.difference() == ""
        rig.source.advance(0.5)
        assert rig.difference() == ""
    finally:
        rig.close()


def test_keys_and_sizes_reach_the_program(rig: ScreenRig) -> None:
    rig.type(b"3")
    rig.settle()
    assert rig.app.main.symbol == "MINA/GBP"
    rig.driver.resize(90, 30)
    assert rig.difference() == ""
    assert rig.app.size == (90, 30)
    assert len(rig.driver.canvas.lines[-1]) == 90
    rig.type(b"q")
    rig.settle()
    assert rig.app.quits == 1


def test_colours_are_told_apart_however_they_are_said() -> None:
    canvas = Canvas(4, 1)
    # Cut in mid-sequence, as large pictures are.
    for part in ("\x1b[0;1;38;5;7;4", "8;5;0mA\x1b", "[38;5;7mB\x1b[39mC\x1b[0mD"):
        canvas.feed(part)
    assert [style for _, style in canvas.rows[0]] == ["1|38;5;7|48;5;0", "1|38;5;7|48;5;0", "1||48;5;0", ""]
    assert styled("1|31|", "0") == ""


@pytest.mark.parametrize("typed", [b"eth\r\r", b"eth\r\r\r\x1b\r", b"\x1b[B\r\r", b"eth\x1b[13u\x1b[13u\r"])
def test_enter_in_quick_succession_chooses_a_pair_once(rig: ScreenRig, typed: bytes) -> None:
    rig.type(b"/")
    rig.settle()
    rig.type(typed)
    rig.settle()
    rig.type(b"\x1b", 0.3)
    assert rig.wait(lambda: rig.app.screen is rig.app.main)
    assert rig.app.main.symbol == "ETH/USD"


def test_keys_that_close_the_help_twice_close_it_once(rig: ScreenRig) -> None:
    rig.type(b"?")
    rig.settle()
    rig.type(b"??q\x1b", 0.3)
    rig.settle()
    rig.type(b"\x1b", 0.3)
    assert rig.wait(lambda: rig.app.screen is rig.app.main)


def test_the_palette_closes_once(rig: ScreenRig) -> None:
    rig.type(b"\x10")
    rig.settle()
    palette = rig.app.screen
    assert isinstance(palette, Commands)

    async def close_again_and_again() -> None:
        with rig.app._context():
            for _ in range(3):
                palette._action_escape()

    rig.loop.run_until_complete(close_again_and_again())
    rig.settle()
    assert rig.app.screen is rig.app.main
