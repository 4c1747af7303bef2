"""RFC 3339 UTC timestamps of the wire, to and from whole nanoseconds since the epoch."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from kraken_tui.errors import InvalidMessage
from kraken_tui.units import SECOND

_RFC3339 = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?(?:Z|\+00:00)",
    re.ASCII,
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_KEPT_MINUTES = 256
_KEPT_SECONDS = 256
_minutes: dict[str, int] = {}
"""Text up to the minute -> ns since the epoch."""
_seconds: dict[str, int] = {}
"""The same up to the second and its point: the frames of a busy feed share it."""


def parse_timestamp(text: str) -> int:
    """Read a wire timestamp.

    Args:
        text: For example "2023-10-06T17:35:55.440295Z"; up to nine fractional digits, UTC only.

    Returns:
        Nanoseconds since 1970-01-01 UTC, exact.

    Raises:
        InvalidMessage: The text is not such a timestamp.
    """
    # The feed's own forms: microseconds, and nanoseconds of single orders.
    size = len(text)
    if (size == 27 or size == 30) and text[-1] == "Z":
        rest = text[20:-1]
        second = _seconds.get(text[:20])
        if second is None:
            second = _second_of(text)
        if second is not None and rest.isdigit() and rest.isascii():
            return second + (int(rest) * 1000 if size == 27 else int(rest))
    return _parse(text)


def _second_of(text: str) -> int | None:
    """Where the second of a timestamp begins, ns since the epoch, by its minute; None where that is not known yet."""
    minute, second = _minutes.get(text[:17]), text[17:19]
    if minute is None or text[19] != "." or not (second.isdigit() and second.isascii() and second < "60"):
        return None
    if len(_seconds) >= _KEPT_SECONDS:
        _seconds.clear()
    start = _seconds[text[:20]] = minute + int(second) * SECOND
    return start


def _parse(text: str) -> int:
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise InvalidMessage(f"not a timestamp: {text[:40]!r}")
    year, month, day, hour, minute, second, fraction = match.groups()
    # Seconds of 60 (a leap second) are taken as the start of the next minute.
    if int(second) > 60:
        raise InvalidMessage(f"not a timestamp: {text[:40]!r}")
    try:
        start = datetime(int(year), int(month), int(day), int(hour), int(minute), tzinfo=UTC)
    except ValueError as error:
        raise InvalidMessage(f"not a timestamp: {text[:40]!r} ({error})") from error
    minute_s = (start - _EPOCH) // timedelta(seconds=1)
    if len(_minutes) >= _KEPT_MINUTES:
        _minutes.clear()
    _minutes[text[:17]] = minute_s * SECOND
    seconds = minute_s + int(second)
    return seconds * SECOND + int((fraction or "").ljust(9, "0"))


def format_timestamp(ns: int, digits: int = 6) -> str:
    """Write nanoseconds since the epoch as RFC 3339 UTC with `digits` fractional digits (0 to 9)."""
    seconds, fraction = divmod(ns, SECOND)
    stamp = (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{stamp}.{fraction:09d}"[: 20 + digits] + "Z" if digits else f"{stamp}Z"
