"""What the screen and the commands may ask of an engine.

`Engine` is the real one; tests drive the screen with a fake that has the same shape. Reads return the newest
published value at once, whatever became of the engine since: its reader judges how old it is (`market.freshness`).
Commands never block and may be called from any thread.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from kraken_tui.market.events import Side
from kraken_tui.market.views import FeedView, PairView, Published

if TYPE_CHECKING:
    from kraken_tui.engine.trading import TradingDesk
    from kraken_tui.market.history.moments import MarketHistory


class MarketSource(Protocol):
    """The engine as seen from the screen."""

    @property
    def feed_view(self) -> FeedView:
        """Newest view of the connection, the counters and the tabs."""
        ...

    def published(self) -> Published:
        """All newest views, of one moment: what one picture is drawn from."""
        ...

    def now(self) -> int:
        """Clock to judge views by (`market.freshness`): the machine's monotonic ns, as of `made_ns`."""
        ...

    def step(self) -> str:
        """What the engine's thread is in at this moment, in a few words; "" where nothing tells."""
        ...

    def view(self, symbol: str) -> PairView | None:
        """Newest view of a pair; None before its first, or when the pair is not subscribed."""
        ...

    def history(self, symbol: str) -> MarketHistory | None:
        """The past of a pair, which may be read at once; None where none is kept, or the pair is not subscribed."""
        ...

    def share(self, path: Path, moment_ns: int) -> int:
        """Write the raw frames from a minute before a moment until now, with the state before them, as a recording.

        In a replay they are read from the recording where it is indexed that far. It waits for the engine and the
        disk: call it from a thread that may.

        Args:
            path: A new file.
            moment_ns: The moment of interest, ns since the epoch by the engine's clock.

        Returns:
            Frames written.

        Raises:
            RecordingError: No frames of that moment are kept, or the file cannot be written whole.
            TimedOut: The engine does not answer.
        """
        ...

    def show(self, symbol: str) -> None:
        """Make this the pair on screen: it gets a new view at every publish, the others one a second."""
        ...

    def watch_queue(self, symbol: str, side: Side | None, ticks: int) -> None:
        """Publish the single orders of one level of a pair (`Level3View.queue`) from now on.

        Args:
            symbol: A pair; one whose single orders are not followed has no queue.
            side: Of the book; None watches no level of this pair any more.
            ticks: Its price.
        """
        ...

    @property
    def trades(self) -> str:
        """Whether orders can be placed once it is armed: "LIVE", "DEMO" or "PAPER"; "" where they never can."""
        ...

    def trade(self, act: Callable[[TradingDesk], object]) -> None:
        """Act on the trading desk, in the engine's thread and between two frames; nothing happens where there is none.

        Outcomes come back by the functions that are handed to the desk; they are called in the engine's thread.
        """
        ...

    def search(self, text: str, limit: int = 50) -> list[str]:
        """Symbols of the exchange that match what was typed; empty before the instrument list is known."""
        ...

    def is_tokenised(self, symbol: str) -> bool:
        """Whether a pair's base stands for something outside the exchange, such as a share, as far as is known."""
        ...

    def add_pair(self, name: str) -> None:
        """Subscribe another pair, by any of its names."""
        ...

    def remove_pair(self, symbol: str) -> None:
        """Unsubscribe a pair and forget it."""
        ...

    def set_depth(self, depth: int) -> None:
        """Resubscribe all books at another depth, one of `settings.DEPTHS`."""
        ...

    def set_interval(self, minutes: int) -> None:
        """Choose the candle interval, one of `settings.INTERVALS`."""
        ...

    def pause_replay(self, paused: bool) -> None:
        """Stop or continue the recording's clock; no effect on a live feed."""
        ...

    def set_replay_speed(self, speed: float) -> None:
        """Change how fast a recording plays; 0 is as fast as possible."""
        ...

    def skip_replay(self) -> None:
        """Go to the recording's next frame, over a gap or a silence; no effect on a live feed."""
        ...

    def replay_again(self) -> None:
        """Play the recording from its beginning, at the same speed; no effect on a live feed."""
        ...

    def seek_replay(self, ns: int) -> None:
        """Go to a moment of a recording, ns since the epoch by its clock; beyond its ends, to the nearest.

        It stays paused, or goes on at its speed. `ReplayView.seeking` says so while that takes long. No effect on a
        live feed.
        """
        ...

    def seek_fault(self, direction: int) -> None:
        """Go to the next (+1) or previous (-1) mismatch, gap or session of a recording; the log says what it is."""
        ...

    def cancel_seek(self) -> None:
        """Give up a seek that takes long; the recording goes on from where it is."""
        ...

    def reconnect(self) -> None:
        """Dial now instead of after the planned wait, as far as the dial budget allows; only while not connected."""
        ...

    def record(self, path: Path | None) -> None:
        """Start appending raw frames to `path`, or stop with None. Problems appear in the feed view."""
        ...

    def note(self, level: str, text: str) -> None:
        """Add a line to the program's log; the text is cleaned."""
        ...

    def on_failure(self, callback: Callable[[BaseException], None]) -> None:
        """Call back, from the engine's thread, if that thread ever dies of an unexpected error."""
        ...

    def on_publish(self, callback: Callable[[], None]) -> None:
        """Call back, from the engine's thread, after every new view; it must return at once."""
        ...
