"""`--help` of every command: in groups, within the terminal's width, and complete."""

from __future__ import annotations

import re

import pytest

from kraken_tui.cli.command import Subcommand
from kraken_tui.cli.main import COMMANDS, command_named, main
from kraken_tui.settings.options import OPTIONS, SECTIONS

HEADING = re.compile(r"^(\S[^:\n]*):$", re.M)


def help_of(name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: int = 80) -> str:
    monkeypatch.setenv("COLUMNS", str(columns))
    with pytest.raises(SystemExit) as caught:
        main(["--help"] if name == "screen" else [name, "--help"])
    assert caught.value.code == 0
    return capsys.readouterr().out


def rows(command: Subcommand) -> list[str]:
    return [row.flag for part in command.parts for row in part.rows]


@pytest.mark.parametrize("name", COMMANDS)
def test_nothing_is_wider_than_a_terminal(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [line for line in help_of(name, capsys, monkeypatch).splitlines() if len(line) > 80] == []


@pytest.mark.parametrize("columns", [60, 80, 200])
@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_stands_once_under_its_heading(
    name: str, columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = command_named(name)
    text = help_of(name, capsys, monkeypatch, columns)
    starts = re.findall(r"^  (?:-h, )?(--[\w-]+)", text, re.M)
    assert sorted(starts) == sorted(flag for flag in rows(command) if flag.startswith("-"))
    bodies = dict(zip(HEADING.findall(text), HEADING.split(text)[2::2], strict=True))
    for part in command.parts:
        heading = next(each for each in bodies if each.startswith(part.title))
        for row in part.rows:
            assert re.search(rf"^  (?:-h, )?{re.escape(row.flag)}\b", bodies[heading], re.M), (row.flag, heading)


def test_the_first_line_says_how_a_command_is_called(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = {
        "screen": "usage: kraken-tui [PAIR ...] [options]",
        "snapshot": "usage: kraken-tui snapshot [PAIR ...] --output FILE.svg [options]",
        "plot": "usage: kraken-tui plot [PAIR] [options]",
        "export": "usage: kraken-tui export [FILE ...] [options]",
        "keys": "usage: kraken-tui keys ACTION [options]",
        "config": "usage: kraken-tui config ACTION [FILE] [options]",
        "completion": "usage: kraken-tui completion SHELL [options]",
    }
    for name, line in expected.items():
        assert help_of(name, capsys, monkeypatch).splitlines()[0] == line


@pytest.mark.parametrize("name", COMMANDS)
def test_a_description_is_a_sentence_and_a_list_of_values_is_written_out(name: str) -> None:
    command = command_named(name)
    assert command.description[0].isupper()
    assert command.description.endswith(".")
    for row in command.own:
        for value in row.values:
            assert value in command.help_of(row), (row.flag, value)


def test_every_setting_has_its_section() -> None:
    assert [row.name for row in OPTIONS if row.section not in SECTIONS] == [], "section= one of SECTIONS"
    assert [section for section in SECTIONS if not any(row.section == section for row in OPTIONS)] == []


def test_the_help_of_the_screen_lists_every_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = re.findall(r"^  kraken-tui (\w+) ", help_of("screen", capsys, monkeypatch), re.M)
    assert listed == list(COMMANDS[1:])
