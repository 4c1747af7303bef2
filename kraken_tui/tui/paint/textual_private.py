"""Every private name of Textual that the screen reads, in one place.

They make drawing fast; none is needed to draw at all. Textual is pinned, but a distribution may ship another version:
where a name is missing, `PrivateNameMissing` is raised or a public stand-in is used, and Textual's compositor paints
everything, correctly and more slowly. Overridden private methods are not listed: where Textual renames one, the
override is simply never called.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from typing import Any

from rich.segment import Segment
from rich.style import Style
from textual.app import App
from textual.cache import FIFOCache
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

NAMES = {
    "driver": "_driver",
    "batches": "_batch_count",
    "synchronised": "_sync_available",
    "layout is due": "_layout_required",
    "compositor": "_compositor",
    "visible widgets": "visible_widgets",
}
"""The private names the painter needs, by meaning."""

_FILLED = frozenset({"_segments", "_cell_length", "_render_cache", "_link_ids", "_cell_count"})
_CACHES = frozenset(
    {
        "_divide_cache",
        "_crop_cache",
        "_style_cache",
        "_filter_cache",
        "_line_length_cache",
        "_crop_extend_cache",
        "_offsets_cache",
    }
)


class PrivateNameMissing(Exception):
    """This version of Textual does not have a private name that the painter needs."""


def _private(owner: object, meaning: str) -> Any:
    name = NAMES[meaning]
    try:
        return getattr(owner, name)
    except AttributeError:
        raise PrivateNameMissing(f'Textual\'s {type(owner).__name__} has no "{name}"') from None


def writer_of(app: App[Any]) -> Callable[[str], None] | None:
    """Writes text to the terminal past the compositor; None without a driver, or while updates are held back.

    Raises:
        PrivateNameMissing: Textual has changed.
    """
    driver = _private(app, "driver")
    if driver is None or _private(app, "batches"):
        return None
    write: Callable[[str], None] = driver.write
    return write


def waited_s(app: App[Any]) -> float:
    """Seconds that drawing has waited for the terminal to take what was written; 0 where the driver does not tell."""
    return float(getattr(getattr(app, NAMES["driver"], None), "waited_s", 0.0))


def takes_synchronised(app: App[Any]) -> bool:
    """Whether the terminal shows an update between two marks at once (mode 2026).

    Raises:
        PrivateNameMissing: Textual has changed.
    """
    return bool(_private(app, "synchronised"))


def shows_only(screen: Screen[Any], widgets: Container[Widget]) -> bool:
    """Whether nothing but these widgets is on the screen, in the places they were last composed for.

    Raises:
        PrivateNameMissing: Textual has changed.
    """
    if _private(screen, "layout is due"):
        return False
    visible = _private(_private(screen, "compositor"), "visible widgets")
    return all(widget in widgets or not region.area for widget, (region, _) in visible.items())


class LazyStrip(Strip):
    """A strip that makes its caches when they are asked for.

    A row of a live book is painted once or twice, mostly whole; making seven caches for it costs more than drawing it.
    """

    __slots__ = ()

    def __init__(self, segments: list[Segment], cell_length: int) -> None:
        self._segments = segments
        self._cell_length = cell_length
        self._render_cache = None
        self._link_ids = None
        self._cell_count = None

    def divide(self, cuts: Iterable[int]) -> Sequence[Strip]:
        """See `Strip.divide`; most rows are not divided at all."""
        cuts = list(cuts)
        return [self] if cuts == [self._cell_length] else super().divide(cuts)

    def __getattr__(self, name: str) -> Any:
        # Reached for slots that are not filled yet.
        if name not in _CACHES:
            raise AttributeError(name)
        cache: FIFOCache[Any, Any] = FIFOCache(4)
        setattr(self, name, cache)
        return cache


def strip_class() -> type[Strip]:
    """The class rows are made of: `LazyStrip` where it knows every slot of this Textual's `Strip`, else `Strip`."""
    return LazyStrip if frozenset(getattr(Strip, "__slots__", ())) == _FILLED | _CACHES else Strip


def forget_sums() -> None:
    """Forget the sums of styles that Rich keeps: each holds the sequence of the terminal it was first written to."""
    clear = getattr(getattr(Style, "_add", None), "cache_clear", None)
    if clear is not None:
        clear()
