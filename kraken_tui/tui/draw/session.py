"""Sums of the session: trades, volume by side, delta, CVD, VWAP and the largest print since the start."""

from __future__ import annotations

from kraken_tui.market.events import Side
from kraken_tui.market.trades import DELTA_S
from kraken_tui.market.views import PairView, Session
from kraken_tui.tui.draw.amounts import compact, signed, size_amounts, value_amounts
from kraken_tui.tui.draw.format import clock, price
from kraken_tui.tui.draw.runs import Line, Run, fit_fields, join_fields, title_line
from kraken_tui.wire.symbols import PairSpec

SESSION_ROWS = 6
"""Rows of the whole block, its title included."""

_AMOUNT = 12
_LABEL = 10


def draw_session(view: PairView, width: int) -> list[Line]:
    """Draw the block of `SESSION_ROWS` rows."""
    session, spec = view.session, view.spec
    if session is None or spec is None:
        return [title_line("Session", "", width), (("no trade since the start", "muted"),)]
    rows = [
        _counts(session, spec),
        _volume(view, session, spec, Side.BUY),
        _volume(view, session, spec, Side.SELL),
        _deltas(session, spec),
        _largest(view, session, spec),
    ]
    title = title_line("Session", f"since {clock(session.since_ns)} UTC", width)
    return [title, *(join_fields(fit_fields(list(enumerate(row)), width)) for row in rows)]


def session_row(view: PairView, width: int) -> Line:
    """The same in one row, the most important first."""
    session, spec = view.session, view.spec
    if session is None or spec is None:
        return ()
    lots, values = spec.qty_precision, spec.price_precision + spec.qty_precision
    fields: list[tuple[int, tuple[Run, ...]]] = [
        (0, (("session", "title"),)),
        (1, _signed("CVD", signed(session.cvd, lots), session.cvd)),
        (2, (("VWAP ", "muted"), (_vwap(session, spec), "text"))),
        (3, (("vol ", "muted"), (f"{compact(session.bought_for + session.sold_for, values)} {spec.quote}", "text"))),
        (4, (("trades ", "muted"), (f"{session.trades:,}", "text"))),
    ]
    return join_fields(fit_fields(fields, width, 2), 2)


def _signed(label: str, text: str, value: int) -> tuple[Run, ...]:
    key = "bid" if value > 0 else "ask" if value < 0 else "text"
    return ((f"{label} ", "muted"), (text, key))


def _vwap(session: Session, spec: PairSpec) -> str:
    volume = session.bought + session.sold
    value = session.bought_for + session.sold_for
    return price((20 * value + volume) // (2 * volume), spec.price_precision + 1) if volume else "–"


def _counts(session: Session, spec: PairSpec) -> list[tuple[Run, ...]]:
    return [
        (("trades".ljust(_LABEL), "muted"), (f"{session.trades:,}".rjust(_AMOUNT), "text")),
        (("prints ", "muted"), (f"{session.prints:,}".rjust(_AMOUNT), "text")),
        (("VWAP ", "muted"), (_vwap(session, spec), "text")),
    ]


def _volume(view: PairView, session: Session, spec: PairSpec, side: Side) -> list[tuple[Run, ...]]:
    buy = side is Side.BUY
    lots, value = (session.bought, session.bought_for) if buy else (session.sold, session.sold_for)
    whole = session.bought_for + session.sold_for
    part = f"{(200 * value + whole) // (2 * whole)} %" if whole else "–"
    return [
        (
            (("▲ bought" if buy else "▼ sold").ljust(_LABEL), "bid" if buy else "ask"),
            (size_amounts(view, _AMOUNT).text(lots), "text"),
            (f" {spec.base}", "muted"),
        ),
        ((value_amounts(view, _AMOUNT).text(value), "text"), (f" {spec.quote}", "muted")),
        ((part.rjust(5), "text"),),
    ]


def _deltas(session: Session, spec: PairSpec) -> list[tuple[Run, ...]]:
    lots, values = spec.qty_precision, spec.price_precision + spec.qty_precision
    recent = signed(session.recent, values)
    return [
        (
            *_signed("CVD".ljust(_LABEL - 1), signed(session.cvd, lots).rjust(_AMOUNT), session.cvd),
            (f" {spec.base}", "muted"),
        ),
        (*_signed(f"delta {DELTA_S} s", recent.rjust(7), session.recent), (f" {spec.quote}", "muted")),
    ]


def _largest(view: PairView, session: Session, spec: PairSpec) -> list[tuple[Run, ...]]:
    printed = session.largest
    if printed is None:
        return []
    buy = printed.side is Side.BUY
    value = value_amounts(view, _AMOUNT).text(printed.turnover)
    fills = f"{printed.count} fills" if printed.count > 1 else "1 fill"
    return [
        (
            ("largest".ljust(_LABEL), "muted"),
            (size_amounts(view, _AMOUNT).text(printed.qty), "!text"),
            (f" {spec.base}", "muted"),
        ),
        ((value, "!text"), (f" {spec.quote}", "muted")),
        ((f"{'▲' if buy else '▼'} {price(printed.last, spec.price_precision)}", "bid" if buy else "ask"),),
        ((clock(printed.venue_ns), "muted"),),
        ((fills, "muted"),),
    ]
