"""requirements-dev.lock: what development and CI install holds everything that is asked for, each file by its hash."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCK = (ROOT / "requirements-dev.lock").read_text(encoding="utf-8")
PINS = dict(re.findall(r"^([\w.-]+)==([^\s;]+)", LOCK, re.M))


def asked() -> list[Requirement]:
    """What pyproject.toml asks for: to run, to test, to develop, to build."""
    content: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = content["project"]["optional-dependencies"]
    lines = [*content["project"]["dependencies"], *content["build-system"]["requires"]]
    lines += [line for name in ("zstd", "test", "dev") for line in extras[name]]
    return [found for found in map(Requirement, lines) if found.name != "kraken-tui"]


@pytest.mark.parametrize("wanted", asked(), ids=lambda wanted: wanted.name)
def test_what_is_asked_for_is_locked_at_a_version_that_will_do(wanted: Requirement) -> None:
    pinned = PINS.get(canonicalize_name(wanted.name))
    assert pinned is not None, "refresh the lock file (CONTRIBUTING.md)"
    assert wanted.specifier.contains(pinned)


def test_every_file_has_its_hash_and_no_registry_is_named() -> None:
    entries = re.split(r"^(?=[\w.-]+==)", LOCK, flags=re.M)[1:]
    # A package stands there twice where Pythons of different age take different versions.
    assert len(entries) == len({*re.findall(r"^[\w.-]+==[^\\]+", LOCK, re.M)}) >= len(PINS) > 30
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in LOCK


def test_ci_installs_the_lock_file() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "--require-hashes --requirement requirements-dev.lock" in script
