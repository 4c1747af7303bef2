"""Fixtures shared by all tests: where recorded data of the real exchange lies, and how to read it."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.shared import shared_folder

pytest_plugins = ["tests.faults.ledger"]

# The many processes that tests start would recompile the package each time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# No test reads or spends what belongs to the user: settings, logs, pictures, and above all the budget of dials.
_folders = tempfile.TemporaryDirectory(prefix="kraken-tui-tests-")
os.environ |= {f"XDG_{kind}_HOME": f"{_folders.name}/{kind.lower()}" for kind in ("CONFIG", "STATE", "DATA", "CACHE")}

# Two slow shared cores must not turn a property into a timing test.
settings.register_profile("steady", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# For a long look at night: pytest --hypothesis-profile=thorough
settings.register_profile("thorough", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=2000)
settings.load_profile("steady")


def _stay_on_this_computer(event: str, arguments: tuple[Any, ...]) -> None:
    """Audit hook: a test that reaches for another computer fails (RELIABILITY.md X3)."""
    if event == "socket.connect":
        address = arguments[1]
        if isinstance(address, tuple) and not str(address[0]).startswith(("127.", "::1")):
            raise RuntimeError(f"a test dials {address[0]}")


sys.addaudithook(_stay_on_this_computer)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let tests that wait for real time disturb the others, but not each other."""
    for item in items:
        if item.get_closest_marker("realtime"):
            item.add_marker(pytest.mark.xdist_group("realtime"))


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Folder with recorded data, which is not part of the repository."""
    path = shared_folder()
    if not path.is_dir():
        pytest.skip(f"no recorded data at {path}; name its folder in KRAKEN_TUI_SHARED")
    return path


@pytest.fixture(scope="session")
def captures_dir(shared_dir: Path) -> Path:
    """Recorded frames and answers of the real exchange."""
    path = shared_dir / "kraken" / "captures"
    if not path.is_dir():
        pytest.skip(f"no captures at {path}")
    return path


@pytest.fixture(scope="session")
def goldens(shared_dir: Path) -> dict[str, Any]:
    """Worked examples from Kraken's documentation."""
    path = shared_dir / "kraken" / "goldens" / "documented-examples.json"
    if not path.is_file():
        pytest.skip(f"no worked examples at {path}")
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def _existing(path: Path) -> Path:
    if not path.is_file():
        pytest.skip(f"no recording at {path}")
    return path


@pytest.fixture(scope="session")
def sdk_frames(captures_dir: Path) -> list[str]:
    """BTC/USD, depth 10, 510 frames whose numbers lost trailing zeros."""
    path = _existing(captures_dir / "v2" / "python-kraken-sdk" / "orderbook-v2.json")
    content = json.loads(path.read_text(encoding="utf-8"))
    return [json.dumps(frame) for frame in [content["init"], *content["updates"]]]


@pytest.fixture(scope="session")
def minagbp_frames(captures_dir: Path) -> list[str]:
    """MINA/GBP, depth 25: every received frame as it was on the wire."""
    path = _existing(captures_dir / "v2/no-licence-stated/depthcharge/kraken_minagbp_d25_20260816.ndjson")
    frames = []
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        if '"dir": "tx"' not in line:
            frames.append(line.split('"frame": ', 1)[1][:-1])
    return frames


@pytest.fixture(scope="session")
def tickvault_frames(captures_dir: Path) -> list[str]:
    """BTC/USD, depth 10: eight bare frames."""
    path = _existing(captures_dir / "v2/no-licence-stated/tickvault/kraken_book.jsonl")
    return path.read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="session")
def gst_frame(captures_dir: Path) -> str:
    """GST/USD, depth 10: one snapshot with leading zeros in its prices."""
    return _existing(captures_dir / "v2" / "kraken-data-recorder" / "gst_usd_snapshot.json").read_text(encoding="utf-8")
