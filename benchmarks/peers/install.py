"""The environment the other clients live in: one that exists, or one made on request."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from dataclasses import dataclass, field
from pathlib import Path

VARIABLE = "KRAKEN_TUI_PEERS"
"""Path of an interpreter that has the other clients, or "install" to make an environment for them."""

HERE = Path(__file__).parent
ENVIRONMENT = HERE.parent.parent / ".venv-peers"
MOST_S = 600


@dataclass
class Peers:
    """Where the other clients are.

    Attributes:
        python: Interpreter to run them with; None to leave them out.
        failed: Requirements that could not be installed, each with the reason.
    """

    python: Path | None = None
    failed: dict[str, str] = field(default_factory=dict)


def find() -> Peers:
    """Do what `KRAKEN_TUI_PEERS` says.

    Raises:
        FileNotFoundError: It names an interpreter that does not exist.
    """
    wanted = os.environ.get(VARIABLE, "")
    if not wanted:
        return Peers()
    if wanted == "install":
        return install(ENVIRONMENT)
    python = Path(wanted).expanduser().absolute()
    if not python.is_file():
        raise FileNotFoundError(f"{VARIABLE}={wanted}: there is no such interpreter; give its path, or say install")
    return Peers(python)


def requirements() -> list[str]:
    """Lines of requirements.txt without the comments."""
    lines = (HERE / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def install(folder: Path) -> Peers:
    """Make an environment, or complete an earlier one, a package at a time so that one failure costs one row."""
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        venv.create(folder, with_pip=True)
    stamp = folder / "installed.json"
    done: list[str] = json.loads(stamp.read_text(encoding="utf-8")) if stamp.exists() else []
    failed: dict[str, str] = {}
    for requirement in requirements():
        if requirement not in done:
            print(f"installing {requirement}", file=sys.stderr, flush=True)
            reason = _pip(python, requirement)
            if reason:
                failed[requirement] = reason
            else:
                done.append(requirement)
    stamp.write_text(json.dumps(done), encoding="utf-8")
    return Peers(python, failed)


def _pip(python: Path, requirement: str) -> str:
    """Why a package could not be installed; "" if it was."""
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", requirement]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=MOST_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{type(error).__name__}"
    errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
    return "" if done.returncode == 0 else (errors[-1] if errors else "pip failed")[:160]
