"""CONTRIBUTING's recipe for an option: one field and one row, and every source knows it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import kraken_tui

FIELD = ("settings/__init__.py", "    mouse: bool = True\n", "    toy: int = 3\n")
ROW = (
    "settings/options.py",
    ')  # fmt: skip\n"""Every setting',
    '    Option("toy", Whole(), "a toy (default {default})", Between(1, 9), flag="--toy", metavar="N",\n'
    "           commands=MARKET, library=True),\n",
)
USE = """
import json, os, sys
from pathlib import Path
from kraken_tui.cli.main import main, parse
from kraken_tui.errors import ConfigurationError
from kraken_tui.settings.options import check_value
from kraken_tui.settings.sources import load

file = Path("config.toml")
file.write_text("toy = 4\\n")

def said(attempt):
    try:
        attempt()
    except ConfigurationError as error:
        return str(error)

seen = {
    "default": load({}, {}).toy,
    "file": load({}, {}, file).toy,
    "environment": load({}, {"KRAKEN_TUI_TOY": "5"}, file).toy,
    "command line": load({"toy": "6"}, {"KRAKEN_TUI_TOY": "5"}, file).toy,
    "stream": parse(["stream", "--toy", "7"]).settings().toy,
    "screen": parse(["--toy", "8"]).settings().toy,
    "library": check_value("toy", 9),
    "refused": [
        said(lambda: load({"toy": "10"}, {})),
        said(lambda: load({}, {"KRAKEN_TUI_TOY": "10"})),
        said(lambda: check_value("toy", 10)),
    ],
}
print(json.dumps(seen), flush=True)
main(["plot", "--help"])
"""


@pytest.mark.realtime
def test_an_option_is_one_field_and_one_row(tmp_path: Path) -> None:
    package = Path(kraken_tui.__file__).parent
    shutil.copytree(package, tmp_path / "kraken_tui", ignore=shutil.ignore_patterns("__pycache__"))
    for name, before, added in (FIELD, ROW):
        path = tmp_path / "kraken_tui" / name
        text = path.read_text(encoding="utf-8")
        assert text.count(before) == 1
        place = text.index(before)
        if (name, before, added) == FIELD:
            place += len(before)
        path.write_text(text[:place] + added + text[place:], encoding="utf-8")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("KRAKEN_TUI_")}
    env = {**clean, "PYTHONPATH": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "none"), "COLUMNS": "100"}
    done = subprocess.run(
        [sys.executable, "-c", USE], cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=30
    )
    assert done.stderr == ""
    line, _, help_text = done.stdout.partition("\n")
    assert json.loads(line) == {
        "default": 3,
        "file": 4,
        "environment": 5,
        "command line": 6,
        "stream": 7,
        "screen": 8,
        "library": 9,
        "refused": [
            "--toy takes 1 to 9",
            "environment variable KRAKEN_TUI_TOY takes 1 to 9",
            "toy takes 1 to 9",
        ],
    }
    assert re.search(r"--toy N +a toy \(default 3\)", help_text)
