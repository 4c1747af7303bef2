"""The header of the pair on screen: its market in one row, the three truths about its book in the next."""

from __future__ import annotations

from kraken_tui.market.events import Proof
from kraken_tui.market.views import FeedView, PairView
from kraken_tui.tui.draw import format as fmt
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import Line, Run, fit_fields, join_fields, shorten, width_of
from kraken_tui.units import SECOND
from kraken_tui.words import counted

Field = tuple[int, tuple[Run, ...]]
"""(rank, runs): the higher the rank, the sooner it is dropped when space runs out."""

_NONE = "–"


def draw_header(picture: Picture, width: int, height: int) -> list[Line]:
    """Draw the header: two rows, or one dense row if there is only one.

    Args:
        picture: What to draw.
        width: Cells.
        height: Rows.

    Returns:
        At most `height` lines; fields that do not fit are left out whole, the least needed first.
    """
    view = picture.pair
    if view is None:
        text, key = (picture.problem, "bad") if picture.problem else (picture.waiting, "muted")
        lines: list[Line] = [((shorten(f" {row}", width), key),) for row in text.split("\n")]
    elif height < 2:
        fields = [*_compact_fields(view), *_private_fields(picture, short=True)]
        lines = [_row([*fields, *_recording(picture.feed, short=width < 80)], width, 2)]
    else:
        lines = [_row(_market_fields(view), width, 3), _truth_row(picture, view, width)]
    return lines[: max(0, height)]


def _row(fields: list[Field], width: int, gap: int) -> Line:
    return ((" ", "text"), *join_fields(fit_fields(fields, width - 2, gap), gap))


def _labelled(label: str, value: str, key: str = "text") -> tuple[Run, ...]:
    return ((f"{label} ", "muted"), (value, key))


def _price_width(view: PairView) -> int:
    """Cells of the largest price in the header, so that no field moves with its digits."""
    if view.spec is None:
        return 1
    known = [ticks for ticks in (view.last, view.ticker.high) if ticks is not None]
    return len(fmt.price(max(known, default=0), view.spec.price_precision))


def _price(view: PairView, ticks: int | None) -> str:
    width = _price_width(view)
    if ticks is None or view.spec is None:
        return _NONE.rjust(width)
    return fmt.price(ticks, view.spec.price_precision).rjust(width)


def _last(view: PairView) -> tuple[Run, ...]:
    role = fmt.direction_role(view.last_direction)
    return ((f"{_price(view, view.last)} {fmt.direction_glyph(view.last_direction)}", f"!{role}"),)


def _change(view: PairView) -> tuple[Run, ...]:
    text = fmt.change_percent(view.ticker.change_pct)
    if text is None:
        return _labelled("24h", _NONE)
    role = "down" if text.startswith("-") else "up" if text.strip("+0.") else "text"
    return ((f"{text:>6} %", role), (" 24h", "muted"))


def _spread(view: PairView) -> tuple[Run, ...]:
    figures = view.metrics
    if figures is None or view.spec is None:
        return _labelled("spread", _NONE)
    if figures.crossed:
        return ((" ✗ CROSSED ", "badge/bad"),)
    spread = fmt.price(figures.spread, view.spec.price_precision)
    return _labelled("spread", f"{spread} = {fmt.basis_points(figures.spread_bps)} bps".ljust(14), "text")


def _micro(view: PairView) -> tuple[Run, ...]:
    if view.metrics is None or view.spec is None:
        return _labelled("micro", _NONE)
    return _labelled("micro", fmt.fine_price(view.metrics.microprice, view.spec.price_precision, 1))


def _market_fields(view: PairView) -> list[Field]:
    ticker, spec = view.ticker, view.spec
    volume = _NONE if ticker.volume is None or spec is None else fmt.quantity(ticker.volume, spec.qty_precision, 13, 4)
    traded = fmt.duration(view.now_ns - view.last_trade_ns) if view.last_trade_ns is not None else _NONE
    return [
        (0, _last(view)),
        (1, _change(view)),
        (
            4,
            (
                *_labelled("high", _price(view, ticker.high)),
                ("  ", "text"),
                *_labelled("low", _price(view, ticker.low)),
            ),
        ),
        (5, _labelled("vol", volume)),
        (7, _labelled("vwap", _price(view, ticker.vwap))),
        (2, _spread(view)),
        (3, _micro(view)),
        (6, _labelled("last trade", traded.rjust(5))),
    ]


def proof_badge(view: PairView) -> tuple[Run, ...]:
    """First truth: quiet while the book is proven, a filled badge with its reason while it is not.

    Where the engine does not answer, nobody can say whether it is.
    """
    if view.silent_ns:
        return ((f" ✗ ENGINE SILENT {view.silent_ns // SECOND} s ", "badge/bad"),)
    if view.proof is Proof.VERIFIED:
        return (("✓ VERIFIED", "ok"),)
    glyph, role = ("…", "warn") if view.proof is Proof.CHECKING else ("✗", "bad")
    badge: Run = (f" {glyph} {view.proof.value} ", f"badge/{role}")
    return (badge, (f" {shorten(view.proof_reason, 34)}", role)) if view.proof_reason else (badge,)


