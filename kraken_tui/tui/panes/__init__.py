"""The table of panes: the only list of them. Layout, screen, pacing, keys, help and command palette are made from it.

A pane is one drawing (`tui/draw/`), one widget (`tui/panes/`) and one row here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum

import msgspec


class View(msgspec.Struct, frozen=True):
    """What the body of the screen can show. A view exists when a pane stands in it.

    Attributes:
        name: Name in key map (`view.NAME`) and command line (`--view`).
        key: Its key, as Textual names it; "" for a view that has none of its own.
        label: One or two words, for the command palette and the bindings.
        short: Word in the footer.
        about: One sentence, for the help.
        title: What it shows, for the command palette.
        needs: What must hold for it to be shown by its key: a flag of `Situation`, "" for nothing.
    """

    name: str
    key: str
    label: str
    short: str
    about: str
    title: str
    needs: str = ""


BOOK = View(
    name="book",
    key="f2",
    label="book",
    short="book",
    about="Aggregated book, depth ladder, candles, tape and gauge.",
    title="Book, ladder, candles and tape",
)
CANDLES = View(
    name="candles",
    key="f4",
    label="candles",
    short="candles",
    about="Candles with volume and session VWAP; the charts are the pages behind it.",
    title="Candles",
)
HEATMAP = View(
    name="heatmap",
    key="f3",
    label="heatmap",
    short="heatmap",
    about="Resting size over time beside the book, with trades and delta.",
    title="Heatmap: resting size over time",
)
CHARTS = View(
    name="charts",
    key="",
    label="charts",
    short="charts",
    about="Depth curve, spread and imbalance.",
    title="Charts of depth, spread and imbalance",
)
TAPE = View(
    name="tape",
    key="f5",
    label="tape & flow",
    short="tape",
    about="Time and sales, and events of the book.",
    title="Tape and flow events",
)
HEALTH = View(
    name="health",
    key="f7",
    label="health & log",
    short="health",
    about="State of feed and market, and the log.",
    title="Health and log",
)

ACCOUNT = View(
    name="account",
    key="f8",
    label="account",
    short="account",
    about="Own orders, trades, balances and positions, and the queue at the cursor.",
    title="Account: own orders, trades and balances",
    needs="account",
)


class Standing(StrEnum):
    """How a pane stands in a view."""

    BESIDE = "beside"
    """Beside the view's other panes, in the order of the table; one above the other on a small screen."""
    DESK = "desk"
    """Where the arithmetic of the desk (`tui/layout.py`) puts it."""
    AXIS = "axis"
    """Where the arithmetic of a shared price axis puts it: the book at the right, what goes with its rows beside."""
    PAGE = "page"
    """Where the arithmetic of the account's page puts it."""
    ALONE = "alone"
    """Only by itself, when the user asks for it."""


class Stand(msgspec.Struct, frozen=True):
    """A pane in one view.

    Attributes:
        view: The view.
        how: How it stands there.
        share: Part of the width (of the height on a small screen) among the panes that stand beside each other.
        alone: Whether the key for the next pane also shows it by itself.
    """

    view: View
    how: Standing = Standing.BESIDE
    share: int = 1
    alone: bool = True


class Fact(StrEnum):
    """What several panes show. Where one of them shows a newer one, all of them must."""

    LAST = "last price"
    BOOK = "touch, spread, mid and sizes"
    TRADES = "newest trade"
    AGE = "ages of book and trade"
    TRUST = "proof, freshness and venue"
    ACCOUNT = "own orders, fills and balances"
    RATES = "rates and latency"
    FEED = "connection, mode and recorder"


class PaneRow(msgspec.Struct, frozen=True):
    """One pane.

    Attributes:
        name: Its name, also its widget's id.
        widget: "module:class" of its widget; a module without dots lies in this folder, but for `__main__`.
        rate: Pictures a second it needs; None for as many as the screen draws. A key is always answered at once.
        shares: What of it other panes show too: where one of these changed, it is drawn whatever its rate.
        stands: The views it appears in; empty for the edges of the screen.
        late: Whether it is imported and made only when it is first looked at.
        needs: What must hold for the key for the next pane to show it: a flag of `Situation`, "" for nothing.
    """

    name: str
    widget: str
    rate: float | None = None
    stands: tuple[Stand, ...] = ()
    shares: tuple[Fact, ...] = ()
    late: bool = False
    needs: str = ""


_DESK = Stand(BOOK, Standing.DESK)
_DESK_SIDE = Stand(BOOK, Standing.DESK, alone=False)

