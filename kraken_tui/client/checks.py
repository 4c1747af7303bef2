"""What a `KrakenClient` was told, checked. The settings' bounds are those of `settings.options`, asked only here."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from kraken_tui.client.gaps import GapPolicy
from kraken_tui.engine.backpressure import Backpressure, DropPolicy, adjusted, preset
from kraken_tui.errors import ConfigurationError
from kraken_tui.feed.channels import CHANNELS, pair_channels
from kraken_tui.feed.kafka.client import need_client
from kraken_tui.settings import Settings
from kraken_tui.settings.options import check_value, check_values
from kraken_tui.wire.checksum import CHECKSUM_LEVELS

REPLAY_QUEUE = 1_000_000
"""Queue of a listener to a recording, unless a preset or number says otherwise: a recording need not lose any."""


def settings(**arguments: object) -> Settings:
    """Settings made of arguments of the client's constructor.

    Raises:
        ConfigurationError: One cannot work; the text names the argument and what it takes.
    """
    found = check_values(**arguments)
    if found.kafka:
        need_client("kafka")
    elif found.at:
        raise ConfigurationError("at goes with kafka: it says from when on Kafka is read")
    return found


def pair_names(*names: object) -> tuple[str, ...]:
    """Names of pairs as a program writes them: texts, or iterables of them.

    Raises:
        ConfigurationError: One is not a text, is empty or too long, or they are too many.
    """
    found = tuple(name for group in names for name in check_value("pairs", group))
    checked: tuple[str, ...] = check_value("pairs", found)
    return checked


def speed(value: object) -> float:
    """A replay speed.

    Raises:
        ConfigurationError: It is not a number, or out of its range.
    """
    checked: float = check_value("speed", value)
    return checked


def recording_path(value: str | os.PathLike[str] | None) -> Path | None:
    """The file of a recording; None for none.

    Raises:
        ConfigurationError: It cannot be a file name.
    """
    checked: Path | None = check_value("record", value)
    return checked


def levels(value: Any, depth: int) -> int:
    """Levels a side of book events.

    Raises:
        ConfigurationError: Fewer than the checksum needs, or more than the depth.
    """
    if type(value) is not int or not CHECKSUM_LEVELS <= value <= depth:
        raise ConfigurationError(
            f"levels takes {CHECKSUM_LEVELS} to the depth, {depth}: fewer could not be proven again"
        )
    return value


def channel_names(names: object) -> tuple[str, ...]:
    """Channels; the book is always among them.

    Raises:
        ConfigurationError: There is no such channel.
    """
    given = (names,) if isinstance(names, str) else tuple(names) if isinstance(names, Iterable) else (names,)
    offered = pair_channels()
    if any(name not in offered for name in given):
        raise ConfigurationError(f"channels takes some of {', '.join(offered)}")
    return tuple(name for name in offered if CHANNELS[name].always or name in given)


def gap_policy(name: object) -> GapPolicy:
    """A gap policy by its name.

    Raises:
        ConfigurationError: There is no such policy.
    """
    try:
        return GapPolicy(str(name).lower())
    except ValueError:
        raise ConfigurationError(f"gap_policy takes {', '.join(GapPolicy)}") from None


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
        ConfigurationError: There is no such preset or policy, or a number is out of its range.
    """
    base = preset("single" if chosen is None else chosen)
    if replay and chosen is None and queue is None:
        queue = REPLAY_QUEUE
    return adjusted(base, queue=queue, policy=policy, coalesce_ms=coalesce_ms, rate=rate)


def units(call: str, value: object, unit: str) -> int:
    """A whole number of ticks or lots.

    Raises:
        ConfigurationError: It is not an int.
    """
    if type(value) is not int:
        raise ConfigurationError(f"{call} takes a whole number of {unit} (int), not {type(value).__name__}")
    return value
