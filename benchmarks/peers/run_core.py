"""kraken-tui's compiled core: from the bytes of an update to its changes and the book's checksum in one call."""

from __future__ import annotations

from typing import Any

from driver import main
from run_ours import Ours

from kraken_tui import __version__, core


class Compiled(Ours):
    """The core first, as in a session; Python for what it declines, and for the snapshot."""

    def __init__(self, job: dict[str, Any]) -> None:
        super().__init__(job)
        lane = core.new_lane()
        if lane is None or core.update is None:
            raise SystemExit("there is no compiled core here")
        self.kept.share(lane)
        self.lane, self.lanes, self.update = lane, {self.spec.symbol: lane}, core.update

    def feed(self, frame: bytes) -> None:
        found = self.update(frame, self.lanes, self.lanes)
        if found is None:
            super().feed(frame)
            self.lane.open = True
        elif found[2] != found[3]:
            self.alarms += 1


if __name__ == "__main__":
    main(Compiled, lambda: __version__)
