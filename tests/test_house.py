"""What an import may pull in, measured in a fresh interpreter: start-up is part of the product."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import kraken_tui

SCREEN = {"textual", "rich", "plotext"}
HEAVY = SCREEN | {"msgspec", "websockets", "asyncio", "sortedcontainers", "platformdirs", "zstandard"}


def loaded_after(*imports: str) -> set[str]:
    """Top-level modules in memory after these imports."""
    code = f"import sys\nimport {', '.join(imports)}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def modules_of(package: str) -> list[str]:
    """Every module of a subpackage by name, found without importing it."""
    folder = Path(kraken_tui.__file__).parent / package
    return [
        f"kraken_tui.{package}",
        *(f"kraken_tui.{package}.{found.name}" for found in pkgutil.iter_modules([str(folder)])),
    ]


@pytest.mark.realtime
def test_importing_the_package_imports_nothing_heavy() -> None:
    assert not loaded_after("kraken_tui") & HEAVY


@pytest.mark.realtime
def test_the_command_line_imports_nothing_heavy() -> None:
    assert not loaded_after("kraken_tui.cli.main") & HEAVY
    assert not loaded_after("kraken_tui.cli.main") & {"tomllib", "logging", "difflib"}


@pytest.mark.realtime
@pytest.mark.parametrize("package", ["wire", "market", "exchange", "feed", "outputs", "engine"])
def test_nothing_below_the_screen_imports_it(package: str) -> None:
    assert not loaded_after(*modules_of(package)) & SCREEN


@pytest.mark.realtime
@pytest.mark.parametrize("package", ["wire", "market"])
def test_the_pure_layers_import_no_event_loop(package: str) -> None:
    assert not loaded_after(*modules_of(package)) & {"asyncio", "websockets"}
