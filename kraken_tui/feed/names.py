"""Names of pairs as the user gave them, and the symbols they resolve to. Pure."""

from __future__ import annotations

from collections.abc import Collection, Container
from typing import NamedTuple

from kraken_tui.errors import UnknownPair
from kraken_tui.feed.events import FeedEvent, PairAdded, Refused
from kraken_tui.text import clean_text
from kraken_tui.wire.symbols import SymbolTable, canonical

_MOST_MET = 5000
"""Symbols of a recording that are remembered to be suggested."""


class Wish(NamedTuple):
    """What is wanted of one pair in place of what is wanted of all; None for that.

    Attributes:
        depth: Levels a side, one of `settings.DEPTHS`.
        interval: Candle interval in minutes, one of `settings.INTERVALS`.
        large_order: Size in base units from which an order counts as large; 0 for automatic.
    """

    depth: int | None = None
    interval: int | None = None
    large_order: float | None = None

    def over(self, before: Wish) -> Wish:
        """This, and for what it leaves open the wish before."""
        return Wish(
            before.depth if self.depth is None else self.depth,
            before.interval if self.interval is None else self.interval,
            before.large_order if self.large_order is None else self.large_order,
        )


NO_WISH = Wish()


class PairNames:
    """Resolves names.

    Attributes:
        found: Name as given to symbol, None while unknown.
        wishes: What is wanted of single pairs, by the name that was given with it; the newest last.
    """

    def __init__(self) -> None:
        self.found: dict[str, str | None] = {}
        self.wishes: dict[str, Wish] = {}
        self._refused: set[str] = set()
        self._met = SymbolTable()
        self._compared: dict[str, bool] = {}

    def add(self, name: str, wish: Wish = NO_WISH) -> None:
        """Want a pair by any of its names; a later wish replaces what it names of an earlier one."""
        self.found.setdefault(name, None)
        self._compared.clear()
        self._refused.discard(name)
        if wish != NO_WISH:
            self.wishes[name] = wish.over(self.wishes.pop(name, NO_WISH))

    def wish_of(self, symbol: str) -> Wish:
        """What is wanted of a pair, by whatever names it was asked for."""
        wished = NO_WISH
        for name, wish in self.wishes.items():
            if self.found.get(name) == symbol:
                wished = wish.over(wished)
        return wished

    def want_of_all(self, *, depth: bool = False, interval: bool = False) -> None:
        """Forget single pairs' own depth or interval, because one is wanted of all."""
        self.wishes = {
            name: Wish(None if depth else wish.depth, None if interval else wish.interval, wish.large_order)
            for name, wish in self.wishes.items()
        }

    def drop(self, symbol: str) -> None:
        """Stop wanting a pair, or a name that was refused."""
        self._compared.clear()
        for name in [name for name, found in self.found.items() if symbol in (found, name)]:
            del self.found[name]
            self.wishes.pop(name, None)

    def resolve(self, symbols: SymbolTable, wall_ns: int) -> tuple[list[str], list[FeedEvent]]:
        """Find symbols for the names.

        A name that is not found is refused once, with the nearest symbols, and tried again with every new list.

        Returns:
            (all symbols found so far, in the user's order; events).
        """
        events: list[FeedEvent] = []
        known: list[str] = []
        for name, found in list(self.found.items()):
            if found is None:
                try:
                    found = symbols.resolve(name)
                except UnknownPair as error:
                    if name not in self._refused:
                        self._refused.add(name)
                        events.append(Refused(wall_ns, error.name, "", str(error), error.nearest))
                    continue
                self.found[name] = found
                self._compared.clear()
                events.append(PairAdded(name, found))
            known.append(found)
        return known, events

    # -- recordings ---------------------------------------------------------------------------------------------

    def admits(self, symbol: str, kept: Container[str]) -> tuple[bool, list[FeedEvent]]:
        """Whether a symbol in a recording is one of the names given; without names, every symbol is.

        Args:
            symbol: As recorded.
            kept: Symbols that were admitted before.

        Returns:
            (whether it is wanted, events).
        """
        if not self.found:
            return True, []
        known = self._compared.get(symbol)
        if known is not None:
            return known or symbol in kept, []
        if len(self._met) < _MOST_MET:
            self._met.add(symbol)
        events = self._found_as(symbol)
        admitted = symbol in self.found.values()
        if len(self._compared) < _MOST_MET:
            self._compared[symbol] = admitted
        return admitted or symbol in kept, events

    def among(self, name: str, kept: Collection[str]) -> list[FeedEvent]:
        """Find a name among the pairs that are kept already: a recording shows the first book of each only once."""
        if self.found[name] is not None or not kept:
            return []
        try:
            symbol = SymbolTable(kept).resolve(name)
        except UnknownPair:
            return []
        self.found[name] = symbol
        return [PairAdded(name, symbol)]

    def _found_as(self, symbol: str) -> list[FeedEvent]:
        """Every name that means a symbol: one that is left over would be refused at the end."""
        table = SymbolTable([symbol])
        events: list[FeedEvent] = []
        for name in [name for name, found in self.found.items() if found is None]:
            if canonical(name) == symbol or _resolves(table, name):
                self.found[name] = symbol
                events.append(PairAdded(name, symbol))
        return events

    def refuse_unmet(self, wall_ns: int) -> list[FeedEvent]:
        """The recording is over: refuse the names it never mentioned."""
        events: list[FeedEvent] = []
        for name in [name for name, found in self.found.items() if found is None]:
            error = f"the recording holds no pair {clean_text(name, 40)!r}"
            events.append(Refused(wall_ns, clean_text(name, 40), "", error, self._met.nearest(name)))
        return events


def _resolves(table: SymbolTable, name: str) -> bool:
    try:
        table.resolve(name)
    except UnknownPair:
        return False
    return True
