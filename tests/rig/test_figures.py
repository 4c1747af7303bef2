"""docs/RELIABILITY.md and docs/FIGURES.md: every command can be run, and every figure is of its command's length."""

from __future__ import annotations

import argparse
import re
import shlex
import sys
from importlib import import_module
from typing import Any, NoReturn

import pytest

from tests.rig.commands import COMMANDS, tables
from tests.rig.ledger import FIGURES, PROMISES, as_run, sections

NOT_RUN = "Not run since its command is recorded."
FOUND = sections(FIGURES)
RECORDED = {name: text for name, text in FOUND.items() if name in COMMANDS and text != NOT_RUN}


class Parsed(Exception):
    """What a command made of its arguments; it is not run."""


def parsed(line: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The options of a command line, by the command's own parser."""
    python, flag, module, *arguments = shlex.split(line)
    assert (python, flag) == ("python", "-m")
    real = argparse.ArgumentParser.parse_args

    def parse_and_stop(self: argparse.ArgumentParser, *_: object) -> NoReturn:
        raise Parsed(vars(real(self, arguments)))

    command = import_module(module)
    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_and_stop)
    with pytest.raises(Parsed) as caught:
        command.main()
    monkeypatch.undo()
    options: dict[str, Any] = caught.value.args[0]
    return options


def length_is_told(name: str, line: str, figures: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A soak ends with the first batch after its length, and a simulated day with its last disturbance."""
    command = COMMANDS[name]
    options = parsed(line, monkeypatch)
    assert "write" in options
    assert line.split()[2] == command.module
    asked = options.get(command.option)
    if asked is not None:
        stated = command.stated(figures)
        assert stated is not None, f"{name} tells no length"
        assert stated == pytest.approx(asked, rel=0.02), f"{name} was asked for {asked} and tells {stated}"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_parses_and_has_a_section(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    options = parsed(f"{COMMANDS[name].long} --write", monkeypatch)
    assert options["write"] is True
    assert COMMANDS[name].option in ("", *options)
    assert name in FOUND


@pytest.mark.parametrize("name", [name for name in RECORDED if name != "mutation"])
def test_a_figure_is_of_the_length_its_command_says(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    line, blank, *figures = RECORDED[name].splitlines()
    assert (line[0], line[-1], blank) == ("`", "`", "")
    length_is_told(name, line[1:-1], "\n".join(figures), monkeypatch)


@pytest.mark.parametrize(
    ("name", "line", "figures"),
    [
        ("chaos", "python -m tests.rig.chaos --seeds 100000 --write", "40,000 seeds, 0 failures"),
        ("s6", "python -m tests.terminal.soak s6 --seconds 3600 --write", "S6: 200 s at 500 book messages a second"),
        ("s1", "python -m tests.rig.soak s1 --write", "no length at all"),
    ],
)
def test_a_figure_of_another_length_is_noticed(
    name: str, line: str, figures: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(AssertionError, match=f"{name} (was asked for|tells no length)"):
        length_is_told(name, line, figures, monkeypatch)


def test_each_row_of_a_table_has_its_command() -> None:
    _, _, *rows = FOUND["mutation"].splitlines()
    commands = {row.split(" | ")[-1].strip("| ") for row in rows}
    assert all(one == "not recorded" or one.startswith("`python -m tests.rig.mutation ") for one in commands)
    listed = re.findall(
        r"^- `python -m pytest .*--write-ledger.*?`(?: \(machine speed [\d.]+\))?: (.*)$", FOUND["faults"], re.M
    )
    faults = ", ".join(listed).split(", ")
    assert len(set(faults)) == len(faults)
    assert set(faults) == set(re.findall(r"^\| (F\d+) ", FOUND["faults"], re.M))


def test_the_promises_print_their_catalogues() -> None:
    assert sections(PROMISES) == tables(), "run python -m tests.rig.commands"


def test_a_command_is_told_as_it_was_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "orig_argv", ["/usr/bin/python3.11", "-X", "dev", "-m", "tests.rig.chaos", "--seeds", "5"])
    assert as_run() == "python -m tests.rig.chaos --seeds 5"
