"""Which publisher takes which pair: rendezvous hashing, so that another number of shards moves as few as it can."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from zlib import crc32


@dataclass(frozen=True, slots=True)
class Shard:
    """One of several publishers that divide the pairs.

    Attributes:
        number: From 1.
        count: Of all.
    """

    number: int = 1
    count: int = 1

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def owns(self, symbol: str) -> bool:
        """Whether a symbol is this shard's; exactly one of `count` says yes, whatever the process or machine."""
        return max(range(1, self.count + 1), key=lambda number: _weight(number, symbol)) == self.number

    def of(self, symbols: Iterable[str]) -> tuple[str, ...]:
        """The symbols of this shard, in their order."""
        return tuple(symbol for symbol in symbols if self.owns(symbol))


def _weight(number: int, symbol: str) -> bytes:
    return blake2b(f"{number}/{symbol}".encode(), digest_size=8).digest()


def producer_of(symbol: str, producers: int) -> int:
    """Which of several producers a symbol stays with; taking turns would break its order."""
    return crc32(symbol.encode()) % producers
