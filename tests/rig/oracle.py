"""Looks at the client after every frame and says what must never be.

* A book called VERIFIED shows the ten best levels a side of the reference book as it was after the frame just
  applied, and that frame's checksum is that of these levels. Where nothing was lost or changed on the way, the whole
  depth is equal.
* A message for one pair changes nothing of another pair.
* Frames = applied + ignored + rejected, and the same for every book.
* Nothing is VERIFIED while no connection stands, nor for longer than the feed deadline without a frame.
* The client never asks to be woken at once again and again.
* An audit accuses no book whose messages all arrived as they were sent; a book that it found right is compared whole
  from then on.
* Never more dials in a window than the budget allows, never one during a cooldown.
"""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING, Any

from kraken_tui.feed.connection.table import State
from kraken_tui.feed.events import Audited, Resync
from kraken_tui.market.events import BookState, Proof
from tests.rig.network import SECOND, Packet
from tests.rig.truth import crc_of

if TYPE_CHECKING:
    from tests.rig.world import World

_UP = (State.SUBSCRIBING, State.SUBSCRIBED, State.RESYNCING, State.DEGRADED)
_SILENCE = round(6.5 * SECOND)
_DIALS, _DIAL_WINDOW = 30, 600 * SECOND


class Violated(AssertionError):
    """A promise was broken; the text says which, when and where."""


class Oracle:
    """Checks one world.

    Attributes:
        frames, proofs, whole: Frames looked at, VERIFIED books compared in their top ten, and in their whole depth.
        audits, audits_failed: Books that audits found right, and wrong.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self.frames = self.proofs = self.whole = self.audits = self.audits_failed = 0
        self._dials: deque[int] = deque()
        self._restless = 0
        self._before: dict[str, Any] = {}
        self._applied: dict[str, int] = {}

    def _fail(self, what: str) -> None:
        world = self._world
        raise Violated(f"{what} (seed {world.seed}, {world.now / SECOND:.3f} s, {world.client.state.value})")

    # -- frames -------------------------------------------------------------------------------------------------

    def before_frame(self, packet: Packet) -> None:
        """Remember how the other books stand."""
        symbol = packet.truth.symbol if packet.truth is not None else None
        self._before = {}
        for name, stitcher in self._world.client.stitchers.items():
            self._applied[name] = stitcher.counters.applied
            if symbol is not None and name != symbol:
                counts = stitcher.counters
                self._before[name] = (stitcher.state, stitcher.proof, counts.applied, counts.checks_failed)

    def after_frame(self, packet: Packet) -> None:
        """Judge what one frame did."""
        self.frames += 1
        client = self._world.client
        counters = client.counters
        if counters.frames != counters.applied + counters.ignored.total() + counters.rejected:
            self._fail("frames are not applied + ignored + rejected")
        truth = packet.truth
        if truth is None:
            return
        # When the frame cost the connection, all books lose their proof together.
        if client.state in _UP:
            for name, before in self._before.items():
                other = client.stitchers[name]
                counts = other.counters
                if (other.state, other.proof, counts.applied, counts.checks_failed) != before:
                    self._fail(f"a message for {truth.symbol} changed {name}")
        stitcher = client.stitchers.get(truth.symbol)
        if stitcher is None or stitcher.counters.applied == self._applied.get(truth.symbol):
            return
        if stitcher.proof is Proof.VERIFIED:
            self._prove(packet)

    def _prove(self, packet: Packet) -> None:
        truth = packet.truth
        assert truth is not None
        client, link = self._world.client, self._world.link
        book = client.books[truth.symbol]
        shown = (book.bids.top(10), book.asks.top(10))
        self.proofs += 1
        if shown != truth.top:
            self._fail(f"{truth.symbol} is VERIFIED and its top ten are wrong")
        if crc_of(shown) != _said(packet):
            self._fail(f"{truth.symbol} is VERIFIED although the last checksum did not match")
        if client.stitchers[truth.symbol].state is not BookState.LIVE:
            self._fail(f"{truth.symbol} is VERIFIED and not LIVE")
        if link is None or truth.symbol in link.harmed:
            return
        reference = link.true.books.get(truth.symbol)
        if reference is not None and link.true.serials[truth.symbol] == truth.serial:
            self.whole += 1
            if (book.bids.top(), book.asks.top()) != reference.top():
                self._fail(f"{truth.symbol} is VERIFIED and its levels below the tenth are wrong")

    def event(self, event: object) -> None:
        """Judge what the client says happened."""
        link = self._world.link
        if link is None:
            return
        if isinstance(event, Resync) and event.cause == "audit":
            self.audits_failed += 1
            if event.symbol not in link.touched:
                self._fail(f"an audit accuses {event.symbol}, to which nothing was done")
        elif isinstance(event, Audited):
            self.audits += 1
            link.audited(event.symbol, self._world.second.asked.get(event.symbol, 0))

    # -- time ---------------------------------------------------------------------------------------------------

    def look(self, *, rests: bool = True) -> None:
        """Judge the state between frames; `rests` tells whether the client lets time pass before its next look."""
        self._restless = 0 if rests else self._restless + 1
        if self._restless > 20:
            self._fail("the program runs in circles")
        world = self._world
        client = world.client
        verified = [name for name, stitcher in client.stitchers.items() if stitcher.proof is Proof.VERIFIED]
        if verified and client.state not in _UP:
            self._fail(f"{verified[0]} is VERIFIED without a connection")
        last = client.last_frame_ns
        if verified and last is not None and world.mono - last > _SILENCE and world.awake_for > SECOND:
            self._fail(f"{verified[0]} is VERIFIED {(world.mono - last) / SECOND:.1f} s after the last frame")
        for name, stitcher in client.stitchers.items():
            if (stitcher.proof is Proof.VERIFIED) and stitcher.reason:
                self._fail(f"{name} is VERIFIED with a reason why not: {stitcher.reason}")

    def dialled(self, now: int) -> None:
        """Judge one dial."""
        self._dials.append(now)
        while self._dials[0] <= now - _DIAL_WINDOW:
            self._dials.popleft()
        if len(self._dials) > _DIALS:
            self._fail(f"{len(self._dials)} dials in ten minutes")
        cooldown = self._world.cooldown_until
        if now < cooldown:
            self._fail(f"a dial {(cooldown - now) / SECOND:.1f} s before the end of a cooldown")


def _said(packet: Packet) -> int:
    """The checksum in the frame as it arrived."""
    found = re.search(r'"checksum"\s*:\s*(\d+)', str(packet.frame))
    return int(found[1]) if found else -1
