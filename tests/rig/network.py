"""One connection through a network that delays, loses, doubles, swaps, forges and cuts, by a seeded generator."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from kraken_tui.exchange import Peer
from tests.rig.clock import MS, SECOND
from tests.rig.truth import BookTruth, TrueBooks

_CHECKSUM = re.compile(r'"checksum":(\d+)')


@dataclass(frozen=True, slots=True)
class Packet:
    """A frame on its way: when it was sent and is due, simulated ns, and what is true after it.

    `forged` means that the network changed its content.
    """

    frame: str | bytes
    sent: int
    due: int
    truth: BookTruth | None = None
    forged: bool = False


class Weather:
    """What the network does to every connection that is made through it.

    Attributes:
        latency_ms, jitter_ms: One way; jitter is added evenly between 0 and this.
        bandwidth: Bytes a second towards the client; None for no bound.
        deaf, mute: Nothing reaches the exchange; nothing reaches the client (both: half-open).
        lose_acks: Answers to requests are lost.
        mangle: Called with every frame after the truth was noted; returns what goes on instead.
    """

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.latency_ms = 20.0
        self.jitter_ms = 0.0
        self.bandwidth: float | None = None
        self.deaf = self.mute = self.lose_acks = False
        self.mangle: Callable[[str | bytes], list[str | bytes]] | None = None
        self._armed: dict[tuple[str, str], int] = {}
        self._held: dict[str, Packet] = {}

    def arm(self, kind: str, symbol: str, count: int = 1) -> None:
        """Do something to the next `count` book updates of a symbol.

        Args:
            kind: "lose", "double", "swap", "flip" (a digit of a quantity) or "checksum" (snapshots too).
            symbol: v2 symbol.
            count: How many.
        """
        self._armed[(kind, symbol)] = count

    def armed(self, kind: str, symbol: str) -> int:
        """How many updates are still to be harmed so."""
        return self._armed.get((kind, symbol), 0)

    def calm(self) -> None:
        """No fault any more."""
        self.latency_ms, self.jitter_ms, self.bandwidth = 20.0, 0.0, None
        self.deaf = self.mute = self.lose_acks = False
        self.mangle = None
        self._armed.clear()
        self._held.clear()

    def forget(self) -> None:
        """A connection ended: what was held back is gone with it."""
        self._held.clear()

    def pass_on(self, packet: Packet) -> list[Packet]:
        """What becomes of one packet towards the client."""
        if self.mute or (self.lose_acks and isinstance(packet.frame, str) and '"success":' in packet.frame):
            return []
        if self.mangle is not None:
            frames = self.mangle(packet.frame)
            if frames != [packet.frame]:
                return [replace(packet, frame=frame, forged=True) for frame in frames]
        if packet.truth is None or not (self._armed or self._held):
            return [packet]
        return self._book(packet, packet.truth)

    def _book(self, packet: Packet, truth: BookTruth) -> list[Packet]:
        symbol = truth.symbol
        if self._spend("checksum", symbol):
            return [_wrong_checksum(packet)]
        if truth.kind == "snapshot":
            return [packet]
        held = self._held.pop(symbol, None)
        if held is not None:
            return [packet, held]
        if self._spend("lose", symbol):
            return []
        if self._spend("swap", symbol):
            self._held[symbol] = packet
            return []
        if self._spend("double", symbol):
            return [packet, packet]
        return [_flipped(packet)] if self._spend("flip", symbol) else [packet]

    def _spend(self, kind: str, symbol: str) -> bool:
        left = self._armed.get((kind, symbol), 0)
        if left:
            self._armed[(kind, symbol)] = left - 1
        return left > 0


def _wrong_checksum(packet: Packet) -> Packet:
    frame = _CHECKSUM.sub(lambda found: f'"checksum":{int(found[1]) ^ 0x5A5A}', str(packet.frame))
    return replace(packet, frame=frame, forged=True)


def _flipped(packet: Packet) -> Packet:
    """Another last digit in the first quantity that is not a removal."""
    frame = re.sub(
        r'("qty":[0-9.]*[1-9][0-9.]*)(\d)([,}])',
        lambda found: f"{found[1]}{(int(found[2]) + 1) % 10}{found[3]}",
        str(packet.frame),
        count=1,
    )
    return replace(packet, frame=frame, forged=frame != packet.frame)


class Link:
    """One open connection.

    Attributes:
        peer: The exchange's end.
        true: Reference books, from the frames as they left the exchange.
        harmed: Symbols of which a book frame did not arrive exactly once, in order and unchanged since the snapshot,
            each with the number of the newest such frame.
        touched: Symbols of which the network ever did anything to a book frame.
        closing: Code and reason once the exchange closed it, and when that arrives.
    """

    def __init__(self, peer: Peer, weather: Weather) -> None:
        self.peer = peer
        self.true = TrueBooks()
        self.harmed: dict[str, int] = {}
        self.touched: set[str] = set()
        self.closing: tuple[int, int, str] | None = None
        self._weather = weather
        self._up: deque[Packet] = deque()
        self._down: deque[Packet] = deque()
        self._free_at = 0
        self._expected: dict[str, int] = {}

    def to_venue(self, text: str, now: int) -> None:
        """The client sends."""
        if not self._weather.deaf:
            self._up.append(Packet(text, now, self._due(now, self._up)))

    def to_client(self, frame: str | bytes, now: int) -> None:
        """The exchange sends."""
        weather = self._weather
        begin = now
        if weather.bandwidth is not None:
            begin = self._free_at = max(self._free_at, now) + round(len(frame) / weather.bandwidth * SECOND)
        sent = Packet(frame, now, 0, self.true.take(frame))
        passed = weather.pass_on(sent)
        if sent.truth is not None and passed != [sent]:
            self.touched.add(sent.truth.symbol)
        for packet in passed:
            self._down.append(replace(packet, due=self._due(begin, self._down)))

    def _due(self, begin: int, queue: deque[Packet]) -> int:
        weather = self._weather
        delay = weather.latency_ms + (weather.rng.uniform(0, weather.jitter_ms) if weather.jitter_ms else 0.0)
        due = begin + round(delay * MS)
        return max(due, queue[-1].due) if queue else due

    def next_due(self) -> int | None:
        """When the next packet arrives at either end, or the close at the client's."""
        times = [queue[0].due for queue in (self._up, self._down) if queue]
        if self.closing is not None:
            times.append(self.closing[0])
        return min(times, default=None)

    def arrived_up(self, now: int) -> str | None:
        """The next request that has reached the exchange."""
        return str(self._up.popleft().frame) if self._up and self._up[0].due <= now else None

    def arrived_down(self, now: int) -> Packet | None:
        """The next frame that has reached the client."""
        if not self._down or self._down[0].due > now:
            return None
        packet = self._down.popleft()
        truth = packet.truth
        if truth is not None:
            if truth.kind == "snapshot":
                self.harmed.pop(truth.symbol, None)
            elif truth.serial != self._expected.get(truth.symbol):
                self.harmed[truth.symbol] = truth.serial
            if packet.forged:
                self.harmed[truth.symbol] = truth.serial
            self._expected[truth.symbol] = truth.serial + 1
        return packet

    def audited(self, symbol: str, serial: int) -> None:
        """All levels were proven as they were after the frame of that number: harm up to it is mended or was none."""
        if self.harmed.get(symbol, serial + 1) <= serial:
            del self.harmed[symbol]

    @property
    def waiting(self) -> int:
        """Frames on their way to the client."""
        return len(self._down)

    def hurry(self, now: int) -> None:
        """The line is fast again: what waits in it arrives at once."""
        self._free_at = now
        for queue in (self._up, self._down):
            waiting = [replace(packet, due=min(packet.due, now)) for packet in queue]
            queue.clear()
            queue.extend(waiting)

    def close(self, code: int, reason: str, now: int) -> None:
        """The exchange closes, after what it has sent."""
        self.closing = (max([now, *(packet.due for packet in self._down)]), code, reason)
