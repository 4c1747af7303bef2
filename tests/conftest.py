"""What holds for every test: its folders, its network, its patience."""

from __future__ import annotations

import os
import sys
import tempfile
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

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


@pytest.fixture(autouse=True)
def no_secrets_of_other_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """What another test made a secret of may stand in the texts of this one."""
    from kraken_tui import secret

    monkeypatch.setattr(secret, "_known", secret._Known())


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


def pytest_xdist_auto_num_workers() -> int:
    """Four workers at least: many tests wait for real time rather than for the processor."""
    return max(4, os.cpu_count() or 1)
