"""What a `KrakenClient` was told, checked: one sentence that names the argument and what it takes."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from kraken_tui.client.gaps import GapPolicy
from kraken_tui.engine.backpressure import Backpressure, DropPolicy, adjusted, preset
from kraken_tui.errors import Configuration
from kraken_tui.feed.wanted import CHANNELS
from kraken_tui.files import file_path
from kraken_tui.settings import DEPTHS, INTERVALS, Settings
from kraken_tui.settings.address import check_rest_url, check_url
from kraken_tui.text import clean_text
from kraken_tui.wire.checksum import CHECKSUM_LEVELS

MAX_PAIRS = 1_000
"""Most pairs of one client; the exchange's pace of subscriptions makes more of them slow to start."""

REPLAY_QUEUE = 1_000_000
"""Queue of a listener to a recording, unless a preset or number says otherwise: a recording need not lose any."""

_MAX_SPEED = 10_000.0
_MAX_STALE_S = 3_600.0
_MAX_NAME = 40


def pair_names(names: object) -> tuple[str, ...]:
    """Check names of pairs as a program writes them.

    Raises:
        Configuration: One is no text, is empty or over 40 characters, or they are too many.
    """
    if isinstance(names, str):
        names = (names,)
    if not isinstance(names, Iterable):
        raise Configuration("pairs takes names such as BTC/USD")
    found = tuple(names)
    for name in found:
        if not isinstance(name, str) or not 0 < len(name) <= _MAX_NAME or not name.isprintable() or not name.strip():
            raise Configuration(f"pairs takes names such as BTC/USD, not {clean_text(repr(name), 60)}")
    if len(found) > MAX_PAIRS:
        raise Configuration(f"pairs takes at most {MAX_PAIRS:,} names")
    return tuple(dict.fromkeys(name.strip() for name in found))


def channel_names(names: object) -> tuple[str, ...]:
    """Check channels; the book is among them whatever is chosen.

    Raises:
        Configuration: There is no such channel.
    """
    given = (names,) if isinstance(names, str) else tuple(names) if isinstance(names, Iterable) else (names,)
    if any(name not in CHANNELS for name in given):
        raise Configuration(f"channels takes some of {', '.join(CHANNELS)}")
    return tuple(name for name in CHANNELS if name == "book" or name in given)


def gap_policy(name: object) -> GapPolicy:
    """A gap policy by its name.

    Raises:
        Configuration: There is no such policy.
    """
    try:
        return GapPolicy(str(name).lower())
    except ValueError:
        raise Configuration(f"gap_policy takes {', '.join(GapPolicy)}") from None


def settings(
    *,
    pairs: tuple[str, ...],
    depth: int,
    levels: int,
    interval: int,
    url: str,
    rest_url: str,
    demo: bool,
    demo_seed: int,
    replay: str | os.PathLike[str] | None,
    speed: float,
    record: str | os.PathLike[str] | None,
    stale_after_s: float,
    log_file: str | os.PathLike[str] | None,
) -> Settings:
    """Check what the engine is to run.

    Raises:
        Configuration: A value cannot work; the text names the argument and what it takes.
    """
    _one_of("depth", depth, DEPTHS)
    _one_of("interval", interval, INTERVALS)
    if type(levels) is not int or not CHECKSUM_LEVELS <= levels <= depth:
        raise Configuration(f"levels takes {CHECKSUM_LEVELS} to the depth, {depth}: fewer could not be proven again")
    if demo and replay is not None:
        raise Configuration("demo and replay exclude each other")
    if type(demo_seed) is not int or not 0 <= demo_seed <= 2**53:
        raise Configuration("demo_seed takes a whole number from 0 to 2^53")
    check_speed(speed)
    _between("stale_after_s", stale_after_s, 0.1, _MAX_STALE_S)
    try:
        check_url(url)
        rest_url = check_rest_url(rest_url)
    except ValueError as error:
        raise Configuration(str(error)) from None
    return Settings(
        pairs=pairs,
        depth=depth,
        interval=interval,
        url=url,
        rest_url=rest_url,
        demo=bool(demo),
        demo_seed=demo_seed,
        replay=path("replay", replay),
        speed=float(speed),
        record=path("record", record),
        stale_after_s=float(stale_after_s),
        log_file=path("log_file", log_file),
    )


def check_speed(speed: object) -> None:
    """Check a replay speed.

    Raises:
        Configuration: Not a number from 0 to 10,000.
    """
    _between("speed", speed, 0, _MAX_SPEED)


def path(name: str, value: str | os.PathLike[str] | None) -> Path | None:
    """Check a file name.

    Raises:
        Configuration: It cannot be one.
    """
    if value is None:
        return None
    text = os.fspath(value) if isinstance(value, str | os.PathLike) else None
    if not isinstance(text, str):
        raise Configuration(f"{name} takes a file name")
    try:
        return file_path(text)
    except ValueError as error:
        raise Configuration(f"{name} {error}") from None


def backpressure(
    chosen: str | int | None,
    *,
    replay: bool,
    queue: int | None,
    policy: DropPolicy | str | None,
    coalesce_ms: float | None,
    rate: float | None,
) -> Backpressure:
    """The preset with the numbers that were given.

    Raises:
        Configuration: There is no such preset or policy, or a number is out of its range.
    """
    base = preset("single" if chosen is None else chosen)
    if replay and chosen is None and queue is None:
        queue = REPLAY_QUEUE
    return adjusted(base, queue=queue, policy=policy, coalesce_ms=coalesce_ms, rate=rate)


def _one_of(name: str, value: object, allowed: tuple[int, ...]) -> None:
    if type(value) is not int or value not in allowed:
        raise Configuration(f"{name} takes one of {', '.join(map(str, allowed))}")


def _between(name: str, value: object, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise Configuration(f"{name} takes {low:g} to {high:g}")


def units(call: str, value: object, unit: str) -> int:
    """Check a whole number of ticks or lots.

    Raises:
        Configuration: It is not an int.
    """
    if type(value) is not int:
        raise Configuration(f"{call} takes a whole number of {unit} (int), not {type(value).__name__}")
    return value
