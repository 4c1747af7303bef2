"""Promise 1 on painted cells: what the screen says while a random fault schedule runs.

    python -m tests.rig.painted                          a hundred seeds
    python -m tests.rig.painted --seeds 1000 --write     a long look, figures into docs/FIGURES.md
    python -m tests.rig.painted --from 4711 --seeds 1    one seed again

The schedules are those of `tests.rig.chaos`. Header, ladder and aggregated book are drawn whenever a frame was applied
and whenever time has passed, turned into strips of cells, and read back (`tests.rig.cells`). What is read is compared
with the exchange's own books as they left it, before the network touched them:

* While the header says VERIFIED and not STALE, all painted levels, sums, spread, mid and microprice are those of one
  true book of at most 5.5 s ago, levels without a row of the ladder are counted in its title, the touch is never one of
  them, and the newest frame that arrived is no older.
* While the client does not call a book VERIFIED, no cell says so.

Two things nobody can know, and which are therefore counted and not failed: levels below those that the title calls
proven, after frames were lost or changed on the way; and that a frame was lost while none of its pair followed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter, deque
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from random import Random
from typing import Any

from kraken_tui.market.book.aggregation import Centring
from kraken_tui.market.events import Proof
from kraken_tui.market.views import FeedView, LatencyView, Mode, PairView
from kraken_tui.tui.draw.book import draw_book, touch_buckets
from kraken_tui.tui.draw.header import draw_header
from kraken_tui.tui.draw.ladder import draw_ladder
from kraken_tui.tui.draw.ladder_rows import LadderRows
from kraken_tui.tui.draw.picture import BookChoices, Picture
from kraken_tui.tui.draw.runs import Line
from kraken_tui.tui.paint.styles import make_strip
from tests.rig.cells import (
    Ladder,
    Number,
    Row,
    Step,
    Unreadable,
    number,
    read_aggregated,
    read_figures,
    read_header,
    read_ladder,
)
from tests.rig.chaos import AUDITED, PAIRS, Result, schedule
from tests.rig.ledger import write_figures
from tests.rig.network import SECOND, Packet
from tests.rig.oracle import Violated
from tests.rig.world import World, thin

FRESH_NS = round(5.5 * SECOND)
"""How old the book on a screen without STALE may be: the limit of 5 s and a tenth of it."""

UNSEEN_NS = 20 * SECOND
"""How old it may be where the frames since were lost on the way: the witness's 15 s and its grace."""

_KEPT_NS = 30 * SECOND
_COVERED = 10

Side = tuple[tuple[int, int], ...]


@dataclass(slots=True)
class TrueBook:
    """One state of the exchange's book.

    Attributes:
        bids, asks: Ticks and lots, best first.
        places: Decimals of prices and quantities.
        depth: Levels a side that were asked for.
        sent, ended: Simulated ns between which it was the newest; `ended` is None for the newest.
    """

    bids: Side
    asks: Side
    places: tuple[int, int]
    depth: int
    sent: int
    ended: int | None = None


@dataclass(slots=True)
class Tally:
    """What was painted and compared.

    Attributes:
        screens: Headers read.
        fresh: Of these, VERIFIED and not STALE.
        levels: Painted levels compared.
        steps: Rows of the aggregated book compared.
        oldest_ns: Greatest age of a book on a fresh screen.
        unseen: Fresh screens whose newest frames were lost on the way; `unseen_ns` is the longest time of that.
    """

    screens: int = 0
    fresh: int = 0
    levels: int = 0
    steps: int = 0
    oldest_ns: int = 0
    unseen: int = 0
    unseen_ns: int = 0


