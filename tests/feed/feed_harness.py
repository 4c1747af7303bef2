"""What the feed's tests use of the rig."""

from __future__ import annotations

from tests.rig.bench import Rig
from tests.rig.clock import VENUE_START as WALL
from tests.rig.scripted import ScriptedVenue as Venue
from tests.rig.scripted import SlowBook, decimal_text, stamp
from tests.shared import shared_folder

__all__ = ["WALL", "Rig", "SlowBook", "Venue", "decimal_text", "shared_folder", "stamp"]
