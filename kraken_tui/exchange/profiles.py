"""How a market behaves: one row each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kraken_tui.exchange.calm import CalmSimulator, calm
from kraken_tui.exchange.pairs import PairSpec
from kraken_tui.exchange.simulator import Simulator


@dataclass(frozen=True, slots=True)
class Profile:
    """One way to behave.

    Attributes:
        simulator: plays the markets.
        temper: the pair as this profile has it.
        crosses: whether a pair that two others imply follows them.
        account: how the main account lives.
    """

    simulator: type[Simulator]
    temper: Callable[[PairSpec], PairSpec]
    crosses: bool
    account: str


PROFILES = {
    "lively": Profile(Simulator, lambda spec: spec, crosses=False, account="still"),
    "calm": Profile(CalmSimulator, calm, crosses=True, account="demo"),
}
"""`lively` works a client hard, for tests and measurements; `calm` is watched by a person, in the demo."""

CROSSES = {"ETH/BTC": ("ETH/USD", "BTC/USD"), "BTC/EUR": ("BTC/USD", ""), "ETH/EUR": ("ETH/USD", "")}
"""Pairs whose price others imply: the first over the second, or over the fixed rate of the opening prices."""
