"""kraken-tui.pyz, the program in one file: made, and run by a Python that knows nothing of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from kraken_tui._version import __version__

MAKER = Path(__file__).parents[1] / ".ci" / "pyz.py"

pytestmark = pytest.mark.realtime


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pyz") / "kraken-tui.pyz"
    done = subprocess.run(
        [sys.executable, str(MAKER), str(path)], capture_output=True, text=True, check=True, timeout=60
    )
    assert re.search(r"\d+ packages, [\d.]+ MB, for Python 3\.\d+ ", done.stdout)
    return path


def run(archive: Path, folder: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    """By the Python that a virtual environment is made of, without what is installed for this one."""
    python = getattr(sys, "_base_executable", sys.executable)
    env = {name: value for name, value in os.environ.items() if not name.startswith(("KRAKEN_TUI_", "PYTHON"))}
    env |= {"KRAKEN_TUI_UNPACKED": str(folder), "XDG_CONFIG_HOME": str(folder.parent / "config")}
    return subprocess.run(
        [python, "-I", "-S", str(archive), *argv], capture_output=True, text=True, check=False, timeout=60, env=env
    )


def test_it_runs_where_nothing_is_installed(archive: Path, tmp_path: Path) -> None:
    folder = tmp_path / "unpacked"
    done = run(archive, folder, "--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"kraken-tui {__version__}, ")
    [contents] = folder.iterdir()
    if os.name != "nt":
        assert contents.stat().st_mode & 0o077 == 0, "nobody else may change what will run"
    made = (contents / "kraken_tui" / "_version.py").stat().st_mtime_ns
    picture = tmp_path / "x.svg"
    done = run(archive, folder, "snapshot", "--demo", "--size", "80x24", "--output", str(picture))
    assert (done.returncode, done.stderr) == (0, "")
    assert "VERIFIED" in picture.read_text(encoding="utf-8")
    assert [*folder.iterdir()] == [contents]
    assert (contents / "kraken_tui" / "_version.py").stat().st_mtime_ns == made, "the second start unpacks nothing"
    done = run(archive, folder, "--depht", "3")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), "exit codes are those of the program"


def test_it_holds_the_program_and_what_it_needs_and_no_more(archive: Path) -> None:
    names = zipfile.ZipFile(archive).namelist()
    tops = {name.partition("/")[0] for name in names}
    assert {"kraken_tui", "textual", "rich", "websockets", "msgspec", "plotext", "linkify_it", "__main__.py"} <= tops
    assert not {"pytest", "pip", "hypothesis", "pyarrow", "tests"} & tops
    assert not [name for name in names if name.endswith(".pyc")]
    assert archive.read_bytes().startswith(b"#!/usr/bin/env python3\n")


def test_another_python_and_a_full_disk_are_told_in_a_sentence(archive: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.pyz"
    with zipfile.ZipFile(archive) as found, zipfile.ZipFile(other, "w") as changed:
        boot = found.read("__main__.py").decode()
        changed.writestr("__main__.py", re.sub(r"MADE_FOR = .*", "MADE_FOR = '3.9 amiga'", boot))
    done = run(other, tmp_path / "unpacked", "--version")
    assert done.returncode == 2
    assert re.fullmatch(r"kraken-tui: this file is for Python 3\.9 amiga, not .*; install the wheel\n", done.stderr)
    (tmp_path / "file").touch()
    done = run(archive, tmp_path / "file" / "below", "--version")
    assert done.returncode == 2
    assert re.fullmatch(r"kraken-tui: cannot unpack: .*; name a folder with KRAKEN_TUI_UNPACKED\n", done.stderr)
