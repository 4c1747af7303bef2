"""What the two book panes share: titles that tell the truth, row keys, changed rows, the chosen price."""

from __future__ import annotations

import textwrap
from functools import lru_cache

import msgspec
from textual.message import Message

from kraken_tui.market.events import BookState, Level, Proof
from kraken_tui.market.views import PairView
from kraken_tui.tui.draw import format as fmt
from kraken_tui.tui.paint.pane import Frame, Line, title_line

FLASH_NS = 300_000_000
"""How long a changed row stays a shade brighter, ns of the view's clock."""

_WAITING = {
    BookState.WAIT_ACK: "waiting for the exchange to grant the subscription",
    BookState.WAIT_SNAPSHOT: "waiting for the first snapshot of the book",
    BookState.RESYNCING: "resyncing: waiting for a new snapshot",
    BookState.LIVE: "the book is empty",
}


class PriceChosen(Message):
    """A row of a book was clicked.

    Attributes:
        ticks: Its price.
    """

    def __init__(self, ticks: int) -> None:
        super().__init__()
        self.ticks = ticks


class Changed(msgspec.Struct, frozen=True):
    """Prices, in ticks, whose size changed in the last `FLASH_NS`."""

    bids: frozenset[int] = frozenset()
    asks: frozenset[int] = frozenset()


NOTHING_CHANGED = Changed()


class ChangeTracker:
    """Notices which levels changed between the views a pane is given.

    Args:
        on: Whether to look at all; every change is painted twice, with and without its brighter background.
    """

    def __init__(self, on: bool = True) -> None:
        self._on = on
        self._symbol = ""
        self._levels: tuple[tuple[Level, ...], tuple[Level, ...]] = ((), ())
        self._changed_ns: tuple[dict[int, int], dict[int, int]] = ({}, {})

    def take(self, view: PairView) -> Changed:
        """Compare with the view before; a first view, another pair or an unproven book changes nothing."""
        if not self._on:
            return NOTHING_CHANGED
        now = view.now_ns
        levels = (view.bids, view.asks)
        if view.symbol != self._symbol or view.proof is not Proof.VERIFIED:
            self._changed_ns = ({}, {})
        else:
            for old, new, changed in zip(self._levels, levels, self._changed_ns, strict=True):
                _note_changes(old, new, changed, now)
                for ticks in [ticks for ticks, ns in changed.items() if not 0 <= now - ns < FLASH_NS]:
                    del changed[ticks]
        self._symbol = view.symbol
        self._levels = levels
        bids, asks = self._changed_ns
        return Changed(frozenset(bids), frozenset(asks)) if bids or asks else NOTHING_CHANGED


def _note_changes(old: tuple[Level, ...], new: tuple[Level, ...], changed: dict[int, int], now: int) -> None:
    if old is new or not old or not new:
        return
    # Levels past the old end came into sight because others left; nobody changed them.
    best, worst = new[0][0], old[-1][0]
    ascending = best <= worst
    for ticks, _ in set(new) - set(old):
        if (ticks <= worst) if ascending else (ticks >= worst):
            changed[ticks] = now


def book_note(view: PairView, usual: str) -> tuple[str, str]:
    """Note of a book pane's title and its role: what keeps the book from being trusted, or `usual`."""
    if view.proof is not Proof.VERIFIED:
        name = view.proof.value
        return (f"{name}: {view.proof_reason}" if view.proof_reason else name), "bad" if _failed(view) else "warn"
    if view.stale:
        age = fmt.duration(view.age_ns) if view.age_ns is not None else ""
        return f"STALE {age}: {view.stale_reason}".replace(" :", ":"), "stale"
    return usual, "muted"


def depth_note(view: PairView) -> str:
    """How deep the book is, and how much of it is proven while no audit has compared the rest."""
    covered = view.covered_levels
    if view.audited_ns is not None or view.depth <= covered:
        return f"{view.depth} levels"
    return f"{covered} of {view.depth} proven"


def _failed(view: PairView) -> bool:
    return view.proof is Proof.UNVERIFIED


def titled(title: str, note: str, role: str, width: int, short: str = "") -> Line:
    """A title line whose note has a role of its own; unless it is merely usual it is never dropped.

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
        note = fmt.shorten(note, width - len(title) - 7)
    title = fmt.shorten(title, width - 3)
    head, name, rule, tail = title_line(title, note, width)
    return head, name, rule, (tail[0], role)


def centred(text: str, width: int, key: str) -> Line:
    """One sentence in the middle of a row."""
    text = fmt.shorten(text, width)
    return ((" " * ((width - len(text)) // 2), "text"), (text, key))


def too_narrow(width: int, height: int) -> list[Line]:
    """A page for a pane in which numbers would have to be cut."""
    return [*[() for _ in range(height // 2)], centred("too narrow", width, "warn")][: max(0, height)]


def waiting_lines(frame: Frame, width: int, height: int) -> list[Line]:
    """A page that says what an empty book waits for, or why none comes, in the middle of `height` rows."""
    sentences = [
        (part, key) for text, key in _sentences(frame) for part in textwrap.wrap(text, max(10, width - 2)) or [text]
    ]
    top = max(0, (height - len(sentences)) // 2)
    lines: list[Line] = [() for _ in range(top)]
    lines += [centred(text, width, key) for text, key in sentences]
    return lines[: max(0, height)]


def _sentences(frame: Frame) -> list[tuple[str, str]]:
    view, feed = frame.pair, frame.feed
    result: list[tuple[str, str]] = []
    if view is None and frame.problem:
        return [(frame.problem, "bad")]
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
            result.append((f"next try in {feed.retry_in_s:.0f} s", "muted"))
    return [(text, key) for text, key in result if text]


class RowKeys(msgspec.Struct, frozen=True):
    """Style keys of one book row."""

    text: str
    label: str
    faint: str
    size: str
    price: str
    bar: str


def _faint(ground: str) -> str:
    # Faint digits would vanish on the cursor's strong background.
    return fmt.on("muted" if ground == "cursor" else "faint", ground)


@lru_cache(maxsize=256)
def row_keys(side: str, ground: str, trusted: bool, stale: bool, large: bool = False) -> RowKeys:
    """Keys of a row.

    Args:
        side: Role of its side, "bid" or "ask".
        ground: Role of its background, "" for none.
        trusted: Whether the book is proven; otherwise everything is muted.
        stale: Whether the book is too old; prices then wear the stale colour.
        large: Whether its size is a large order's.
    """
    on = fmt.on
    if not trusted:
        muted, faint = on("muted", ground), _faint(ground)
        return RowKeys(muted, faint, faint, muted, muted, faint)
    return RowKeys(
        text=on("text", ground),
        label=on("muted", ground),
        faint=_faint(ground),
        size=("!" if large else "") + on("bright" if large else "text", ground),
        price=on("stale" if stale else side, ground),
        bar=on(f"{side}-bar", ground),
    )


@lru_cache(maxsize=256)
def uncovered_keys(keys: RowKeys) -> RowKeys:
    """Keys of a row below the levels the checksum proves, until an audit has compared it: sizes a shade fainter."""
    return msgspec.structs.replace(keys, text=keys.label, size=keys.size if keys.size.startswith("!") else keys.label)
