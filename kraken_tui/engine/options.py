"""What a program may choose beyond the user's `Settings`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kraken_tui.market.views import FeedView

if TYPE_CHECKING:
    from kraken_tui.keys.key import ApiKey


def _as_it_is(event: object) -> Iterable[object]:
    return (event,)


def _not_kept(_frame: bytes, _wall_ns: int, _direction: str) -> None:
    """Ignore frames."""


def _nobody(_: FeedView) -> None:
    """Ignore published views."""


@dataclass(frozen=True, slots=True)
class Relay:
    """A process of this machine that passes on one feed to many.

    Attributes:
        url: Its WebSocket address.
        rest_url: Its REST base address.
        shown: What it is called on screen.
    """

    url: str
    rest_url: str
    shown: str


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """Choices of a program.

    Attributes:
        channels: Channels subscribed for every pair besides the book; None for all.
        ignore_gaps: Keep updating books after a wrong checksum, UNVERIFIED.
        history: Whether the past of every pair is kept (`market.history`), for a screen to go back in.
        shares: Whether, with `history`, the last minute of frames is kept and recordings are indexed: to be shared and
            sought by a screen.
        book_levels: Levels a side attached to book events from the start; 0 for no book events until one is asked.
        tell_state: Tell listeners what is known at the moment a replay begins at, or was sought.
        stand: Stay paused at the moment that `Settings.at` names.
        transform: Called in the engine's thread with every event; returns what listeners are told instead, in order.
        on_publish: Called in the engine's thread with every new feed view.
        on_frame: Called in the engine's thread with every frame, its wall clock ns and its direction; it must not wait.
        key: Of the account, for what `Settings` say is followed; None with the demo, which brings its own.
        level3_all: Whether single orders are followed for all pairs instead of those that were shown lately.
        trades_alone: Whether orders are placed by a program without a screen, which counts as alive while it runs.
        level3_lines: Whether each of their messages is told as a `Level3Line`.
        relay: What is dialled in place of the exchange, or of the demo; it has their feed.
        keeps_index: Whether the index of a recording may be kept beside it.
    """

    channels: tuple[str, ...] | None = None
    ignore_gaps: bool = False
    history: bool = False
    shares: bool = True
    book_levels: int = 0
    tell_state: bool = False
    stand: bool = False
    transform: Callable[[object], Iterable[object]] = _as_it_is
    on_publish: Callable[[FeedView], None] = _nobody
    on_frame: Callable[[bytes, int, str], None] = _not_kept
    key: ApiKey | None = None
    level3_all: bool = False
    level3_lines: bool = False
    trades_alone: bool = False
    relay: Relay | None = None
    keeps_index: bool = True