def age_badge(view: PairView, *, reason: bool = True) -> tuple[Run, ...]:
    """Second truth: the age of the last book change by the venue's timestamp, STALE past the limit."""
    age = fmt.duration(view.age_ns) if view.age_ns is not None else _NONE
    if not view.stale:
        return _labelled("age", age.rjust(5))
    badge: Run = (f" STALE {age} ", "badge/stale")
    if reason and view.stale_reason and not view.silent_ns:
        return (badge, (f" {shorten(view.stale_reason, 34)}", "stale"))
    return (badge,)


def venue_badge(view: PairView) -> tuple[Run, ...]:
    """Third truth: what the venue lets people do in this market."""
    if view.venue == "ONLINE":
        return _labelled("venue", view.venue, "ok")
    if view.venue == "UNKNOWN":
        return _labelled("venue", view.venue, "warn")
    return (("venue ", "muted"), (f" ! {shorten(view.venue, 24)} ", "badge/warn"))


def _checks(view: PairView) -> tuple[Run, ...]:
    failed = "bad" if view.checks_failed else "muted"
    runs: tuple[Run, ...] = (
        (f"{view.checks_ok:,} ok", "text"),
        (" · ", "faint"),
        (f"{view.checks_failed:,} failed", failed),
    )
    if view.resyncs:
        runs += ((" · ", "faint"), (counted(view.resyncs, "resync"), "warn"))
    return runs


def _private_fields(picture: Picture, *, short: bool) -> list[Field]:
    """The proof of the single orders, which is not that of the book, and whether a key can send an order now."""
    view, account = picture.pair, picture.account
    fields: list[Field] = []
    if account is None and (view is None or view.level3 is None):
        return fields
    from kraken_tui.tui.draw.account_text import level3_badge, trading_badge

    if view is not None and view.level3 is not None:
        quiet = view.level3.verified and not view.level3.stale
        fields.append((3 if quiet else 1, level3_badge(view.level3, short=short)))
    if account is not None and account.trading is not None:
        fields.append((0 if account.trading.armed else 2, trading_badge(account.trading, short=short)))
    return fields


def _truth_row(picture: Picture, view: PairView, width: int) -> Line:
    feed = picture.feed
    fields: list[Field] = [
        (0, proof_badge(view)),
        (0, age_badge(view)),
        (0, venue_badge(view)),
        (3, _checks(view)),
        (
            4,
            (
                *_labelled("book", fmt.rate(view.book_rate).rjust(5)),
                ("  ", "text"),
                *_labelled("trades", fmt.rate(view.trade_rate).rjust(5)),
            ),
        ),
        (5, _labelled("depth", str(view.depth))),
        *_private_fields(picture, short=width < 100),
    ]
    if view.spec is not None and view.spec.tokenised:
        fields.append((1, (("tokenised asset", "accent"),)))
    if view.spec is not None and view.spec.assumed:
        fields.append((2, (("! precisions assumed", "warn"),)))
    right = [runs for _, runs in _recording(feed, short=width < 80)]
    room = width - 2 - sum(width_of(runs) + 3 for runs in right)
    line: tuple[Run, ...] = ((" ", "text"), *join_fields(fit_fields(_shortened(view, fields, room), room), 3))
    for runs in right:
        gap = width - 1 - width_of(line) - width_of(runs)
        line += ((" " * max(1, gap), "text"), *runs)
    return line


def _shortened(view: PairView, fields: list[Field], room: int) -> list[Field]:
    """The three truths always stay: in a narrow row they give up their reasons first."""
    if sum(width_of(runs) for _, runs in fields[:3]) + 6 <= room:
        return fields
    return [(0, proof_badge(view)[:1]), (0, age_badge(view, reason=False)), (0, venue_badge(view)[1:]), *fields[3:]]


def _recording(feed: FeedView, *, short: bool) -> list[Field]:
    recording = feed.recording
    if recording is None:
        return []
    if short:
        mark = "✗ REC" if recording.problem else "● REC !" if recording.warning else "● REC"
        return [(1, ((mark, "!bad"),))]
    if recording.problem:
        return [(1, ((f" ✗ REC stopped: {shorten(recording.problem, 24)} ", "badge/bad"),))]
    size = (fmt.data_size(recording.bytes).rjust(8), "text")
    if recording.warning:
        return [(1, (("● REC ", "!bad"), size, (f" ! {shorten(recording.warning, 40)} ", "badge/warn")))]
    return [(1, (("● REC ", "!bad"), size))]


def _compact_fields(view: PairView) -> list[Field]:
    venue = venue_badge(view)
    return [
        # The tabs above say pair and price again, only this row says the three truths.
        (2, ((shorten(view.symbol, 14), "!bright"),)),
        (2, (("tokenised", "accent"),) if view.spec is not None and view.spec.tokenised else ()),
        (1, _last(view)),
        (3, _change(view)[:1]),
        (0, proof_badge(view)[:1]),
        (0, age_badge(view, reason=False)),
        (0, venue[1:]),
        (4, _spread(view)),
        (5, _micro(view)),
    ]
