"""What one picture of the screen is drawn from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from kraken_tui.market.book.aggregation import step_of
from kraken_tui.market.book.metrics import row_step
from kraken_tui.market.views import FeedView, PairView
from kraken_tui.tui.draw.runs import Line
from kraken_tui.units import SECOND

if TYPE_CHECKING:
    from kraken_tui.market.history.moments import MarketHistory
    from kraken_tui.market.private_views import AccountView


class HeatChoices(msgspec.Struct):
    """What the user chose for a heatmap.

    Attributes:
        column_ns: Length of a column, one of `WIDTHS_NS`.
        strip_ns: The same for the strip beside the book, which has fewer columns.
        weighing: Value of `market.history.columns.Weighing`.
        cut: Percentile of the lower cut-off, one of `heat_scale.LOWER_CUTS`; None for automatic.
        linear: Whether brightness grows with the size rather than its logarithm.
        seen_ns: The time on screen, kept by the heatmap's pane; None before its first picture.
        profile_seen: Whether the volume profile is that of the time on screen rather than of the session.
    """

    column_ns: int = SECOND
    strip_ns: int = 5 * SECOND
    weighing: str = "average"
    cut: float | None = None
    linear: bool = False
    profile_seen: bool = False
    seen_ns: tuple[int, int] | None = None


class BookChoices(msgspec.Struct):
    """What the user chose for one pair's book; the screen changes it, drawings read it.

    Attributes:
        grouping: Price step of the aggregated book as a multiple of the increment.
        centre: Bucket in the middle row of the aggregated book, in units of the step; None to follow the touch.
        cursor: Price under the cursor in ticks; None when no row is chosen.
        cumulative: Whether the aggregated book shows growing sizes.
        recentre: "band", "space" or "never".
        heat: The heatmap's.
        pull_s: Seconds over which pull and stack are taken, one of `PULL_WINDOWS`; 0 to leave them out.
        pull_first: Whether their column is shown where there is room for it or for the traded volume only.
    """

    grouping: int = 1
    centre: int | None = None
    cursor: int | None = None
    cumulative: bool = False
    recentre: str = "band"
    heat: HeatChoices = msgspec.field(default_factory=HeatChoices)
    pull_s: int = 30
    pull_first: bool = False


class AccountChoices(msgspec.Struct):
    """What the user chose on the account's page.

    Attributes:
        sort: One of `draw.account.SORTS`.
        chosen: Key of the order under the cursor; None for none.
        scrolled: First row shown, by the name of the pane.
        ended: When it was seen that an order had ended, ns as of `Picture.now_ns`, by the order's key.
    """

    sort: str = "newest"
    chosen: str | None = None
    scrolled: dict[str, int] = msgspec.field(default_factory=dict)
    ended: dict[str, int] = msgspec.field(default_factory=dict)


class Situation(msgspec.Struct, frozen=True):
    """Where a key would be pressed: decides which keys do anything there, and which of them the footer offers.

    Attributes:
        view: Name of what the body shows.
        panes: Names of the panes on screen.
        several: Whether the view has several panes that can be shown by themselves.
        larger: Whether a pane can be given more room, or has been.
        replay: Whether a recording is played.
        first: Whether this user sees the program for the first time.
        account: Whether an account is followed.
        level3: Whether the single orders of the pair on screen are.
        files: Whether this user may write files of the computer that the program runs on.
        depths: Whether the depth of the books is this user's to choose.
        terminal: Whether the program runs in a terminal of its user.
        trade: Whether orders can be placed, once it is armed.
    """

    view: str = "book"
    panes: frozenset[str] = frozenset()
    several: bool = False
    larger: bool = False
    replay: bool = False
    first: bool = False
    account: bool = False
    level3: bool = False
    files: bool = True
    depths: bool = True
    terminal: bool = True
    trade: bool = False


class Picture(msgspec.Struct, frozen=True):
    """All that a drawing may draw from: one version of the views and the user's choices.

    Attributes:
        pair: The pair on screen; None before its first view.
        feed: Connection, counters and tabs.
        choices: What the user chose for the pair.
        ascii_only: Whether the terminal cannot show box drawing.
        problem: Why the pair has no view, such as that the exchange does not list it; "" while one may still come.
        status: Runs for the left end of the footer.
        tape_tier: Smallest tier of the prints that the tape shows, 0 for all.
        step: What holds the engine up while it does not answer (`feed.silent_ns`); "" where nothing tells.
        situation: Where a key would be pressed.
        waiting: What is said in place of the pair while it has no view and nothing is wrong with it.
        history: The pair's past; None where none is kept.
        price_rows: Price rows of the book, which what stands beside it shares; 0 where it is hidden.
        density: Whether sizes over time are drawn by characters, as where there are too few colours.
        moment_ns: The moment shown, by the engine's wall clock, where it is not now: a pause, or HISTORY.
        paused: Whether that is a pause: what was published then, which nobody has to rebuild.
        now_ns: The newest moment, by the same clock.
        found: What the last step in time found, such as "wall"; "" where it was not one to an event.
        cursor_ns: Time under the cursor: of what the mouse points at, else the moment shown. None for neither.
        cursor_span_ns: Length of what the mouse points at, from `cursor_ns` on; 0 where it points at no time.
        cursor_venue_ns: `cursor_ns` by the venue's clock, which tape and candles go by.
        held_bytes: Memory of the past of all pairs, about.
        account: The account as it must be read now, or as it was at a pause; None where none is followed.
        own: What the user chose on its page.
    """

    pair: PairView | None
    feed: FeedView
    choices: BookChoices = msgspec.field(default_factory=BookChoices)
    ascii_only: bool = False
    problem: str = ""
    status: Line = ()
    step: str = ""
    situation: Situation = Situation()
    tape_tier: int = 0
    waiting: str = "waiting for the pair"
    history: MarketHistory | None = None
    price_rows: int = 0
    density: bool = False
    moment_ns: int | None = None
    paused: bool = False
    now_ns: int = 0
    found: str = ""
    cursor_ns: int | None = None
    cursor_span_ns: int = 0
    cursor_venue_ns: int | None = None
    held_bytes: int = 0
    account: AccountView | None = None
    own: AccountChoices = msgspec.field(default_factory=AccountChoices)

    @property
    def account_ns(self) -> int:
        """The moment of the account that is shown: that of a pause, else now."""
        return self.moment_ns if self.paused and self.moment_ns is not None else self.now_ns

    @property
    def in_past(self) -> bool:
        """Whether a moment of the past is shown; a pause is not."""
        return self.moment_ns is not None and not self.paused

    def at_cursor(self, venue_ns: int, low: int, high: int, *, asks: bool) -> bool:
        """Whether something of the tape is under the one cursor: its price, and the time the mouse points at.

        Args:
            venue_ns: When it happened, by the venue's clock.
            low, high: The prices it reached, ticks.
            asks: Whether these were prices of asks: the rows of the two sides reach from their price to other sides.
        """
        cursor, span, spec = self.choices.cursor, self.cursor_span_ns, self.pair.spec if self.pair else None
        begin = self.cursor_venue_ns
        timed = span > 0 and begin is not None
        if timed and begin is not None and not begin <= venue_ns < begin + span:
            return False
        if cursor is None or spec is None:
            return timed
        reach = row_step(cursor, step_of(spec, max(1, self.choices.grouping))) - 1
        return low <= cursor and cursor - reach <= high if asks else low <= cursor + reach and cursor <= high
