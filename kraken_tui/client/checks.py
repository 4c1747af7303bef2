"""What a `KrakenClient` was told, checked, and the builder that collects it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kraken_tui.client.gaps import GapPolicy
from kraken_tui.engine.backpressure import Backpressure, DropPolicy, adjusted, preset
from kraken_tui.errors import Configuration
from kraken_tui.feed.channels import pair_channels
from kraken_tui.settings import DEPTHS, INTERVALS, Settings, file_path
from kraken_tui.settings.address import check_rest_url, check_url
from kraken_tui.text import clean_text
from kraken_tui.wire.checksum import CHECKSUM_LEVELS

if TYPE_CHECKING:
    from kraken_tui.client.client import KrakenClient

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
    offered = pair_channels()
    if any(name not in offered for name in given):
        raise Configuration(f"channels takes some of {', '.join(offered)}")
    return tuple(name for name in offered if name == "book" or name in given)


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


class ClientBuilder:
    """Collects the arguments of a `KrakenClient` one by one; each call returns the builder itself.

    Nothing is checked before `build`, which raises what the client's constructor raises.
    """

    def __init__(self) -> None:
        self._arguments: dict[str, Any] = {}

    def _set(self, **arguments: Any) -> ClientBuilder:
        self._arguments.update(arguments)
        return self

    def pairs(self, *names: str) -> ClientBuilder:
        """Pairs, by any of their names; called twice, both count."""
        return self._set(pairs=(*self._arguments.get("pairs", ()), *names))

    def depth(self, depth: int) -> ClientBuilder:
        """Levels a side to subscribe: 10, 25, 100, 500 or 1000."""
        return self._set(depth=depth)

    def levels(self, levels: int) -> ClientBuilder:
        """Levels a side of every book event, 10 to the depth."""
        return self._set(levels=levels)

    def channels(self, *names: str) -> ClientBuilder:
        """Channels to subscribe, of book, trade, ticker and ohlc; the book always is."""
        return self._set(channels=names)

    def interval(self, minutes: int) -> ClientBuilder:
        """Candle interval in minutes."""
        return self._set(interval=minutes)

    def url(self, url: str) -> ClientBuilder:
        """WebSocket address: wss anywhere, ws on this computer only."""
        return self._set(url=url)

    def rest_url(self, url: str) -> ClientBuilder:
        """REST address, without a path: https anywhere, http on this computer only."""
        return self._set(rest_url=url)

    def demo(self, seed: int = 1) -> ClientBuilder:
        """Run against a simulated exchange within this process."""
        return self._set(demo=True, demo_seed=seed)

    def replay(self, file: str | os.PathLike[str], speed: float = 0.0) -> ClientBuilder:
        """Play a recording; speed 1 is its own, 0 as fast as possible."""
        return self._set(replay=file, speed=speed)

    def record(self, file: str | os.PathLike[str]) -> ClientBuilder:
        """Append the raw frames to a file."""
        return self._set(record=file)

    def preset(self, name: str | int) -> ClientBuilder:
        """Backpressure: single, multi or aggregator, or 1 to 3."""
        return self._set(preset=name)

    def queue(self, events: int) -> ClientBuilder:
        """Most events waiting for one listener."""
        return self._set(queue=events)

    def policy(self, policy: DropPolicy | str) -> ClientBuilder:
        """What a full queue gives up: oldest, newest (or latest), coalesce."""
        return self._set(policy=policy)

    def coalesce_ms(self, milliseconds: float) -> ClientBuilder:
        """Of the same pair and kind of state, at most one event in this time."""
        return self._set(coalesce_ms=milliseconds)

    def rate(self, events_per_s: float) -> ClientBuilder:
        """Most events a second for one listener; 0 for no limit."""
        return self._set(rate=events_per_s)

    def gap_policy(self, policy: GapPolicy | str) -> ClientBuilder:
        """What happens to a pair that cannot be proven: resync, ignore or buffer."""
        return self._set(gap_policy=policy)

    def stale_after_s(self, seconds: float) -> ClientBuilder:
        """Silence or lag from which a pair is called stale."""
        return self._set(stale_after_s=seconds)

    def log_file(self, file: str | os.PathLike[str]) -> ClientBuilder:
        """Also write the program's log to a file."""
        return self._set(log_file=file)

    def build(self) -> KrakenClient:
        """Make the client.

        Raises:
            Configuration: See `KrakenClient`.
        """
        from kraken_tui.client.client import KrakenClient

        return KrakenClient(**self._arguments)