class Painter:
    """Draws one pair's panes as rows of cells, in sizes that belong to the seed."""

    def __init__(self, rng: Random) -> None:
        self.header_size = rng.choice(((160, 2), (100, 2), (60, 2), (80, 1), (44, 1)))
        self.ladder_size = rng.choice(((100, 45), (64, 31), (48, 24), (36, 16), (30, 9)))
        self.aggregated_size = rng.choice(((90, 40), (60, 30), (44, 20)))
        self.ascii_only = rng.random() < 0.2
        self.state = BookChoices(grouping=rng.choice((1, 1, 5, 10)), cumulative=rng.random() < 0.3)
        self.rows: dict[str, LadderRows] = {}

    def picture(self, view: PairView) -> Picture:
        """What the panes are given."""
        return Picture(view, _FEED, self.state, self.ascii_only)

    def header(self, view: PairView) -> list[str]:
        """The header's rows."""
        return _cells(draw_header(self.picture(view), *self.header_size), *self.header_size)

    def ladder(self, view: PairView) -> list[str]:
        """The ladder's rows, which hold from one picture to the next."""
        width, height = self.ladder_size
        placed = None
        if view.spec is not None and (view.bids or view.asks):
            rows = self.rows.setdefault(view.symbol, LadderRows())
            placed = rows.take(view, height - 2, view.now_ns if view.made_ns is None else view.made_ns)
        return _cells(draw_ladder(self.picture(view), width, height, placed=placed), width, height)

    def aggregated(self, view: PairView) -> list[str]:
        """The aggregated book's rows, the touch in the middle."""
        assert view.spec is not None
        width, height = self.aggregated_size
        step = self.state.grouping * view.spec.increment
        centre = Centring().on_view(*touch_buckets(view, step), height - 2)
        return _cells(draw_book(self.picture(view), width, height, centre), width, height)


_FEED = FeedView(
    0, 0, Mode.LIVE, "SUBSCRIBED", "", 0, None, "online", None, "", 0.0, 0, (), *[0] * 8, LatencyView(), (), ()
)  # fmt: skip


def _cells(lines: list[Line], width: int, height: int) -> list[str]:
    strips = [make_strip(line, width, "dark") for line in lines[:height]]
    texts = [strip.text for strip in strips]
    if any(len(text) != width for text in texts):
        raise Unreadable(f"a row of another width than {width}")
    return texts + [" " * width] * (height - len(texts))


