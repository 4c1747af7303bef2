"""The worked examples of the private side; they lie beside the recordings, outside the repository."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest

from tests.shared import shared_folder

PATH = shared_folder() / "kraken" / "goldens" / "private-examples.json"
needs_goldens = pytest.mark.skipif(not PATH.is_file(), reason=f"no {PATH}")


@cache
def goldens() -> Any:
    """The whole file; empty where it is missing."""
    return json.loads(PATH.read_text(encoding="utf-8")) if PATH.is_file() else {}
