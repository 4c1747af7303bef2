"""What ladder and aggregated book share: titles that tell the truth, row keys, pages without a book. Pure."""

from __future__ import annotations

import textwrap
from functools import lru_cache
from math import ceil

import msgspec

from kraken_tui.market.events import BookState, Proof
from kraken_tui.market.views import PairView
from kraken_tui.tui.draw import format as fmt
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import Line, on, shorten, title_line
from kraken_tui.units import SECOND
from kraken_tui.words import counted

HEAD_ROWS = 2
"""Rows above the levels: title and column headers."""

CUT_LEFT, CUT_RIGHT = "«", "»"
"""Last cell of a bar that is longer than its place, by the way it grows."""

_WAITING = {
    BookState.WAIT_ACK: "waiting for the exchange to grant the subscription",
    BookState.WAIT_SNAPSHOT: "waiting for the first snapshot of the book",
    BookState.RESYNCING: "resyncing: waiting for a new snapshot",
    BookState.LIVE: "the book is empty",
}


class Changed(msgspec.Struct, frozen=True):
    """Prices, in ticks, whose size changed a moment ago: their rows are drawn on a brighter background."""

    bids: frozenset[int] = frozenset()
    asks: frozenset[int] = frozenset()


NOTHING_CHANGED = Changed()


def book_note(view: PairView, usual: str) -> tuple[str, str]:
    """Note of a book pane's title and its role: what keeps the book from being trusted, or `usual`."""
    if view.silent_ns:
        return f"engine silent {view.silent_ns // SECOND} s", "bad"
    if view.proof is not Proof.VERIFIED:
        name = view.proof.value
        return (f"{name}: {view.proof_reason}" if view.proof_reason else name), "bad" if _failed(view) else "warn"
    if view.stale:
        age = fmt.duration(view.age_ns) if view.age_ns is not None else ""
        return f"STALE {age}: {view.stale_reason}".replace(" :", ":"), "stale"
    return usual, "muted"


def depth_note(view: PairView) -> str:
    """How deep the book is; while no audit has compared all of it, how many levels a side the checksum proves."""
    covered = view.covered_levels
    if view.audited_ns is not None or view.depth <= covered:
        return counted(view.depth, "level")
    return f"top {covered} proven"


def _failed(view: PairView) -> bool:
    return view.proof is Proof.UNVERIFIED


def titled(title: str, note: str, role: str, width: int, short: str = "") -> Line:
    """A title line whose note has a role of its own; an unusual note is never dropped.

    Args:
        title: Name of the pane.
        note: Text at the right end.
        role: Role of the note; "muted" is for usual notes.
        width: Cells.
        short: Shorter title that makes room for an unusual note.
    """
    if role != "muted":
        if short and len(title) + len(note) + 7 > width:
            title = short
        note = shorten(note, width - len(title) - 7)
    title = shorten(title, width - 3)
    head, name, rule, tail = title_line(title, note, width)
    return head, name, rule, (tail[0], role)


def centred(text: str, width: int, key: str) -> Line:
    """One sentence in the middle of a row."""
    text = shorten(text, width)
    return ((" " * ((width - len(text)) // 2), "text"), (text, key))


def too_narrow(width: int, height: int) -> list[Line]:
    """A page for a pane in which numbers would have to be cut."""
    return [*[() for _ in range(height // 2)], centred("too narrow", width, "warn")][: max(0, height)]


def waiting_lines(picture: Picture, width: int, height: int) -> list[Line]:
    """A page that says what an empty book waits for, or why none comes, in the middle of `height` rows."""
    sentences = [
        (part, key) for text, key in _sentences(picture) for part in textwrap.wrap(text, max(10, width - 2)) or [text]
    ]
    top = max(0, (height - len(sentences)) // 2)
    lines: list[Line] = [() for _ in range(top)]
    lines += [centred(text, width, key) for text, key in sentences]
    return lines[: max(0, height)]


def _sentences(picture: Picture) -> list[tuple[str, str]]:
    view, feed = picture.pair, picture.feed
    result: list[tuple[str, str]] = []
    if view is None and picture.in_past:
        return [(picture.waiting, "text")]
    if view is None and picture.problem:
        return [(picture.problem, "bad")]
    if view is None:
        result.append(("waiting for the pair", "text"))
    elif view.book_state is BookState.REFUSED:
        result += [("the exchange refused this pair", "bad"), (view.proof_reason, "muted")]
    elif view.book_state is BookState.QUARANTINED:
        result += [("book set aside after repeated failures", "bad"), (view.proof_reason, "muted")]
    elif view.book_state is BookState.LIVE and view.spec is None:
        result.append(("waiting for the pair's precisions", "text"))
    else:
        result.append((_WAITING[view.book_state], "text"))
    if feed.fatal:
        result.append((feed.fatal, "bad"))
    elif feed.state != "SUBSCRIBED":
        result.append((f"{feed.state}: {feed.cause}" if feed.cause else feed.state, "warn"))
        if feed.retry_in_s is not None:
            result.append((f"next try in {ceil(feed.retry_in_s)} s", "muted"))
    return [(text, key) for text, key in result if text]


class RowKeys(msgspec.Struct, frozen=True):
    """Style keys of one book row."""

    text: str
    label: str
    size: str
    price: str
    bar: str


def _faint(ground: str) -> str:
    # A faint bar would vanish on the cursor's strong background.
    return on("muted" if ground == "cursor" else "faint", ground)


@lru_cache(maxsize=256)
def row_keys(side: str, ground: str, trusted: bool, stale: bool, large: bool = False) -> RowKeys:
    """Keys of a row.

    Args:
        side: Role of its side, "bid" or "ask".
        ground: Role of its background, "" for none.
        trusted: Whether the book is proven; otherwise everything is muted.
        stale: Whether the book is too old; prices are then in the stale colour.
        large: Whether its size is a large order's.
    """
    if not trusted:
        muted = on("muted", ground)
        return RowKeys(muted, muted, muted, muted, _faint(ground))
    return RowKeys(
        text=on("text", ground),
        label=on("muted", ground),
        size=("!" if large else "") + on("bright" if large else "text", ground),
        price=on("stale" if stale else side, ground),
        bar=on(f"{side}-bar", ground),
    )


def cut_key(bar: str, trusted: bool) -> str:
    """Key of the mark at the end of a cut bar of the key `bar`."""
    return on("bright", bar.partition("/")[0]) if trusted else "muted"


@lru_cache(maxsize=256)
def uncovered_keys(keys: RowKeys) -> RowKeys:
    """Keys of a row below the levels the checksum proves, until an audit has compared it: sizes a shade fainter."""
    return msgspec.structs.replace(keys, text=keys.label, size=keys.size if keys.size.startswith("!") else keys.label)
