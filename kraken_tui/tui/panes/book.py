"""The pane of `kraken_tui.tui.draw.book`."""

from __future__ import annotations

from typing import Self

import msgspec
from textual import events

from kraken_tui.market.book.aggregation import (
    Centring,
    step_of,
    visible_range,
)
from kraken_tui.market.events import Proof
from kraken_tui.market.history.moments import MarketHistory
from kraken_tui.market.history.pulls import PullStack
from kraken_tui.market.views import PairView
from kraken_tui.settings import Settings
from kraken_tui.tui.draw.book import draw_book, touch_buckets
from kraken_tui.tui.draw.book_memory import BookMemory
from kraken_tui.tui.draw.book_rows import HEAD_ROWS
from kraken_tui.tui.draw.book_shape import Pulls, shows_pulls
from kraken_tui.tui.draw.picture import BookChoices, Picture
from kraken_tui.tui.draw.runs import Line
from kraken_tui.tui.keymap import KeyMap
from kraken_tui.tui.paint.pane import Pane
from kraken_tui.tui.panes import HEATMAP
from kraken_tui.tui.panes.book_rows import WHEEL_ROWS, PriceChosen
from kraken_tui.tui.panes.pointing import Pointed
from kraken_tui.units import SECOND


class _Place(msgspec.Struct):
    """Where one pair's rows stand.

    Attributes:
        step: Ticks of a row.
        centring: Chooses the middle row.
        centre: What it chose last.
        settled: Whether a proven book with both sides has been centred: what comes first may be half a book.
    """

    step: int
    centring: Centring
    centre: int | None = None
    settled: bool = False


