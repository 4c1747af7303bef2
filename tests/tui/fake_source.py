"""A market source without a feed: believable views, and a list of what the screen asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from kraken_tui.market.events import Proof, Side
from kraken_tui.market.history.moments import MarketHistory
from kraken_tui.market.private_views import AccountView
from kraken_tui.market.views import FeedView, Mode, PairSummary, PairView, Published, RecordingView, ReplayView
from tests.tui import samples

SYMBOLS = ("BTC/USD", "ETH/BTC", "PEPE/USD", "DOGE/USD")


class FakeSource:
    """Has the shape of `engine.api.MarketSource`; commands take effect at once and are kept in `asked`."""

    def __init__(self, *, replay: bool = False, symbols: tuple[str, ...] = SYMBOLS[:3]) -> None:
        self.asked: list[tuple[object, ...]] = []
        self.feed_view: FeedView = samples.replaying() if replay else samples.feed()
        self.views: dict[str, PairView] = {}
        self.histories: dict[str, MarketHistory] = {}
        self.account: AccountView | None = None
        self.now_ns = 0
        self.trades = ""
        self.desk: Any = None
        self.account: AccountView | None = None
        self.stuck_in = ""
        self.tokenised: set[str] = set()
        self.callback: Callable[[BaseException], None] | None = None
        self._set_tabs(symbols)
        for symbol in symbols:
            self.views[symbol] = samples.pair(symbol)

    def _set_tabs(self, symbols: tuple[str, ...]) -> None:
        tabs = tuple(
            PairSummary(symbol, None, samples.spec_of(symbol).price_precision, 1, Proof.VERIFIED, False)
            for symbol in symbols
        )
        self.feed_view = replace(self.feed_view, tabs=tabs)

    def _tabs(self) -> tuple[str, ...]:
        return tuple(tab.symbol for tab in self.feed_view.tabs)

    def advance(self, messages: int = 10) -> None:
        """Let messages come in: counters grow and every pair gets a newer view."""
        feed = self.feed_view
        self.feed_view = replace(feed, version=feed.version + 1, messages=feed.messages + messages)
        for symbol, view in self.views.items():
            (best, _), *rest = view.bids
            self.views[symbol] = replace(view, version=view.version + 1, bids=((best, 77_700_000), *rest))

    def published(self) -> Published:
        return Published(self.feed_view, dict(self.views), self.account)

    def now(self) -> int:
        return self.now_ns

    def step(self) -> str:
        return self.stuck_in

    def view(self, symbol: str) -> PairView | None:
        return self.views.get(symbol)

    def history(self, symbol: str) -> MarketHistory | None:
        return self.histories.get(symbol)

    def share(self, path: Path, moment_ns: int) -> int:
        self.asked.append(("share", path, moment_ns))
        path.write_bytes(b"frames")
        return 7

    def show(self, symbol: str) -> None:
        self.asked.append(("show", symbol))

    def watch_queue(self, symbol: str, side: Side | None, ticks: int) -> None:
        self.asked.append(("watch_queue", symbol, side, ticks))

    def trade(self, act: Callable[[Any], None]) -> None:
        if self.desk is not None:
            act(self.desk)

    def search(self, text: str, limit: int = 50) -> list[str]:
        return [symbol for symbol in SYMBOLS if text.upper() in symbol][:limit]

    def is_tokenised(self, symbol: str) -> bool:
        return symbol in self.tokenised

    def add_pair(self, name: str) -> None:
        self.asked.append(("add_pair", name))
        if name in SYMBOLS:
            self.views[name] = samples.pair(name)
            self._set_tabs((*self._tabs(), name))

    def remove_pair(self, symbol: str) -> None:
        self.asked.append(("remove_pair", symbol))
        self.views.pop(symbol, None)
        self._set_tabs(tuple(name for name in self._tabs() if name != symbol))

    def set_depth(self, depth: int) -> None:
        self.asked.append(("set_depth", depth))
        self.views = {symbol: replace(view, depth=depth) for symbol, view in self.views.items()}

    def set_interval(self, minutes: int) -> None:
        self.asked.append(("set_interval", minutes))
        self.views = {symbol: replace(view, interval=minutes) for symbol, view in self.views.items()}

    def pause_replay(self, paused: bool) -> None:
        self.asked.append(("pause_replay", paused))
        self._change_replay(paused=paused)

    def set_replay_speed(self, speed: float) -> None:
        self.asked.append(("set_replay_speed", speed))
        self._change_replay(speed=speed)

    def skip_replay(self) -> None:
        self.asked.append(("skip_replay",))
        self._change_replay(gap_ns=0)

    def _change_replay(self, **changes: object) -> None:
        replay = self.feed_view.replay
        if isinstance(replay, ReplayView):
            self.feed_view = replace(self.feed_view, mode=Mode.REPLAY, replay=replace(replay, **changes))

    def replay_again(self) -> None:
        self.asked.append(("replay_again",))
        self._change_replay(paused=False, finished=False, position_ns=0)

    def seek_replay(self, ns: int) -> None:
        self.asked.append(("seek_replay", ns))

    def seek_fault(self, direction: int) -> None:
        self.asked.append(("seek_fault", direction))

    def cancel_seek(self) -> None:
        self.asked.append(("cancel_seek",))
        self._change_replay(seeking="")

    def reconnect(self) -> None:
        self.asked.append(("reconnect",))

    def record(self, path: Path | None) -> None:
        self.asked.append(("record", path))
        view = None if path is None else RecordingView(str(path), 0, 0)
        self.feed_view = replace(self.feed_view, recording=view)

    def note(self, level: str, text: str) -> None:
        self.asked.append(("note", level, text))

    def on_publish(self, callback: Callable[[], None]) -> None:
        self.told_frame = callback

    def on_failure(self, callback: Callable[[BaseException], None]) -> None:
        self.callback = callback
