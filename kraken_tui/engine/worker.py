"""What runs inside the engine's thread: the feed, the markets, the recorder, and the rounds that publish views."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from msgspec.structs import replace

from kraken_tui.engine.backfill import Backfill
from kraken_tui.engine.desk import Desk
from kraken_tui.engine.events import FrameRejected
from kraken_tui.engine.lag import LoopLag
from kraken_tui.engine.listeners import QueueLoad
from kraken_tui.engine.log import EventLog
from kraken_tui.engine.options import EngineOptions
from kraken_tui.engine.played_past import PlayedPast
from kraken_tui.engine.recent import Recent
from kraken_tui.engine.recordings import END_BY_S, Recordings
from kraken_tui.engine.state_events import state_events
from kraken_tui.errors import ConfigurationError, RecordingError, UnknownPair
from kraken_tui.feed.channels import pair_channels
from kraken_tui.feed.clock import Clock
from kraken_tui.feed.connection.table import State
from kraken_tui.feed.connection.websocket import run as run_websocket
from kraken_tui.feed.events import FeedEvent, Note, Resync, Trades
from kraken_tui.feed.limits import Limits
from kraken_tui.feed.names import NO_WISH, Wish
from kraken_tui.feed.session import Session
from kraken_tui.files import user_folder
from kraken_tui.market.events import Side
from kraken_tui.market.history.moments import MarketHistory
from kraken_tui.market.views import FeedView, LatencyView, Mode, PairView
from kraken_tui.recording.background import Opening
from kraken_tui.recording.opening import opening_frames
from kraken_tui.settings import Settings
from kraken_tui.settings.address import LOOPBACK
from kraken_tui.text import clean_text
from kraken_tui.units import SECOND
from kraken_tui.wire.symbols import canonical, guesses
from kraken_tui.wire.timestamps import format_timestamp

if TYPE_CHECKING:
    from kraken_tui.engine.indexer import Indexer
    from kraken_tui.engine.private_side import PrivateSide
    from kraken_tui.engine.replaying import Instead, Replaying
    from kraken_tui.engine.trading import TradingDesk
    from kraken_tui.engine.trading_side import TradingSide
    from kraken_tui.exchange import ExchangeThread
    from kraken_tui.feed.kafka.run import KafkaFeed
    from kraken_tui.keys.key import ApiKey
    from kraken_tui.market.events import Side
    from kraken_tui.market.private_views import AccountView
    from kraken_tui.wire.symbols import PairSpec

_CONNECTED = frozenset({State.SUBSCRIBING, State.SUBSCRIBED, State.RESYNCING, State.DEGRADED})
_LATELY = 4
_RELAY_CAP_S, _RELAY_DIALS, _RELAY_REST_S = 2.0, 10_000, 60.0
_AT_ONCE = 16
"""Pairs whose clocks all advance with every publish; of more of them some do in each."""
LEAVING_S = 0.3
"""Seconds a last request to the account is given to leave."""

RATE_WINDOW_S = 5
"""Seconds that message rates are averaged over."""


class Worker:
    """Owns the session and the markets; every method runs in the engine's event loop.

    Args:
        settings: What to run.
        clock: The machine's clocks; a replay brings its own.
        log: The program's log.
        publish: Takes the newest feed view and pair views; called once a publish.
        emit: Takes every event listeners may want.
        options: What a program chose beyond the settings.
        queues: How full the listeners' queues are; a replay at full speed waits for them.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        log: EventLog,
        *,
        publish: Callable[[FeedView, dict[str, PairView], AccountView | None], None],
        emit: Callable[[object], None],
        options: EngineOptions | None = None,
        queues: Callable[[], QueueLoad] = QueueLoad,
    ) -> None:
        self._queues = queues
        self._settings = settings
        self._clock = clock
        self._log = log
        self._publish = publish
        self._stop = asyncio.Event()
        self._stopped_ns: int | None = None
        self._wake = asyncio.Event()
        self._mode = Mode.REPLAY if settings.plays else Mode.DEMO if settings.demo else Mode.LIVE
        self._kafka: KafkaFeed | None = None
        options = options or EngineOptions()
        self._channels = pair_channels() if options.channels is None else options.channels
        self._ignore_gaps = options.ignore_gaps
        self._keeps_history = options.history
        self._shares = options.history and options.shares
        self._listeners = emit
        self._tells_state = options.tell_state
        self._stands = options.stand
        self._replay: Replaying | None = None
        self._recent: Recent | None = None
        self._last_feed: FeedView | None = None
        self._keep_frame = options.on_frame
        self._relay = options.relay
        self._options = options
        self._private: PrivateSide | None = None
        self._shown_lately: list[str] = []
        self._trading: TradingSide | None = None
        self._keeps_index = options.keeps_index
        self._begin(settings.interval, options.book_levels)
        self._demo: ExchangeThread | None = None
        self._demo_shows = ""
        self._recordings = Recordings(self._note, self._opening, rotate=settings.record_rotate, playing=settings.replay)
        self._history: Backfill | None = None
        self._shown: str | None = None
        self._views: dict[str, PairView] = {}
        self._version = 0
        self._lag = LoopLag()
        self._frame_counts: deque[tuple[int, int]] = deque()
        self._url = settings.url
        self._fatal = ""

    def _begin(self, interval: int, book_levels: int) -> None:
        """Know nothing yet: a session and a desk as at the start."""
        settings = self._settings
        self._session = Session(
            # On this machine nobody bans for dialling, and whoever watches is to follow at once.
            Limits(backoff_cap_s=_RELAY_CAP_S, dial_limit=_RELAY_DIALS) if self._relay is not None else None,
            depth=settings.depth,
            interval=interval,
            replay=self._mode is Mode.REPLAY,
            kafka=bool(settings.kafka),
        )
        self._session.options.channels = frozenset(self._channels)
        self._session.options.ignore_gaps = self._ignore_gaps
        self._rejected = 0
        self._ignored_told: dict[str, int] = {}
        self._desk = Desk(self._session, settings, self._emit, self._note_seen, history=self._keeps_history)
        self._desk.book_levels = book_levels
        notes = self._keeps_history and self._mode is Mode.REPLAY
        self._past = PlayedPast(self._desk.tick, self._look_at, lambda: self._desk.by_symbol) if notes else None
        if self._shares:
            self._recent = Recent(lambda: self._opening(0))

    # -- life ---------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Run until `stop`; an unexpected error in any part ends it with that error."""
        for name in self._settings.pairs:
            self.add_pair(name)
        if self._settings.record is not None:
            self.record(self._settings.record)
        feed = asyncio.create_task(self._run_feed(), name="feed")
        tasks = {feed, asyncio.create_task(self._keep_publishing(), name="publish")}
        stopped = asyncio.create_task(self._stop.wait(), name="stop")
        try:
            while not stopped.done():
                done, _ = await asyncio.wait({*tasks, stopped}, return_when=asyncio.FIRST_COMPLETED)
                for task in done - {stopped}:
                    tasks.discard(task)
                    task.result()
        finally:
            for task in (*tasks, stopped):
                task.cancel()
            await asyncio.gather(*tasks, stopped, return_exceptions=True)
            self._end_recording()

    def stop(self) -> None:
        """End `run` in an orderly way."""
        if self._stopped_ns is None:
            self._stopped_ns = self._clock.now()
        if self._trading is not None and self._trading.desk.leave():
            # What turns the dead man's switch off has to leave before the connection is closed.
            asyncio.get_running_loop().call_later(LEAVING_S, self._stop.set)
        else:
            self._stop.set()
        if self._replay is not None:
            self._replay.stop()

    async def _run_feed(self) -> None:
        if self._mode is Mode.REPLAY:
            await self._run_replay()
        elif self._relay is not None:
            await self._run_live(self._relay.url, self._relay.rest_url, self._relay.shown)
        elif self._mode is Mode.DEMO:
            await self._run_demo()
        elif self._settings.kafka:
            await self._run_kafka()
        else:
            from kraken_tui.engine.following import addresses_of

            settings = self._settings
            await self._run_live(settings.url, settings.rest_url, private=addresses_of(settings), key=self._options.key)

    async def _run_replay(self) -> None:
        from kraken_tui.engine.replaying import Replaying

        path = self._settings.replay
        self._url = self._played_name
        try:
            opened = self._kafka_recording() if path is None else None
            self._replay = Replaying(
                path,
                self._settings,
                self._clock,
                self,
                self._stop,
                ignore_gaps=self._ignore_gaps,
                indexes=self._shares and not self._stands,
                keeps_index=self._keeps_index,
                instead=opened,
            )
            if self._stands and path is not None and self._settings.at:
                self._replay.clock.pause(True)
            await self._replay.run()
        except RecordingError as error:
            self._fatal = str(error)
            self._note("error", str(error))

    @property
    def _played_name(self) -> str:
        settings = self._settings
        return clean_text(f"kafka {settings.kafka}" if settings.replay is None else settings.replay.name, 80)

    def _kafka_recording(self) -> Instead:
        """What opens Kafka from the time on that the user named.

        Raises:
            RecordingError: There is no such time, or the client is not installed or cannot be set so.
        """
        from kraken_tui.engine.replaying import Instead
        from kraken_tui.feed.kafka.client import need_client, read_settings

        settings = self._settings
        try:
            need_client("--kafka")
            from kraken_tui.feed.kafka.consumer import Where
            from kraken_tui.recording.kafka import KafkaRecording, start_ns

            where = Where(settings.kafka, settings.kafka_topic_prefix, read_settings(settings.kafka_config))
        except ConfigurationError as error:
            raise RecordingError(str(error)) from None
        since_ns = start_ns(settings.at, self._clock.wall())
        symbols = [symbol for name in settings.pairs for symbol in guesses(name)]
        return Instead(
            lambda: KafkaRecording(where, symbols, since_ns, self._stop.is_set),
            self._played_name,
            self._clock.wall() - since_ns,
        )

    # -- what the player asks: `engine.replaying.Stage` ---------------------------------------------------

    def begin_again(self, *, leaping: bool) -> None:
        """Forget what was played; the pairs on the desk (at the start: those named) are wanted again."""
        names = [name for name, _ in self._desk.names()] if leaping else self._settings.pairs
        wanted = names if self._settings.pairs or not leaping else ()
        if leaping:
            if self._recordings.running:
                self._recordings.stop(self._clock.now())
                self._note("warning", "the recording was stopped: it cannot leap in time with the replay")
        else:
            self._note("info", "playing the recording again from its beginning")
        told, wish_of = self._ignored_told, self._session.roster.wish_of
        wishes = {name: wish_of(symbol) for name, symbol in self._desk.names()}
        self._begin(self._desk.interval, self._desk.book_levels)
        if leaping:
            self._ignored_told = told
        self._frame_counts.clear()
        if not leaping:
            self._views = {}
        for name in wanted:
            self.add_pair(name, wishes.get(name, NO_WISH))

    def take(self, events: list[FeedEvent]) -> None:
        """Take what happened in a frame."""
        self._take(events)
        if self._past is not None and self._replay is not None and self._replay.clock.begun:
            self._past.after(events, self._now()[1], due=not self._unseen)

    def on_frame(self, frame: bytes, wall_ns: int, direction: str) -> None:
        """Take a raw frame."""
        if self._past is not None and not self._unseen:
            self._past.before(wall_ns)
        self._on_frame(frame, wall_ns, direction)

    def _tick(self, wall_ns: int) -> None:
        turns = self._turns if self._replay is None else 1
        self._desk.tick(wall_ns, shown=self._shown, turn=self._version % turns, turns=turns)
        if self._past is not None:
            self._past.passed(wall_ns)

    def _look_at(self, symbol: str, wall_ns: int) -> None:
        """Make a view of a pair that nobody is shown: its past keeps what it needs of it."""
        self._build_view(symbol, wall_ns, wall_ns, self._clock.now(), {})

    def pass_to(self, wall_ns: int, *, look: bool) -> None:
        """Let the recording's time pass while nothing is published."""
        self._tick(wall_ns)
        if look:
            views: dict[str, PairView] = {}
            for symbol in self._desk.by_symbol:
                self._build_view(symbol, wall_ns, wall_ns, self._clock.now(), views)
        if self._recent is not None and self._session.pairs:
            self._recent.poll(wall_ns)

    def arrived(self) -> None:
        """A moment that was sought is reached: all of it is shown at once."""
        now, wall = self._now()
        self._tick(wall)
        views: dict[str, PairView] = {}
        for symbol in self._desk.by_symbol:
            self._build_view(symbol, now, wall, self._clock.now(), views)
        self._views = views
        self._rejected = self._session.counters.rejected
        if self._tells_state:
            self._tell_state(views)
        self._publish_round()

    def load(self) -> tuple[int, int]:
        """(waiting, room) of the fullest queue that a replay at full speed waits for."""
        return self._load()

    def note(self, level: str, text: str) -> None:
        """Add to the log."""
        self._log.add(self._now()[1], level, text)

    async def _run_kafka(self) -> None:
        from kraken_tui.feed.kafka.client import need_client, read_settings

        settings = self._settings
        self._url = clean_text(f"kafka {settings.kafka}", 80)
        try:
            need_client("--kafka")
            from kraken_tui.feed.kafka.consumer import Where
            from kraken_tui.feed.kafka.run import KafkaFeed

            where = Where(settings.kafka, settings.kafka_topic_prefix, read_settings(settings.kafka_config))
            self._kafka = KafkaFeed(self._session, where, self._clock, self._take, self._on_frame)
            await self._kafka.run(self._stop)
        except ConfigurationError as error:
            self._fatal = str(error)
            self._note("error", str(error))

    async def _run_demo(self) -> None:
        from kraken_tui.exchange import ExchangeThread

        settings = self._settings
        exchange = ExchangeThread(seed=settings.demo_seed, profile="calm", episodes=settings.demo_episodes)
        await asyncio.to_thread(exchange.start)
        self._demo = exchange
        try:
            from kraken_tui.engine.following import demo_key

            addresses = (exchange.rest_url, exchange.l3_url, exchange.auth_url)
            await self._run_live(exchange.ws_url, exchange.rest_url, private=addresses, key=demo_key())
        finally:
            # In a thread: this loop still has to close the socket that the exchange waits for.
            await asyncio.to_thread(exchange.stop)

    async def _run_live(
        self,
        url: str,
        rest_url: str,
        shown: str = "",
        private: tuple[str, str, str] | None = None,
        key: ApiKey | None = None,
    ) -> None:
        from kraken_tui.feed.rest.client import RestClient

        self._url = shown or url
        # A relay asks for all its visitors, one call after the other.
        rest = RestClient(rest_url) if self._relay is None else RestClient(rest_url, timeout_s=_RELAY_REST_S)
        self._history = Backfill(
            rest,
            self._desk,
            self._session.specs.get,
            self._note,
            self._venue_now,
            lambda: self._shown,
            self._channels,
            self._tell_past,
        )
        history = asyncio.create_task(self._history.run(), name="history")
        history.add_done_callback(self._history_ended)
        following = self._follow(private, key)
        self._begin_trading()
        try:
            await run_websocket(
                self._session,
                url,
                self._clock,
                self._take,
                self._stop,
                self._on_frame,
                wake=self._wake,
                budget_path=budget_path_for(url),
            )
        finally:
            tasks = [history, *([] if following is None else [following])]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if self._trading is not None:
                self._trading.desk.close()

    def _begin_trading(self) -> None:
        settings = self._settings
        if settings.paper or (settings.trade and self._private is not None):
            from kraken_tui.engine.trading_side import TradingSide

            self._trading = TradingSide(self, settings, self._clock, self._private, alive=self._options.trades_alone)

    def trade(self, act: Callable[[TradingDesk], object]) -> None:
        """Let the screen or the library act on the trading desk; nothing happens where there is none."""
        if self._trading is not None:
            act(self._trading.desk)

    @property
    def trading(self) -> TradingDesk | None:
        """What places orders, to be used in the engine's thread; None where the program cannot."""
        return None if self._trading is None else self._trading.desk

    def spec_of(self, symbol: str) -> PairSpec | None:
        """Reference data of a pair."""
        return self._session.specs.get(symbol)

    def reading_health(self) -> tuple[int | None, int | None, int | None]:
        """How the reading stands: ns since the last frame, how far it is behind, how far the clock is off."""
        session = self._session
        now, _ = self._now()
        return self._silence_ns(now), session.latency.lag_at(session.last_frame_ns), session.latency.wall_offset_ns

    def _follow(self, addresses: tuple[str, str, str] | None, key: ApiKey | None) -> asyncio.Task[None] | None:
        """Follow single orders and the account, as far as the settings say so and there is a key."""
        settings = self._settings
        if key is None or addresses is None or not (settings.level3 or settings.account):
            return None
        from kraken_tui.engine.following import begin

        self._private, task = begin(
            self, settings, self._options, self._clock, key, addresses, self._stop, budget_path_for
        )
        return task

    @property
    def private(self) -> PrivateSide | None:
        """Level 3 and the account, to be used in the engine's thread; None where neither is followed."""
        return self._private

    def tell(self, event: object) -> None:
        """Tell listeners of an event that is not the public feed's."""
        self._emit(event)

    def venue_now(self) -> int:
        """The exchange's clock, ns since the epoch."""
        return self._venue_now()

    def price_of(self, asset: str) -> Decimal | None:
        """Last price of an asset in US dollars, of a pair that is subscribed; None where it is not known."""
        view = self._views.get(f"{asset}/USD")
        if view is None or view.last is None or view.spec is None:
            return None
        return Decimal(view.last).scaleb(-view.spec.price_precision)

    def _take(self, events: list[FeedEvent]) -> None:
        """Take the session's events; called after every frame, before the next one is applied."""
        private = self._private
        for event in events:
            self._desk.handle(event)
            if type(event) is Trades:
                if private is not None:
                    private.on_trades(event.trades)
                if self._trading is not None:
                    self._trading.on_trades(event)
        if self._session.counters.rejected != self._rejected:
            self._tell_rejected(events)
        if self._history is not None:
            self._history.wake()

    def _tell_rejected(self, events: list[FeedEvent]) -> None:
        self._rejected = self._session.counters.rejected
        bad_books = [event.symbol for event in events if isinstance(event, Resync) and event.cause == "bad number"]
        reasons = [event.text for event in events if isinstance(event, Note)]
        symbol = bad_books[0] if bad_books else None
        reason = "an unacceptable number in a book" if bad_books else next(iter(reasons), "an unacceptable value")
        self._emit(FrameRejected(self._now()[1], symbol, reason, self._rejected))

    def _after_command(self) -> None:
        """A command changed what is wanted: take its events, send its requests."""
        self._take(self._session.take_events())
        self._wake.set()

    @property
    def _unseen(self) -> bool:
        """Whether a recording is only played up to a moment that is sought: nobody is told or shown any of it."""
        return self._replay is not None and self._replay.unseen

    def _emit(self, event: object) -> None:
        if not self._unseen:
            self._listeners(event)

    def _note_seen(self, level: str, text: str) -> None:
        if not self._unseen:
            self._note(level, text)

    def _on_frame(self, frame: bytes, wall_ns: int, direction: str) -> None:
        self._recordings.write(frame, wall_ns, direction)
        self._keep_frame(frame, wall_ns, direction)
        if self._recent is not None:
            self._recent.write(frame, wall_ns, direction)

    # -- commands -----------------------------------------------------------------------------------------

    def show(self, symbol: str) -> None:
        """Give this pair a view every publish."""
        self._shown = symbol
        self._shown_lately = [symbol, *(each for each in self._shown_lately if each != symbol)][:_LATELY]

    def watch_queue(self, symbol: str, side: Side | None, ticks: int) -> None:
        """Publish the single orders of a level."""
        if self._private is not None:
            self._private.watch_queue(symbol, side, ticks)

    def add_pair(self, name: str, wish: Wish = NO_WISH) -> None:
        """Subscribe a pair by any of its names, or change what is wanted of it."""
        name = clean_text(name, 40)
        self._desk.add(name)
        self._session.want(name, *self._now(), wish=wish)
        if wish != NO_WISH:
            self._desk.wish_changed(self.symbol_of(name))
        self._after_command()

    def remove_pair(self, symbol: str) -> None:
        """Unsubscribe a pair."""
        self._session.unwant(symbol, *self._now())
        self._after_command()
        self._desk.remove(symbol)
        self._views.pop(symbol, None)

    def set_depth(self, depth: int) -> None:
        """Resubscribe the books at another depth."""
        self._session.set_depth(depth, *self._now())
        self._after_command()

    def set_interval(self, minutes: int) -> None:
        """Change the candle interval."""
        self._session.set_interval(None, minutes, *self._now())
        self._desk.interval_changed()
        self._after_command()

    def set_book_levels(self, levels: int) -> None:
        """Attach this many levels a side to book events."""
        self._desk.book_levels = levels

    @property
    def session(self) -> Session:
        """The feed, to be read from the engine's thread."""
        return self._session

    def recent(self, moment_ns: int) -> tuple[Opening, list[tuple[bytes, int, str]]] | None:
        """The frames from a minute before a moment on, with the state before them; None where none are kept.

        Raises:
            RecordingError: The moment is older than what is kept.
        """
        recent = self._recent
        since = None if recent is None else recent.since_ns
        if recent is None or since is None:
            return None
        if moment_ns < since:
            raise RecordingError(
                f"the frames of that moment are no longer kept; they go back to {format_timestamp(since, 0)[11:19]}"
            )
        return recent.slice(moment_ns)

    @property
    def indexer(self) -> Indexer | None:
        """What knows the recording that is played; None for a live feed."""
        return None if self._replay is None else self._replay.indexer

    def history(self, symbol: str) -> MarketHistory | None:
        """The past of a pair, to be read from any thread; None where none is kept."""
        market = self._desk.by_symbol.get(symbol)
        return None if market is None else market.history

    def symbol_of(self, name: str) -> str:
        """The v2 symbol of a pair by any of its names, or the best guess while the instrument list is unknown."""
        found = self._session.names.get(name)
        if found is None:
            try:
                found = self._session.symbols.resolve(name)
            except UnknownPair:
                found = canonical(name)
        return found

    def view_now(self, symbol: str) -> PairView | None:
        """The pair's view of this moment; None where it is not subscribed."""
        now, wall = self._now()
        views: dict[str, PairView] = {}
        self._build_view(symbol, now, wall, self._clock.now(), views)
        return views.get(symbol)

    def names(self) -> tuple[tuple[str, str], ...]:
        """Pairs that are wanted: (name as given, symbol as far as known), in the user's order."""
        return self._desk.names()

    def latency_now(self) -> LatencyView:
        """Latency of this moment."""
        return self._session.latency.view(self._now()[0])

    def search(self, text: str, limit: int) -> list[str]:
        """Find symbols of the exchange."""
        return self._session.symbols.search(text, limit)

    def is_tokenised(self, symbol: str) -> bool:
        """Whether the instrument list says that a pair's base is a tokenised asset."""
        spec = self._session.specs.get(symbol)
        return spec is not None and spec.tokenised

    def pause_replay(self, paused: bool) -> None:
        """Stop or continue the recording's clock."""
        if self._replay is not None:
            self._replay.clock.pause(paused)

    def set_replay_speed(self, speed: float) -> None:
        """Change the replay's speed."""
        if self._replay is not None:
            self._replay.clock.set_speed(speed)

    def skip_replay(self) -> None:
        """Go to the recording's next frame."""
        if self._replay is not None:
            self._replay.clock.skip()

    def replay_again(self) -> None:
        """Play the recording again from its beginning."""
        if self._replay is not None:
            self._replay.again()

    def seek_replay(self, ns: int) -> None:
        """Go to a moment of the recording."""
        if self._replay is not None:
            self._replay.seek(ns)

    def seek_fault(self, direction: int) -> None:
        """Go to the next or previous mismatch, gap or session of the recording."""
        if self._replay is not None:
            self._replay.seek_fault(direction)

    def cancel_seek(self) -> None:
        """Go on from where the recording is."""
        if self._replay is not None:
            self._replay.cancel()

    def reconnect(self) -> None:
        """Dial now, as far as the dial budget allows; nothing happens while connected."""
        if self._session.dial_now(*self._now()):
            self._after_command()
        if self._private is not None:
            self._private.resume()

    def record(self, path: Path | None) -> None:
        """Start or stop recording."""
        if path is None:
            self._recordings.stop(self._clock.now())
        else:
            self._recordings.start(path, self._clock.now())

    def _opening(self, lost: int) -> Opening:
        """The state of this moment, for a recording that begins, or goes on after a gap."""
        pairs = self._desk.names()
        views = {symbol: view for symbol in self._session.pairs if (view := self.view_now(symbol)) is not None}
        frames = opening_frames(self._session, views, whole=not lost)
        return Opening(self._now()[1], self._url, tuple(symbol for _, symbol in pairs), tuple(frames), lost)

    def _load(self) -> tuple[int, int]:
        """(waiting, room) of the fullest queue that a replay at full speed waits for."""
        loads = (self._queues()[:2], self._recordings.load)
        return max(loads, key=lambda load: load[0] / load[1] if load[1] else 0.0)

    def _end_recording(self) -> None:
        """Write the rest of it, and publish whether that went well: nobody looks at this recorder any more."""
        stopping_s = 0.0 if self._stopped_ns is None else (self._clock.now() - self._stopped_ns) / SECOND
        self._recordings.end(END_BY_S - stopping_s)
        self._publish(self._feed_view(*self._now(), self._clock.now()), self._views, self._account_view())

    def _history_ended(self, task: asyncio.Task[None]) -> None:
        """Books and trades go on without history, but a defect in it must be logged."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self._note("error", f"history ended: {type(error).__name__}: {error}")

    def _note(self, level: str, text: str) -> None:
        self._log.add(self._now()[1], level, text)

    # -- publishing ---------------------------------------------------------------------------------------

    def _now(self) -> tuple[int, int]:
        """(monotonic ns, wall ns): the recording's in a replay, the machine's otherwise."""
        if self._replay is not None and self._replay.clock.begun:
            return self._replay.clock.now(), self._replay.clock.wall()
        return self._clock.now(), self._clock.wall()

    def _venue_now(self) -> int:
        """The venue's wall clock, as far as its offset has been measured; ns."""
        return self._session.latency.venue_now(*self._now())

    async def _keep_publishing(self) -> None:
        period = 1.0 / self._settings.frame_rate
        while not self._stop.is_set():
            self._lag.begin(self._clock.now(), round(period * SECOND))
            self._publish_round()
            await asyncio.sleep(period)

    def _publish_held(self, machine_ns: int) -> None:
        """While a moment is sought the picture stands as it is, and only tells how far that has come."""
        held = self._last_feed or replace(self._feed_view(*self._now(), machine_ns), tabs=())
        self._version += 1
        replay = None if self._replay is None else self._replay.view()
        feed = replace(held, version=self._version, made_ns=machine_ns, replay=replay, log=self._log.lines)
        self._views = {symbol: replace(view, made_ns=machine_ns) for symbol, view in self._views.items()}
        self._publish(feed, self._views, None)

    def _publish_round(self) -> None:
        now, wall = self._now()
        machine_ns = self._clock.now()
        if self._replay is not None:
            self._replay.poll()
        if self._unseen:
            self._publish_held(machine_ns)
            return
        if self._replay is None or self._replay.clock.begun:
            self._tick(wall)
        self._recordings.poll(machine_ns)
        self._ask_demo()
        self._tell_ignored()
        self._log.poll(wall)
        if self._recent is not None and self._session.pairs:
            self._recent.poll(wall)
        self._version += 1
        self._pass_private()
        views = dict(self._views)
        # The others once a second, spread over publishes: a thousand views take a tenth of a second.
        rate = self._settings.frame_rate
        turn = self._version % rate
        for number, symbol in enumerate(self._desk.by_symbol):
            if symbol == self._shown or number % rate == turn or symbol not in views:
                self._build_view(symbol, now, wall, machine_ns, views)
        self._views = views
        self._last_feed = self._feed_view(now, wall, machine_ns)
        if self._trading is not None:
            self._trading.tick(views)
        self._publish(self._last_feed, views, self._account_view())

    def _pass_private(self) -> None:
        private = self._private
        if private is not None:
            pairs = self._desk.by_symbol
            lately = pairs if self._options.level3_all else self._shown_lately
            private.want(symbol for symbol in lately if symbol in pairs)
            private.tick()

    def _account_view(self) -> AccountView | None:
        view = None if self._private is None else self._private.account_view()
        return view if self._trading is None else self._trading.account_view(view, self._shown or "")

    @property
    def _turns(self) -> int:
        """Publishes in which the clock of every pair advances, less than a second's: a thousand at once would hold all
        messages up for a tenth of a second."""
        pairs = len(self._desk.by_symbol)
        return max(1, min(-(-pairs // _AT_ONCE), self._settings.frame_rate * 4 // 5))

    def _tell_state(self, views: Mapping[str, PairView]) -> None:
        """Tell listeners what is known, as if it came just now."""
        for view in views.values():
            pair = self._session.pairs.get(view.symbol)
            checksum = None if pair is None else pair.book.checksum()
            for event in state_events(view, self._desk.book_levels, checksum):
                self._emit(event)

    def _tell_past(self, symbol: str) -> None:
        """Tell listeners what REST knew of a pair's past."""
        view = self.view_now(symbol) if self._tells_state else None
        for event in () if view is None else state_events(view, 0, past=True):
            self._emit(event)

    def _ask_demo(self) -> None:
        """Announce what the simulated exchange shows of itself: nothing on the wire may tell."""
        shows = "" if self._demo is None else self._demo.exchange.showing
        if shows != self._demo_shows:
            self._note("info", f"DEMO shows: {shows}" if shows else "DEMO: the market is as usual again")
            self._demo_shows = shows

    def _build_view(self, symbol: str, now: int, wall: int, machine_ns: int, views: dict[str, PairView]) -> None:
        market = self._desk.by_symbol.get(symbol)
        if market is None:
            return
        session = self._session
        views[symbol] = market.view(
            wall,
            heartbeat_age_ns=self._silence_ns(now),
            lag_ns=session.latency.lag_at(session.last_frame_ns),
            connected=self._connected,
            clock_offset_ns=wall - session.latency.venue_now(now, wall),
            made_ns=machine_ns,
            replayed=self._mode is Mode.REPLAY,
        )
        if self._past is not None:
            self._past.looked(symbol, wall)
        if self._private is not None and (symbol == self._shown or self._options.level3_all):
            level3 = self._private.level3_view(symbol)
            if level3 is not None:
                views[symbol] = replace(views[symbol], level3=level3)

    def _feed_view(self, now: int, wall: int, machine_ns: int) -> FeedView:
        session = self._session
        counts = session.counters
        # By the recording's clock in a replay: a paused picture stands still.
        self._frame_counts.append((now, counts.frames))
        while now - self._frame_counts[0][0] > RATE_WINDOW_S * SECOND:
            self._frame_counts.popleft()
        load = self._queues()
        first_ns, first_frames = self._frame_counts[0]
        elapsed = now - first_ns
        return FeedView(
            version=self._version,
            now_ns=wall,
            mode=Mode.DEMO if self._kafka is not None and self._kafka.demo else self._mode,
            state=str(session.state),
            cause=session.cause,
            attempt=session.attempt,
            retry_in_s=session.retry_in_s(now),
            system=session.system,
            heartbeat_age_ns=self._silence_ns(now),
            url=self._url,
            message_rate=(counts.frames - first_frames) * SECOND / elapsed if elapsed else 0.0,
            messages=counts.frames,
            ignored=self._ignored(),
            invalid=counts.rejected,
            checks_ok=counts.checks_ok,
            checks_failed=counts.checks_failed,
            resyncs=counts.resyncs,
            reconnects=counts.reconnects,
            queue=load.waiting,
            queue_limit=load.room,
            dropped=load.dropped,
            latency=session.latency.view(now),
            tabs=self._desk.summaries(),
            log=self._log.lines,
            recording=self._recordings.view(machine_ns),
            replay=None if self._replay is None else self._replay.view(),
            fatal=self._fatal,
            made_ns=machine_ns,
            loop_lag_ns=self._lag.worst_ns,
            demo=self._demo_shows,
            allowed_in_s=session.allowed_in_s(now),
            kafka=None if self._kafka is None else self._kafka.view(),
        )

    @property
    def _connected(self) -> bool:
        # A recording has no connection that could be lost; at its end the last moment stands.
        return self._mode is Mode.REPLAY or self._session.state in _CONNECTED

    def _silence_ns(self, now: int) -> int | None:
        last = self._session.last_frame_ns
        return None if last is None else max(0, now - last)

    def _ignored(self) -> tuple[tuple[str, int], ...]:
        fields = {f"field {name}": count for name, count in self._session.census.unknown.items()}
        return tuple((self._session.counters.ignored + Counter(fields)).most_common(50))

    def _tell_ignored(self) -> None:
        """Log every kind of frame or field that is not understood: the first, and each tenfold count."""
        session = self._session
        if not session.census.unknown and not session.counters.ignored:
            return
        for name, count in self._ignored():
            told = self._ignored_told.get(name, 0)
            if count >= max(1, 10 * told):
                self._ignored_told[name] = count
                self._note("info", f"ignored, not understood: {clean_text(name, 80)} ({count:,} so far)")


def budget_path_for(url: str) -> Path | None:
    """Where dials are counted over restarts; a server on this machine bans nobody."""
    if urlsplit(url).hostname in LOOPBACK:
        return None
    try:
        return user_folder("state") / "dials.json"
    except OSError:
        # Without a home folder the budget holds for this run only.
        return None
