"""What the feed's tests use of the rig, and where the recorded frames of the real exchange are."""

from __future__ import annotations

import os
from pathlib import Path

from tests.rig.bench import Rig
from tests.rig.clock import VENUE_START as WALL
from tests.rig.scripted import ScriptedVenue as Venue
from tests.rig.scripted import SlowBook, decimal_text, stamp

__all__ = ["WALL", "Rig", "SlowBook", "Venue", "decimal_text", "shared_folder", "stamp"]


def shared_folder() -> Path:
    """Where the recorded frames of the real exchange are."""
    default = Path(__file__).resolve().parents[2].parent / "shared"
    return Path(os.environ.get("KRAKEN_TUI_SHARED", default))
