"""The virtual clocks every rig starts from, in ns."""

from __future__ import annotations

MS = 1_000_000
SECOND = 1_000_000_000

VENUE_START = 1_790_000_000 * SECOND
"""The exchange's time at the beginning, ns since the epoch."""

CLIENT_START = 1000 * SECOND
"""The client's monotonic clock at the beginning."""