class PaintedWorld(World):
    """A world whose screen is read at every moment.

    Attributes:
        tally: See `Tally`.
        painter: Draws; tests put one here that lies.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.truth: dict[str, deque[TrueBook]] = {}
        self.heard_ns = 0
        self.tally = Tally()
        self.painter = Painter(Random(f"{options['seed']}/paint"))
        self._compared: dict[str, tuple[tuple[object, ...], TrueBook | None]] = {}
        self._alive: dict[str, tuple[object, object]] = {}
        self._arrived: dict[str, int] = {}
        self._painted_at = -1
        super().__init__(*arguments, screen=True, **options)

    # -- the truth ----------------------------------------------------------------------------------------------

    def _to_client(self, frames: Iterable[str | bytes]) -> None:
        for frame in frames:
            link = self.link
            assert link is not None
            before = dict(link.true.serials)
            super()._to_client([frame])
            for symbol, serial in link.true.serials.items():
                if serial != before.get(symbol):
                    self._said(symbol)
            for symbol in set(self.truth) - set(link.true.books):
                self._end(symbol)

    def _said(self, symbol: str) -> None:
        assert self.link is not None
        true = self.link.true
        bids, asks = true.books[symbol].top()
        self._end(symbol)
        states = self.truth.setdefault(symbol, deque())
        while states and states[0].ended is not None and states[0].ended < self.now - _KEPT_NS:
            states.popleft()
        states.append(TrueBook(bids, asks, true._decimals.get(symbol, (0, 0)), true.depths[symbol], self.now))

    def _end(self, symbol: str) -> None:
        states = self.truth.get(symbol)
        if states and states[-1].ended is None:
            states[-1].ended = self.now

    def _drop_link(self) -> None:
        for symbol in self.truth:
            self._end(symbol)
        super()._drop_link()

    # -- the screen ---------------------------------------------------------------------------------------------

    def receive(self, packet: Packet) -> None:
        """Hand one frame to the client and look at the pair's screen after it."""
        if '"pong"' not in str(packet.frame):
            self.heard_ns = packet.sent
        super().receive(packet)
        if packet.truth is not None:
            symbol = packet.truth.symbol
            self._arrived[symbol] = max(packet.sent, self._arrived.get(symbol, 0))
            self.paint(symbol)

    def _deliver(self) -> None:
        # Time has passed, and what came or is due meanwhile is not read yet: a screen may be painted just now.
        if self.now != self._painted_at:
            self._painted_at = self.now
            self._take_events()
            for symbol in list(self.client.stitchers):
                self.paint(symbol)
        super()._deliver()

    def paint(self, symbol: str) -> None:
        """Draw one pair, read it, and judge it."""
        stitcher = self.client.stitchers.get(symbol)
        if stitcher is None or self.screen is None or symbol not in self.screen.by_symbol:
            return
        view = self.shown(symbol)
        try:
            self._judge(symbol, view, stitcher.proof is Proof.VERIFIED)
        except (AssertionError, ValueError) as error:
            raise Violated(f"{symbol}: {error} (seed {self.seed}, {self.now / SECOND:.3f} s)") from error

    def _judge(self, symbol: str, view: PairView, proven: bool) -> None:
        header = read_header(self.painter.header(view))
        self.tally.screens += 1
        if not proven and header.verified:
            raise AssertionError("the header says VERIFIED of a book that is not")
        if not header.verified or header.stale:
            if not proven:
                self._no_badge(symbol, view)
            return
        self.tally.fresh += 1
        silent = self.now - self.heard_ns
        if silent > FRESH_NS:
            raise AssertionError(f"fresh, and the newest frame that came is {silent / SECOND:.1f} s old")
        # The panes are pure: the same levels give the same cells.
        key = (id(view.bids), id(view.asks), view.spec, view.audited_ns, header.figures)
        known, book = self._compared.get(symbol, ((), None))
        if known != key or book is None:
            book = self._compare(symbol, view, header.figures)
            self._compared[symbol] = (key, book)
            # The levels are kept alive, so that their ids stay theirs.
            self._alive[symbol] = (view.bids, view.asks)
        self._age(symbol, book)

    def _no_badge(self, symbol: str, view: PairView) -> None:
        key = (id(view.bids), id(view.asks), view.proof, view.proof_reason)
        known, _ = self._compared.get(symbol, ((), None))
        if known == key:
            return
        self._compared[symbol] = (key, None)
        if read_header(self.painter.ladder(view)).verified:
            raise AssertionError("the ladder says VERIFIED of a book that is not")

    def _age(self, symbol: str, book: TrueBook) -> None:
        age = 0 if book.ended is None else self.now - book.ended
        if age <= FRESH_NS:
            self.tally.oldest_ns = max(self.tally.oldest_ns, age)
            return
        link = self.link
        # Frames come in order, and a newer one of another pair is here: what came after this book was lost.
        lost = self._arrived.get(symbol, 0) < (book.ended or 0)
        if link is None or not (lost or symbol in link.harmed) or age > UNSEEN_NS:
            raise AssertionError(f"the painted book was last true {age / SECOND:.1f} s ago")
        self.tally.unseen += 1
        self.tally.unseen_ns = max(self.tally.unseen_ns, age)

    def _compare(self, symbol: str, view: PairView, figures: dict[str, str]) -> TrueBook:
        ladder = read_ladder(self.painter.ladder(view))
        steps = read_aggregated(self.painter.aggregated(view))
        harmed = self.link is None or symbol in self.link.harmed
        complaint = "no true book was ever sent"
        for book in reversed(self.truth.get(symbol, ())):
            differs = disagreement(book, ladder, figures, harmed)
            if not differs and steps is not None:
                differs = steps_disagreement(book, steps, self.painter.state.cumulative, harmed)
            if not differs:
                if ladder is not None:
                    self.tally.levels += len(ladder.asks) + len(ladder.bids)
                if steps is not None:
                    self.tally.steps += len(steps[0])
                return book
            complaint = differs if complaint.startswith("no true") else complaint
        raise AssertionError(f"painted is not a true book of the last {_KEPT_NS // SECOND} s: {complaint}")


def disagreement(book: TrueBook, ladder: Ladder | None, figures: dict[str, str], harmed: bool) -> str:
    """Why a painted ladder and header are not those of a book; "" where they are.

    Args:
        book: The candidate.
        ladder: As read; None where the pane has no room for it.
        figures: Of the header.
        harmed: Whether levels below the proven ones may be wrong without anybody's knowing.
    """
    told = _figures_differ(book, figures)
    if told or ladder is None:
        return told
    told = _figures_differ(book, read_figures(ladder.between)) or _between_differs(book, ladder.between)
    if told:
        return told
    hidden = 0
    for name, sign, rows, true, whole in (
        ("ask", 1, ladder.asks, book.asks, ladder.whole[0]),
        ("bid", -1, ladder.bids, book.bids, ladder.whole[1]),
    ):
        if len(rows) > len(true) or (whole and len(rows) + ladder.waiting < len(true)):
            return f"{len(rows)} {name} rows of {len(true)} levels"
        places = {ticks: at for at, (ticks, _) in enumerate(true)}
        sums = list(accumulate(lots for _, lots in true))
        surely = (ladder.proven or _COVERED) if harmed else len(true)
        if true and (not rows or rows[0].price.count != true[0][0]):
            return f"the best {name} has no row"
        for row in rows:
            at = places.get(row.price.count)
            if at is None and (len(true) <= surely or row.price.count * sign < true[surely - 1][0] * sign):
                return f"{name} row at {row.price}, where nothing rests"
            differs = "" if at is None or at >= surely else _row_differs(row, true[at], sums[at], book.places)
            if differs:
                return f"{name} row of level {at}: {differs}"
        prices = [row.price.count for row in rows]
        if sorted(set(prices), reverse=name == "bid") != prices:
            return f"{name} rows out of order"
        if rows and not harmed:
            hidden += sum(ticks * sign <= prices[-1] * sign for ticks, _ in true) - len(rows)
    if hidden > ladder.waiting:
        return f"{hidden} levels without a row, and the title says {ladder.waiting}"
    return ""