class _Pulls:
    """Follows pull and stack of the pair on screen, from a window before the first picture on."""

    def __init__(self) -> None:
        self._history: MarketHistory | None = None
        self._follows: PullStack | None = None
        self._upto_ns = self._window_ns = 0
        self._looked: tuple[object, ...] = ()
        self._found: Pulls | None = None

    def take(self, picture: Picture) -> Pulls | None:
        """Pull and stack up to the moment of the picture; None where nothing is known of the past."""
        history, pair, choices = picture.history, picture.pair, picture.choices
        if history is None or pair is None or pair.spec is None or history.since_ns is None:
            return None
        now, window_ns = pair.now_ns, choices.pull_s * SECOND
        gone = not 0 <= now - self._upto_ns <= window_ns
        if history is not self._history or self._follows is None or gone or self._window_ns < window_ns:
            self._history, self._window_ns, self._looked = history, window_ns, ()
            self._follows = PullStack(history.book, history.trades, max(history.since_ns, now - window_ns))
        self._upto_ns = now
        step = step_of(pair.spec, max(1, choices.grouping))
        # The sums are over seconds, and all movement of the window is looked at.
        looked = (now // max(SECOND // 4, window_ns // 300), choices.pull_s, step)
        if looked != self._looked:
            self._looked = looked
            self._follows.advance(now)
            bids, asks = self._follows.sides(now, choices.pull_s)
            self._found = Pulls(choices.pull_s, self._follows.by_bucket(now, choices.pull_s, step), bids, asks)
        return self._found


class BookPane(Pane):
    """The book by price steps; click for a price, wheel to move the rows."""

    def __init__(self, *, flash: bool = True, id: str | None = "book") -> None:  # noqa: A002
        super().__init__(id=id)
        self._memory = BookMemory(flash)
        self._pulls = _Pulls()
        self._standing: dict[str, _Place] = {}
        self._held = False
        self._shown_for: tuple[str, int] = ("", 0)

    @classmethod
    def for_screen(cls, name: str, settings: Settings, keymap: KeyMap) -> Self:
        """See `Pane.for_screen`; where bandwidth is low, changed numbers are not made brighter."""
        return cls(flash=not settings.low_bandwidth, id=name)

    def push(self, picture: Picture) -> None:
        self.picture = picture
        self._centre_on(picture)
        super().push(picture)

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:
        """See `draw_book`."""
        # Beside the heatmap the time has most of the width.
        beside = picture.situation.view == HEATMAP.name and "heatmap" in picture.situation.panes
        choices, pulls = picture.choices, None
        if choices.pull_s and shows_pulls(width, one_side=beside, first=choices.pull_first):
            pulls = self._pulls.take(picture)
        centre = choices.centre
        return draw_book(picture, width, height, centre, self._held, self._memory, pulls, one_side=beside)

    def on_resize(self) -> None:
        if self.picture is not None:
            self._centre_on(self.picture, again=True)
        super().on_resize()

    def _centre_on(self, picture: Picture, *, again: bool = False) -> None:
        """Let `Centring` choose the middle row and keep it in the user's choices.

        Args:
            picture: What will be drawn.
            again: Whether the rows move anyway, so that the touch belongs in the middle.
        """
        view, state = picture.pair, picture.choices
        count = self.size.height - HEAD_ROWS
        if view is None or view.spec is None or count < 1:
            return
        step = step_of(view.spec, max(1, state.grouping))
        if self._shown_for != (view.symbol, step):
            again = again or view.symbol in self._standing
            self._shown_for = (view.symbol, step)
            self._held = False
        place = self._standing.get(view.symbol)
        if place is None:
            place = self._standing[view.symbol] = _Place(step, Centring(state.recentre))
        centring = place.centring
        centring.policy = state.recentre
        first = self._first_book(view, place, state)
        if state.centre is None or place.step != step or first:
            centring.reset()
            self._held = False
            place.centre = state.centre = None
        elif again and not self._held and state.cursor is None and state.centre == place.centre:
            centring.recentre()
        bid, ask = touch_buckets(view, step)
        moved = 0
        if state.centre is not None:
            if place.centre is None:
                # This pane is new; the centre is older than it.
                place.centre = centring.on_view(bid, ask, count)
            moved = state.centre - place.centre if place.centre is not None else 0
            centring.shift(moved)
        held = self._held or state.cursor is not None or bool(moved)
        place.step, place.centre = step, centring.on_view(bid, ask, count, cursor_active=held)
        state.centre = place.centre
        if self._held and place.centre is not None and self._touch_in_band(bid, ask, place.centre, count):
            self._held = False

    def _first_book(self, view: PairView, place: _Place, state: BookChoices) -> bool:
        """Whether this is the first whole book of a pair whose rows nobody has moved since."""
        if place.settled or view.proof is not Proof.VERIFIED or not (view.bids and view.asks):
            return False
        place.settled = True
        return place.centre is not None and state.centre == place.centre and state.cursor is None and not self._held

    @staticmethod
    def _touch_in_band(bid: int | None, ask: int | None, centre: int, count: int) -> bool:
        first, last = Centring.band_rows(count)
        _, high = visible_range(centre, count)
        return all(first <= high - index <= last for index in (bid, ask) if index is not None)

    def recentre(self) -> None:
        """Put the touch back into the middle, regardless of the policy."""
        if self.picture is not None:
            self.picture.choices.centre = None
            self._redraw()

    def _redraw(self) -> None:
        if self.picture is not None:
            self._centre_on(self.picture)
            self._update()

    def price_at(self, y: int) -> int | None:
        """Price in ticks of the step in row `y` of the pane; None outside the rows."""
        picture = self.picture
        if picture is None or picture.pair is None or picture.pair.spec is None or picture.choices.centre is None:
            return None
        count = self.size.height - HEAD_ROWS
        if not HEAD_ROWS <= y < HEAD_ROWS + count:
            return None
        _, high = visible_range(picture.choices.centre, count)
        ticks = (high - (y - HEAD_ROWS)) * step_of(picture.pair.spec, max(1, picture.choices.grouping))
        return ticks if ticks > 0 else None

    def on_click(self, event: events.Click) -> None:
        """Report the price of the clicked row."""
        ticks = self.price_at(event.y)
        if ticks is not None:
            self.post_message(PriceChosen(ticks))

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Let the readout follow the mouse."""
        self.post_message(Pointed("book", self.price_at(event.y)))

    def on_leave(self, event: events.Leave) -> None:
        """Let it go back to the cursor."""
        self.post_message(Pointed("book"))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Look at higher prices; with Shift or Ctrl the wheel moves in time."""
        if not (event.shift or event.ctrl):
            event.stop()
            self._move(WHEEL_ROWS)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Look at lower prices; with Shift or Ctrl the wheel moves in time."""
        if not (event.shift or event.ctrl):
            event.stop()
            self._move(-WHEEL_ROWS)

    def _move(self, rows_up: int) -> None:
        if self.picture is None or self.picture.choices.centre is None:
            return
        self._held = True
        self.picture.choices.centre += rows_up
        self._redraw()
