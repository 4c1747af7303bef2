"""kracked's `KrakenL2`, fed through its `_on_message` with its writing to disk switched off."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from driver import Client, main
from kracked.feeds import KrakenL2


class _Socket:
    """It closes the connection when its book gets too thin."""

    def close(self) -> None:
        """Nothing to close; the error that follows tells."""


class Kracked(Client):
    """Alarms stay at zero: it computes the snapshot's checksum and does nothing when that is wrong."""

    def __init__(self, job: dict[str, Any]) -> None:
        super().__init__(job)
        self.client = KrakenL2([job["symbol"]], depth=job["depth"], append_book=False, log_book_every=10**9)
        self.socket = _Socket()

    def feed(self, frame: str) -> None:
        self.client._on_message(self.socket, frame)

    def book(self) -> Any:
        kept = self.client.books[self.job["symbol"]]
        return list(kept["bids"].items()), list(kept["asks"].items())


if __name__ == "__main__":
    main(Kracked, lambda: version("kracked"))