def _row_differs(row: Row, level: tuple[int, int], total: int, places: tuple[int, int]) -> str:
    ticks, lots = level
    if (row.price.count, row.price.places) != (ticks, places[0]):
        return f"price {row.price}, not {ticks}"
    for name, true, decimals in (
        ("size", lots, places[1]),
        ("cum", total, places[1]),
        ("notional", ticks * lots, places[0] + places[1]),
    ):
        painted = row.columns.get(name)
        if painted is not None and not painted.is_(true, decimals):
            return f"{name} {painted}, not {true}"
    return ""


def _figures_differ(book: TrueBook, figures: dict[str, str]) -> str:
    if not figures:
        return ""
    if not (book.bids and book.asks):
        return "figures of a book with one side"
    (bid, bid_lots), (ask, ask_lots) = book.bids[0], book.asks[0]
    places = book.places[0]
    lots = bid_lots + ask_lots
    # Each as a fraction: the true value times its denominator.
    true = {
        "spread": (ask - bid, 1, places),
        "mid": (ask + bid, 2, places),
        "micro": (bid * ask_lots + ask * bid_lots, lots, places),
        "bps": (20_000 * (ask - bid), ask + bid, 0),
    }
    for name, text in figures.items():
        above, below, decimals = true[name]
        if name == "micro" and text.startswith("."):
            whole = figures.get("mid", "").partition(".")[0]
            text = whole + text
        if not _near(number(text.rstrip(".,")), above, below, decimals, exact=name in ("spread", "mid")):
            return f"{name} {text}, not {above / below / 10**decimals}"
    return ""


def _near(painted: Number, above: int, below: int, decimals: int, *, exact: bool) -> bool:
    """Whether a painted number is the fraction above / below / 10^decimals, or that in its last digit."""
    shown, true = painted.count * below * 10**decimals, above * 10**painted.places
    if painted.below:
        return true < shown
    # Half of the last digit, and a hair for what a float cannot hold.
    return shown == true if exact else 2 * abs(shown - true) <= below * 10**decimals * (1 + 1e-6)


def _between_differs(book: TrueBook, text: str) -> str:
    crossed = bool(book.bids and book.asks) and book.bids[0][0] >= book.asks[0][0]
    if text.startswith("crossed"):
        return "" if crossed else "called crossed and is not"
    if text.startswith(("no bids", "no asks")):
        side = book.bids if text.startswith("no bids") else book.asks
        return f"{text}, and there are" if side else ""
    return "" if text.startswith("spread") and not crossed else f"between the sides: {text}"


