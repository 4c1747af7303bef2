"""A session fed out of Kafka: takes what the reader's thread has read, and applies it in the engine's thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from kraken_tui.feed.clock import Clock
from kraken_tui.feed.events import FeedEvent, Note
from kraken_tui.feed.kafka.consumer import KafkaReader, Where
from kraken_tui.feed.kafka.lines import Lines, Say, Step, Unproven, without_proof
from kraken_tui.feed.session import Session
from kraken_tui.market.views import KafkaView
from kraken_tui.wire.symbols import canonical

_BATCH = 200
_WAIT_S = 0.25
_UNKNOWN_S = 5.0

OnEvents = Callable[[list[FeedEvent]], None]
OnFrame = Callable[[bytes, int, str], None]


class KafkaFeed:
    """Runs one session out of Kafka.

    Args:
        session: Made with `kafka=True`.
        where: What to read.
        clock: The machine's clocks.
        on_events: Takes what happened, after every frame and before the next is applied.
        on_frame: Takes every frame made, its wall clock ns and its direction.
        reader: Reads; tests bring another.
    """

    def __init__(
        self,
        session: Session,
        where: Where,
        clock: Clock,
        on_events: OnEvents,
        on_frame: OnFrame,
        reader: KafkaReader | None = None,
    ) -> None:
        self._session, self._clock = session, clock
        self._on_events, self._on_frame = on_events, on_frame
        self._reader = reader or KafkaReader(where)
        self._symbols: frozenset[str] = frozenset()
        self._lines = Lines(lambda symbol: symbol in self._symbols)
        self._began = clock.now()
        self._told_unknown: set[str] = set()

    @property
    def demo(self) -> bool:
        """Whether a publisher simulates its market."""
        return self._lines.mode == "DEMO"

    def view(self) -> KafkaView:
        """How far it has come."""
        lines, reader = self._lines, self._reader
        publishers, silent = lines.publishers
        return KafkaView(
            lines.taken,
            sum(place.lag for place in reader.positions),
            lines.missing,
            lines.gaps,
            lines.left_out,
            publishers,
            silent,
            reader.positions,
        )

    async def run(self, stop_event: asyncio.Event) -> None:
        """Read until told to stop.

        Raises:
            ConfigurationError: The client refuses its settings.
        """
        reader = self._reader
        reader.start()
        try:
            while not stop_event.is_set():
                self._follow_names()
                self._look_at_brokers()
                messages = reader.take(_BATCH)
                for message in messages:
                    self._do(self._lines.take(message, self._clock.now()))
                self._do(self._lines.tick(self._clock.now()))
                self._flush()
                if messages:
                    await asyncio.sleep(0)
                else:
                    await reader.wait(_WAIT_S)
        finally:
            reader.close()
            self._session.close(self._clock.now(), self._clock.wall())
            self._flush()

    def _follow_names(self) -> None:
        names = self._session.names
        symbols = frozenset(found or canonical(name) for name, found in names.items())
        if symbols != self._symbols:
            self._symbols = symbols
            self._reader.want(symbols)
            self._began = self._clock.now()
        if self._reader.up and (self._clock.now() - self._began) / 1e9 > _UNKNOWN_S:
            for symbol in symbols - self._session.pairs.keys() - self._told_unknown:
                self._told_unknown.add(symbol)
                self._do([Say("warning", f"Kafka has no line of {symbol} yet{self._known()}")])

    def _known(self) -> str:
        known = sorted(self._lines.symbols)
        return f"; the publishers have {', '.join(known[:8])}{' ...' if len(known) > 8 else ''}" if known else ""

    def _look_at_brokers(self) -> None:
        reader, session = self._reader, self._session
        now, wall = self._clock.now(), self._clock.wall()
        if reader.up and session.state == "DISCONNECTED":
            session.opened(now, wall)
        elif not reader.up and session.state != "DISCONNECTED":
            self._lines.disconnected()
            session.disconnected(reader.problem, now, wall)
        elif not reader.up:
            session.waiting(reader.problem)
        self._flush()

    def _do(self, steps: list[Step]) -> None:
        session = self._session
        for step in steps:
            now, wall = self._clock.now(), self._clock.wall()
            if isinstance(step, bytes):
                self._on_frame(step, wall, "rx")
                session.frame(step, now, wall)
            elif isinstance(step, Unproven):
                # So that a recording of this tells it as well.
                self._on_frame(without_proof(step.symbol), wall, "rx")
                session.unproven(step.symbol, step.cause, now, wall)
            else:
                self._flush()
                self._on_events([Note(wall, step.level, step.text)])
            self._flush()

    def _flush(self) -> None:
        events = self._session.take_events()
        if events:
            self._on_events(events)
