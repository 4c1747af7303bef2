"""A moment of a recording as a user names it: a time of day, a full time, or seconds from the start."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kraken_tui.units import SECOND

_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9])(?:\.([0-9]{1,9}))?)?", re.ASCII)
_SECONDS = re.compile(r"\+([0-9]{1,9})(?:\.([0-9]{1,9}))?s?", re.ASCII)
_ISO = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])(?:\.([0-9]{1,9}))?"
    r"(Z|[+-][0-9]{2}:?[0-9]{2})?",
    re.ASCII,
)
_DAY_NS = 86_400 * SECOND
_WINDOW_NS = SECOND
_SILENT_NS = 60 * SECOND

WAYS = "a time such as 14:03:10, 2026-11-21T14:03:10Z or +90 (seconds from the start)"
"""How a moment may be written."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One of three: a time of day, a time since the epoch, or one since the beginning of the recording.

    Attributes:
        text: As it was written.
        day_ns: Ns since midnight, UTC, of whichever day of the recording has it.
        epoch_ns: Ns since the epoch.
        offset_ns: Ns since the first frame.
    """

    text: str
    day_ns: int | None = None
    epoch_ns: int | None = None
    offset_ns: int | None = None

    def within(self, begin_ns: int, end_ns: int | None) -> int | None:
        """Where it is in a recording.

        Args:
            begin_ns: Time of the first frame, ns since the epoch.
            end_ns: Time of the last; None where that is not known.

        Returns:
            Ns since the epoch; None where it is outside. A whole second in which the recording begins counts as its
            beginning: that is how a clock shows it. Up to a minute after the last frame counts as the end: the market
            may have been silent at the moment that somebody shared.
        """
        if self.offset_ns is not None:
            at = begin_ns + self.offset_ns
        elif self.epoch_ns is not None:
            at = self.epoch_ns
        else:
            assert self.day_ns is not None
            at = begin_ns // _DAY_NS * _DAY_NS + self.day_ns
            if at <= begin_ns - _WINDOW_NS:
                at += _DAY_NS
        if at <= begin_ns - _WINDOW_NS or (end_ns is not None and at > end_ns + _SILENT_NS):
            return None
        return max(at if end_ns is None else min(at, end_ns), begin_ns)


def read_moment(text: str) -> Moment | None:
    """Read a moment; None for a text that is none."""
    text = text.strip()
    if found := _SECONDS.fullmatch(text):
        return Moment(text, offset_ns=int(found[1]) * SECOND + _fraction(found[2]))
    if found := _CLOCK.fullmatch(text):
        seconds = (int(found[1]) * 60 + int(found[2])) * 60 + int(found[3] or 0)
        return Moment(text, day_ns=seconds * SECOND + _fraction(found[4]))
    if found := _ISO.fullmatch(text):
        from datetime import datetime

        zone = found[6] if found[6] not in (None, "Z") else "+00:00"
        try:
            whole = datetime.fromisoformat(f"{found[1]}T{found[2]}:{found[3]}:{found[4]}{zone}")
        except ValueError:
            return None
        at = int(whole.timestamp()) * SECOND + _fraction(found[5])
        return Moment(text, epoch_ns=at) if at >= 0 else None
    return None


def _fraction(digits: str | None) -> int:
    return int(digits.ljust(9, "0")) if digits else 0
