"""docs/INSTALL.md names every extra, and none that is not there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FOR_WORK_ON_THE_PROGRAM = {"test", "coverage", "dev"}


def test_every_extra_is_in_the_table() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        extras = set(tomllib.load(file)["project"]["optional-dependencies"]) - _FOR_WORK_ON_THE_PROGRAM
    table = (ROOT / "docs" / "INSTALL.md").read_text("utf-8").partition("| extra | for |\n")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.M)) == extras
