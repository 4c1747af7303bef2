"""A whole session that stands, for the tests of it."""

from __future__ import annotations

from kraken_tui.feed.events import (
    StateChanged,
)
from kraken_tui.market.events import BookState, Proof
from tests.rig.bench import Rig


def states(rig: Rig) -> list[str]:
    return [event.state for event in rig.of(StateChanged)]


def live(rig: Rig, *symbols: str) -> bool:
    return all(
        rig.session.stitchers[symbol].state is BookState.LIVE and rig.session.stitchers[symbol].proof is Proof.VERIFIED
        for symbol in symbols
    )
