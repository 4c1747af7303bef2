"""What one picture of the screen is drawn from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from kraken_tui.market.views import FeedView, PairView
from kraken_tui.tui.draw.runs import Line
from kraken_tui.units import SECOND

if TYPE_CHECKING:
    from kraken_tui.market.history.moments import MarketHistory


class HeatChoices(msgspec.Struct):
    """What the user chose for a heatmap.

    Attributes:
        column_ns: Length of a column, one of `WIDTHS_NS`.
        weighing: Value of `market.history.columns.Weighing`.
        cut: Percentile of the lower cut-off, one of `heat_scale.LOWER_CUTS`.
        linear: Whether brightness grows with the size rather than its logarithm.
    """

    column_ns: int = SECOND
    weighing: str = "average"
    cut: float = 55.0
    linear: bool = False


class BookChoices(msgspec.Struct):
    """What the user chose for one pair's book; the screen changes it, drawings read it.

    Attributes:
        grouping: Price step of the aggregated book as a multiple of the increment.
        centre: Bucket in the middle row of the aggregated book, in units of the step; None to follow the touch.
        cursor: Price under the cursor in ticks; None when no row is chosen.
        cumulative: Whether the aggregated book shows growing sizes.
        recentre: "band", "space" or "never".
        heat: The heatmap's.
    """

    grouping: int = 1
    centre: int | None = None
    cursor: int | None = None
    cumulative: bool = False
    recentre: str = "band"
    heat: HeatChoices = msgspec.field(default_factory=HeatChoices)


class Situation(msgspec.Struct, frozen=True):
    """Where a key would be pressed: decides which keys do anything there, and which of them the footer offers.

    Attributes:
        view: Name of what the body shows.
        panes: Names of the panes on screen.
        several: Whether the view has several panes that can be shown by themselves.
        larger: Whether a pane can be given more room, or has been.
        replay: Whether a recording is played.
        first: Whether this user sees the program for the first time.
    """

    view: str = "book"
    panes: frozenset[str] = frozenset()
    several: bool = False
    larger: bool = False
    replay: bool = False
    first: bool = False


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