_ALL = tuple(Fact)
_PAGE = Stand(ACCOUNT, Standing.PAGE)
_OWN = (Fact.ACCOUNT,)

PANES: tuple[PaneRow, ...] = (
    PaneRow("tabs", "tabs:TabsPane", 4.0, shares=(Fact.LAST, Fact.TRUST, Fact.RATES, Fact.FEED)),
    PaneRow("badge", "tabs:BadgePane"),
    PaneRow("header", "header:HeaderPane", 5.0, shares=_ALL),
    PaneRow("book", "book:BookPane", None, (_DESK, Stand(HEATMAP, Standing.AXIS))),
    # After the book, which decides what rows are seen.
    PaneRow(
        "heatmap",
        "heatmap:HeatmapPane",
        5.0,
        (Stand(HEATMAP, Standing.AXIS), Stand(BOOK, Standing.DESK, alone=False)),
        (Fact.ACCOUNT,),
        late=True,
    ),
    PaneRow("ladder", "ladder:LadderPane", None, (_DESK,)),
    PaneRow("profile", "profile:ProfilePane", 2.0, (Stand(HEATMAP, Standing.AXIS, alone=False),), late=True),
    PaneRow("cvd", "cvd:CvdPane", 2.0, (Stand(HEATMAP, Standing.AXIS, alone=False),), late=True),
    PaneRow(
        "gauge",
        "gauge:GaugePane",
        5.0,
        (_DESK_SIDE, Stand(HEATMAP, Standing.AXIS, alone=False)),
        (Fact.BOOK, Fact.TRUST),
    ),
    PaneRow("candles", "candles:CandlesPane", 2.5, (_DESK, Stand(CANDLES)), (Fact.LAST, Fact.TRUST, Fact.ACCOUNT)),
    PaneRow("charts", "charts:ChartsPane", 4.0, (Stand(CHARTS),), (Fact.BOOK, Fact.TRUST), late=True),
    PaneRow(
        "tape", "tape:TapePane", 5.0, (_DESK, Stand(TAPE, share=2)), (Fact.LAST, Fact.TRADES, Fact.ACCOUNT), late=True
    ),
    PaneRow("flow", "flow:FlowPane", 2.5, (_DESK_SIDE, Stand(TAPE, share=3)), late=True),
    PaneRow("health", "health:HealthPane", 2.0, (_DESK_SIDE, Stand(HEALTH, share=2)), _ALL[3:7], late=True),
    PaneRow("log", "log:LogPane", 2.0, (Stand(HEALTH, share=3),), late=True),
    PaneRow("orders", "account:OrdersPane", 5.0, (_PAGE,), _OWN, late=True),
    PaneRow("fills", "account:FillsPane", 5.0, (_PAGE,), _OWN, late=True),
    PaneRow("holdings", "account:HoldingsPane", 2.0, (_PAGE,), _OWN, late=True),
    PaneRow("account", "account:AccountPane", 5.0, (_PAGE,), _OWN, late=True),
    PaneRow("queue", "queue:QueuePane", 5.0, (_PAGE, Stand(BOOK, Standing.ALONE)), _OWN, late=True, needs="level3"),
    PaneRow("footer", "footer:FooterPane"),
    PaneRow("too_small", "too_small:TooSmallPane", late=True),
)
"""All panes. Within a view the most important comes first; views come in the order of their first pane."""


def views() -> dict[str, View]:
    """The views by name, in order."""
    return {stand.view.name: stand.view for row in PANES for stand in row.stands}


def stands_in(view: str) -> dict[str, Stand]:
    """How each pane of a view stands there, by the pane's name, in order.

    Args:
        view: Name of the view.
    """
    return {row.name: stand for row in PANES for stand in row.stands if stand.view.name == view}


def cycle_of(view: str, has: Collection[str] = ()) -> tuple[str, ...]:
    """The panes of a view that the key for the next pane shows by themselves, in order.

    Args:
        view: Name of the view.
        has: What panes may need that there is.
    """
    needs = {row.name: row.needs for row in PANES}
    return tuple(
        name for name, stand in stands_in(view).items() if stand.alone and (not needs[name] or needs[name] in has)
    )


def shares() -> Mapping[str, tuple[Fact, ...]]:
    """What each pane shows that others show too, by name."""
    return {row.name: row.shares for row in PANES}


def rates() -> Mapping[str, float]:
    """Pictures a second of the panes that need fewer than the screen draws."""
    return {row.name: row.rate for row in PANES if row.rate is not None}
