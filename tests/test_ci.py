"""`.ci/run` tries what a reader of the README is told to type."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_ci_runs_the_readmes_test_command() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"^.*-m pytest$", readme, re.M)
    assert len(commands) == 1
    lines = [line.strip() for line in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()]
    assert f"{commands[0]} ||" in lines


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@pytest.mark.parametrize("name", ["run", "release"])
def test_the_scripts_can_be_read_and_run(name: str) -> None:
    path = ROOT / ".ci" / name
    assert os.access(path, os.X_OK)
    done = subprocess.run(["bash", "-n", str(path)], capture_output=True, text=True, check=False, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_release_runs_what_the_page_says() -> None:
    script = (ROOT / ".ci" / "release").read_text(encoding="utf-8")
    page = (ROOT / "docs" / "INSTALL.md").read_text(encoding="utf-8")
    for words in ("twine check --strict", "doctor", "snapshot --demo", "LICENCES.txt", "SHA256SUMS", "kraken-tui.pyz"):
        assert words.replace("twine check", 'twine" check') in script or words in script, words
        assert words in page, words
