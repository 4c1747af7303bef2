"""The dead man's switch: a timer at the exchange that cancels every order of the account unless it is set again.

It is refreshed from the loop that draws and from nothing else: a program that hangs must let it run out. Pure.
"""

from __future__ import annotations

from kraken_tui.units import SECOND

TIMEOUT_S = 60
"""Seconds after the last refresh at which the exchange cancels."""

EVERY_S = 20
"""Seconds between two refreshes."""

EFFECT = (
    "The exchange cancels EVERY open order of this account, also those of other programs and of the web site, if this "
    f"program does not answer for {TIMEOUT_S} s."
)


class DeadManSwitch:
    """Whether it is on, and when it is due; moments are ns of the machine's clock.

    Attributes:
        wanted: Whether the user chose it.
    """

    def __init__(self) -> None:
        self.wanted = False
        self._asked_ns: int | None = None
        self._asked: dict[int, int] = {}
        self._fires_ns: int | None = None

    def turn(self, on: bool) -> None:
        """Turn it on or off; what has to be sent comes by `due`."""
        self.wanted, self._asked_ns = on, None

    def due(self, now_ns: int) -> int | None:
        """Seconds to send now (0 for off), or None where nothing is due."""
        if self.wanted:
            if self._asked_ns is None or now_ns - self._asked_ns >= EVERY_S * SECOND:
                return TIMEOUT_S
        elif self._fires_ns is not None and self._asked_ns is None:
            return 0
        return None

    def sent(self, req_id: int, seconds: int, now_ns: int) -> None:
        """It leaves. What it does holds from the answer on; until then the earlier time does."""
        self._asked_ns = now_ns
        self._asked = {number: at for number, at in self._asked.items() if now_ns - at < TIMEOUT_S * SECOND}
        self._asked[req_id] = now_ns if seconds else -1

    def answered(self, req_id: int | None, success: bool) -> bool:
        """Take an answer; whether it was one of this."""
        at = None if req_id is None else self._asked.pop(req_id, None)
        if at is None:
            return False
        if success:
            # Counted from the sending: the exchange's timer began later, so this is never too late.
            self._fires_ns = None if at < 0 else at + TIMEOUT_S * SECOND
        else:
            self._asked_ns = None if not self.wanted else self._asked_ns
        return True

    def left_s(self, now_ns: int) -> float | None:
        """Seconds until the exchange cancels unless it is refreshed; None while it is off."""
        return None if self._fires_ns is None else max(0.0, (self._fires_ns - now_ns) / SECOND)

    def disconnected(self) -> None:
        """The connection is gone. The timer at the exchange runs on; it is set again on the next one if it was on."""
        self._asked.clear()
        self._asked_ns = None