def steps_disagreement(
    book: TrueBook, painted: tuple[list[Step], Number | None], cumulative: bool, harmed: bool
) -> str:
    """Why a painted aggregated book is not that of a book; "" where it is."""
    steps, told = painted
    places = book.places[0]
    prices = [step.price.count * 10 ** (places - step.price.places) for step in steps]
    gaps = {high - low for high, low in pairwise(prices)}
    if len(gaps) != 1:
        return f"price steps {gaps}" if gaps else ""
    [size] = gaps
    if told is not None and told.count * 10 ** (places - told.places) != size:
        return f"steps of {size} under a title that says {told}"
    for name, side, sign in (("bid", book.bids, 1), ("ask", book.asks, -1)):
        # Upside down, an ask is a bid: it belongs to the step at or above it.
        level_steps = [(sign * ticks // size * sign, lots) for ticks, lots in side]
        sums: Counter[int] = Counter()
        for index, lots in level_steps:
            sums[index] += lots
        last = level_steps[-1][0] if len(side) >= book.depth else None
        surest = level_steps[_COVERED - 1][0] if harmed and len(side) >= _COVERED else None
        for price, step in zip(prices, steps, strict=True):
            index = price // size
            if surest is not None and sign * index <= sign * surest:
                continue
            cell = step.bid if name == "bid" else step.ask
            unknown = last is not None and sign * index < sign * last
            true = sums[index]
            if cumulative and level_steps and sign * index <= sign * level_steps[0][0]:
                true = sum(lots for at, lots in level_steps if sign * at >= sign * index)
            differs = _cell_differs(cell, true, unknown, book.places[1])
            partial = last is not None and sign * index == sign * last and side[-1][0] != price
            if not differs and partial != (name in step.least):
                differs = f"marked as the least is {not partial}, the edge runs through it is {partial}"
            if differs:
                return f"{name} at {price}: {differs}"
    return ""


def _cell_differs(cell: Number | str | None, true: int, unknown: bool, decimals: int) -> str:
    if cell == "…":
        return ""
    if unknown or cell == "?":
        return "" if unknown and cell == "?" else f"{cell} where the book ends, unknown is {unknown}"
    if cell is None:
        return f"nothing, not {true}" if true else ""
    assert isinstance(cell, Number)
    return "" if cell.is_(true, decimals) else f"{cell}, not {true}"


# -- the command --------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Painted:
    """What one seed painted; `failure` is "" or what was broken."""

    result: Result
    tally: Tally = field(default_factory=Tally)


def make_world(seed: int) -> PaintedWorld:
    """The exchange of `tests.rig.chaos`, with a screen that is read."""
    pairs = [thin(name, like=name, events_per_s=1.5) for name in PAIRS]
    depth = (10, 10, 25)[seed % 3]
    return PaintedWorld(pairs, seed=seed, depth=depth, poll_ms=250.0, limits=AUDITED, audits=True)


def play(seed: int) -> Painted:
    """Both phases of one seed; at the end every screen must say VERIFIED, and none STALE."""
    world = make_world(seed)
    painted = Painted(schedule(world, Random(f"{seed}/schedule")), world.tally)
    if not painted.result.failure:
        for symbol in PAIRS:
            header = read_header(world.painter.header(world.shown(symbol)))
            if not header.verified or header.stale:
                painted.result.failure = f"all is well, and the header of {symbol} does not say so (seed {seed})"
    return painted


def _sum(tallies: Iterable[Tally]) -> Tally:
    total = Tally()
    for tally in tallies:
        for name in ("screens", "fresh", "levels", "steps", "unseen"):
            setattr(total, name, getattr(total, name) + getattr(tally, name))
        total.oldest_ns = max(total.oldest_ns, tally.oldest_ns)
        total.unseen_ns = max(total.unseen_ns, tally.unseen_ns)
    return total


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code: 1 where any seed failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.rig.painted", description=str(__doc__).split("\n", 1)[0])
    parser.add_argument("--seeds", type=int, default=100, help="how many (default %(default)s)")
    parser.add_argument("--from", dest="first", type=int, default=0, help="first seed (default %(default)s)")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default %(default)s)")
    parser.add_argument("--write", action="store_true", help="write the figures into docs/FIGURES.md")
    options = parser.parse_args(argv)
    started = time.perf_counter()
    seeds = range(options.first, options.first + options.seeds)
    failures = 0
    tallies = []
    with ProcessPoolExecutor(options.jobs) as pool:
        for painted in pool.map(play, seeds, chunksize=max(1, min(20, options.seeds // 8))):
            tallies.append(painted.tally)
            if painted.result.failure:
                failures += 1
                print(f"FAILED {painted.result.failure}")
                print(f"  repeat: python -m tests.rig.painted --from {painted.result.seed} --seeds 1")
    total = _sum(tallies)
    figures = (
        f"{len(seeds):,} seeds, {failures} failures; {total.screens:,} screens painted, {total.fresh:,} of them"
        f" VERIFIED and fresh: {total.levels:,} ladder rows and {total.steps:,} rows of the aggregated book read and"
        f" compared; the oldest book without STALE was last true {total.oldest_ns / SECOND:.1f} s before (limit 5.5);"
        f" {total.unseen:,} screens whose newer frames were lost unnoticed, for {total.unseen_ns / SECOND:.1f} s at"
        f" most (limit {UNSEEN_NS // SECOND}); {time.perf_counter() - started:.0f} s"
    )
    print(figures)
    if options.write and not failures:
        write_figures("painted", figures)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
