"""Themes of the user's: what a file may say, what is said of its faults, and where they are offered."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.color import Color

from kraken_tui.cli.main import main, parse
from kraken_tui.errors import ConfigurationError
from kraken_tui.settings import THEMES, Settings
from kraken_tui.settings.sources import load
from kraken_tui.settings.themes import user_themes
from kraken_tui.tui.app import KrakenApp
from kraken_tui.tui.draw.themes import ALL_PALETTES, PALETTES, ROLES, drop_theme, worn
from kraken_tui.tui.paint.styles import styles_of
from kraken_tui.tui.screens.commands import KrakenCommands
from kraken_tui.tui.theme_files import read, take, theme_names, warning
from tests.tui.fake_source import FakeSource

GOOD = 'base = "dark"\n\n[colours]\nbid = "#66dd88"\n'
WEAK = 'base = "dark"\n[colours]\nmuted = "#50565c"\n'


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The user's folder of themes; whatever was taken is forgotten."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    themes = tmp_path / "kraken-tui" / "themes"
    themes.mkdir(parents=True)
    yield themes
    for name in [name for name in PALETTES if name not in THEMES]:
        drop_theme(name)


def write(path: Path, text: str = GOOD) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_is_a_theme_called_after_it(folder: Path) -> None:
    path = write(folder / "desk.toml")
    assert read(path) == ("desk", "dark", {"bid": "#66dd88"})
    assert take(str(path)) == "desk"
    assert ALL_PALETTES["desk"].colours["bid"] == "#66dd88"
    assert warning("desk") == ""


def test_a_file_may_colour_every_role(folder: Path) -> None:
    lines = "".join(f'{role} = "{colour}"\n' for role, colour in PALETTES["light"].colours.items())
    assert take(str(write(folder / "whole.toml", f"[colours]\n{lines}"))) == "whole"
    assert ALL_PALETTES["whole"].colours == PALETTES["light"].colours
    assert not ALL_PALETTES["whole"].dark


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('base = "drak"\n', " line 1: base takes one of dark, light, colour-blind"),
        ('base = "terminal"\n', " line 1: base takes one of dark, light, colour-blind"),
        ("base = 3\n", " line 1: base takes one of dark, light, colour-blind"),
        ('\nbase = "dark"\n[colours]\n\nbidd = "#000000"\n', " line 5: bidd is not a role of a theme; nearest: bid"),
        ('base = "dark"\n[colours]\nbid = "green"\n', ' line 3: bid takes a colour such as "#4fc46b"'),
        ('base = "dark"\n[colours]\nbid = 3\n', ' line 3: bid takes a colour such as "#4fc46b"'),
        ('base = "dark"\n[colours]\nbid-bar = "#12345"\n', ' line 3: bid-bar takes a colour such as "#4fc46b"'),
        ('bid = "#000000"\n', " line 1: bid is not part of a theme; colours stand in a table [colours]"),
        ('bsae = "dark"\n', " line 1: bsae is not part of a theme; nearest: base"),
        ('base = "dark"\ncolours = 3\n', " line 2: colours takes a [colours] table"),
        ("base = = 3\n", " line 1 is not valid TOML"),
        (
            '[colours]\nbg = "#000000"\n',
            ': without a base (base = "dark") every role needs a colour;'
            f" not there: text, bright, muted and {len(ROLES) - 4} more",
        ),
    ],
)
def test_a_fault_is_one_sentence_with_its_line(folder: Path, text: str, sentence: str) -> None:
    path = write(folder / "desk.toml", text)
    with pytest.raises(ConfigurationError) as caught:
        take(str(path))
    assert str(caught.value) == f"{path}{sentence}"
    assert "desk" not in PALETTES


def test_a_file_that_cannot_be_read_is_one_sentence(folder: Path) -> None:
    tries = {
        "none.toml": "cannot read the theme {}: No such file or directory",
        "folder.toml": "the theme {} is not a file",
        "big.toml": "the theme {} is longer than 64 KiB",
        "latin.toml": "the theme {} line 2 is not UTF-8",
        "deep.toml": "{} is nested too deeply, or holds a number with far too many digits",
        "dark.toml": "{}: dark is the name of a built-in theme; rename the file",
        "x-256.toml": "{}: x-256 cannot be the name of a theme: letters, digits, dot, - and _, at most 40,"
        " not -16 or -256 at the end",
    }
    (folder / "folder.toml").mkdir()
    write(folder / "big.toml", "#" * 70_000)
    (folder / "latin.toml").write_bytes(b"# a\n# \xe4\n")
    write(folder / "deep.toml", "x = " + "9" * 5000)
    write(folder / "dark.toml")
    write(folder / "x-256.toml")
    for name, sentence in tries.items():
        with pytest.raises(ConfigurationError) as caught:
            take(str(folder / name))
        assert str(caught.value) == sentence.format(folder / name)


def test_hostile_text_in_a_theme_is_shown_inert(folder: Path) -> None:
    path = write(folder / "desk.toml", 'base = "dark"\n[colours]\n"a\\u001b[2J" = "#000000"\n')
    with pytest.raises(ConfigurationError) as caught:
        read(path)
    assert str(caught.value).isprintable()


def test_what_is_hard_to_read_is_said_by_the_rule_of_the_built_in_themes(folder: Path) -> None:
    take(str(write(folder / "pale.toml", WEAK)))
    said = warning("pale")
    assert re.fullmatch(
        r"theme pale: muted on changed has a contrast of 1\.\d:1, at least 4\.5:1 is needed \(and \d+ more\)", said
    )
    assert warning("pale", 256)
    assert warning("pale", 16) == "", "there it has the colours of its base"
    assert all(warning(name) == "" for name in ("dark", "light", "colour-blind", "terminal"))


# -- where it is named --------------------------------------------------------------------------------------------


def test_a_theme_is_named_by_file_by_name_and_in_the_settings_file(folder: Path, tmp_path: Path) -> None:
    write(folder / "desk.toml")
    other = write(tmp_path / "other.toml")
    assert parse(["--theme", str(other)]).settings().theme == "other"
    assert parse(["--theme", "desk"]).settings().theme == "desk"
    config = write(tmp_path / "kraken-tui" / "config.toml", 'theme = "themes/desk.toml"\n')
    assert load({}, {}).theme == str(folder / "desk.toml"), "relative to the settings file"
    assert parse([]).settings().theme == "desk"
    config.write_text('theme = "desk"\n', encoding="utf-8")
    assert parse(["snapshot", "--output", "x.svg"]).settings().theme == "desk"
    assert parse(["stream"]).settings().theme == "desk", "which does not read the theme"


def test_an_unknown_name_is_told_with_the_user_s_themes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder / "desk.toml")
    write(folder / "light.toml")
    write(folder / "not a name.toml")
    assert list(user_themes()) == ["desk"]
    assert main(["--theme", "dsek"]) == 2
    assert capsys.readouterr().err == (
        "kraken-tui: --theme takes one of auto, dark, light, colour-blind, terminal, desk, or a theme file such as"
        " desk.toml; nearest: desk\n"
    )


def test_a_fault_is_told_before_the_screen_is_there(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(folder / "desk.toml", 'base = "dark"\n[colours]\nbidd = "#000000"\n')
    for argv in (["--theme", "desk"], ["snapshot", "--demo", "--theme", str(path), "--output", "x.svg"]):
        assert main(argv) == 2
        assert capsys.readouterr().err == f"kraken-tui: {path} line 3: bidd is not a role of a theme; nearest: bid\n"


def test_config_knows_themes(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(folder / "desk.toml", WEAK)
    config = write(tmp_path / "kraken-tui" / "config.toml", 'theme = "desk"\n')
    assert main(["config", "path"]) == 0
    assert capsys.readouterr().out == f"{config}\n{path}\n"
    assert main(["config", "check"]) == 1
    assert "theme desk: muted on changed" in capsys.readouterr().out
    write(path, "base = 3\n")
    assert main(["config", "check"]) == 1
    said = f"{config} line 1: {path} line 1: base takes one of dark, light, colour-blind\n"
    assert capsys.readouterr().out == said
    write(path)
    assert main(["config", "check"]) == 0


# -- on the screen ------------------------------------------------------------------------------------------------


async def test_the_key_goes_through_the_user_s_themes_and_leaves_broken_ones_out(folder: Path) -> None:
    write(folder / "broken.toml", "base = 3\n")
    write(folder / "desk.toml")
    write(folder / "pale.toml", WEAK)
    source = FakeSource()
    app = KrakenApp(source, Settings(), live=False)

    def told() -> str:
        return str([asked for asked in source.asked if asked[0] == "note"][-1])

    async with app.run_test(size=(100, 40)) as pilot:
        worn_ones = []
        for _ in range(6):
            await pilot.press("t")
            await pilot.pause()
            worn_ones.append(app.palette_name)
            if app.palette_name == "desk":
                assert "broken.toml line 1: base takes" in told()
            if app.palette_name == "pale":
                assert "Theme pale: muted on changed has a contrast of" in told()
        assert worn_ones == ["light", "colour-blind", "terminal", "desk", "pale", "dark"]
        names = [name for name, _, _ in KrakenCommands(app.screen)._entries() if name.startswith("Theme: ")]
        assert [name.removeprefix("Theme: ") for name in names] == theme_names()


async def test_a_screen_begins_with_the_user_s_theme(folder: Path) -> None:
    name = take(str(write(folder / "desk.toml")))
    app = KrakenApp(FakeSource(), Settings(theme=name), live=False)
    async with app.run_test(size=(100, 40)) as pilot:
        await pilot.pause()
        assert (app.palette_name, app.theme) == ("desk", "kraken-desk")
        assert not app._notifications
        assert app.theme_variables["kraken-bid"].lower() == "#66dd88"


@pytest.mark.realtime
def test_a_picture_wears_it_and_says_what_is_pale(folder: Path, tmp_path: Path) -> None:
    path = write(folder / "pale.toml", 'base = "dark"\n[colours]\nbg = "#123456"\n')
    done = subprocess.run(
        [sys.executable, "-m", "kraken_tui", "snapshot", "--demo", "--theme", str(path), "--size", "80x24", "--output",
         str(tmp_path / "x.svg")],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0
    assert done.stderr.startswith("kraken-tui: theme pale: ")
    assert "#123456" in (tmp_path / "x.svg").read_text(encoding="utf-8")


def test_what_a_terminal_of_few_colours_wears(folder: Path) -> None:
    take(str(write(folder / "desk.toml")))
    assert [worn("desk", colours) for colours in (256, 16, 0)] == ["desk-256", "desk-16", "terminal"]


async def test_a_file_that_has_changed_is_worn_as_it_is_now(folder: Path) -> None:
    path = write(folder / "desk.toml")
    app = KrakenApp(FakeSource(), Settings(theme="dark"), live=False)
    async with app.run_test(size=(100, 40)) as pilot:
        for colour in ("#66dd88", "#55ee99"):
            write(path, GOOD.replace("#66dd88", colour))
            app.set_theme("desk")
            await pilot.pause()
            assert styles_of("desk").style("bid").color == Color.parse(colour)
            app.set_theme("dark")
            await pilot.pause()
