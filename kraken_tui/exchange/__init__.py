"""A local Kraken: the --demo market and the server of the tests. Shares no code with the client.

The protocol lives in sans-I/O classes (`Venue`, `Peer`), the sockets in a thin shell (`Exchange`). Names
are loaded on first use, so that importing the package costs nothing until a server is wanted.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kraken_tui.exchange.faults import Faults
    from kraken_tui.exchange.keys import DEMO_KEY, DEMO_OTP, DEMO_SECRET, KEYS, ApiKey
    from kraken_tui.exchange.pairs import PAIRS, PairSpec
    from kraken_tui.exchange.peer import Peer
    from kraken_tui.exchange.server import Exchange, ExchangeThread
    from kraken_tui.exchange.simulator import Simulator
    from kraken_tui.exchange.venue import Venue

__all__ = [
    "DEMO_KEY",
    "DEMO_OTP",
    "DEMO_SECRET",
    "KEYS",
    "PAIRS",
    "ApiKey",
    "Exchange",
    "ExchangeThread",
    "Faults",
    "PairSpec",
    "Peer",
    "Simulator",
    "Venue",
]

_HOMES = {
    "DEMO_KEY": "keys",
    "DEMO_OTP": "keys",
    "DEMO_SECRET": "keys",
    "KEYS": "keys",
    "ApiKey": "keys",
    "PAIRS": "pairs",
    "PairSpec": "pairs",
    "Exchange": "server",
    "ExchangeThread": "server",
    "Faults": "faults",
    "Peer": "peer",
    "Simulator": "simulator",
    "Venue": "venue",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
