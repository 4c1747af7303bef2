"""Whether a key can send an order. It starts disarmed, and only a press of the key for it ever arms. Pure."""

from __future__ import annotations

from kraken_tui.units import SECOND

NEVER_ARMED = "not armed yet"


class Arming:
    """The lock before every order.

    Args:
        idle_ns: Time without a press of a trading key after which it disarms.
        forbidden: Why it can never be armed in this session, one clause; "" where it can.

    Attributes:
        reason: Why it is disarmed, one clause; "" while it is armed.
        symbol: The pair it was armed for; "" while disarmed.
    """

    def __init__(self, idle_ns: int = 300 * SECOND, forbidden: str = "") -> None:
        self.forbidden = forbidden
        self.reason = forbidden or NEVER_ARMED
        self.symbol = ""
        self._idle_ns = idle_ns
        self._used_ns = 0

    @property
    def armed(self) -> bool:
        """Whether orders can be sent now."""
        return not self.reason

    def arm(self, symbol: str, now_ns: int) -> str:
        """Arm for one pair, on a press of the key and at no other time.

        Returns:
            Why not, one clause; "" where it is armed now.
        """
        if self.forbidden:
            return self.forbidden
        self.reason, self.symbol, self._used_ns = "", symbol, now_ns
        return ""

    def disarm(self, reason: str) -> bool:
        """Disarm.

        Returns:
            Whether it was armed; a second reason does not replace the first.
        """
        if not self.armed:
            return False
        self.reason, self.symbol = reason, ""
        return True

    def used(self, now_ns: int) -> None:
        """A trading key was pressed: the time without one begins again."""
        self._used_ns = max(self._used_ns, now_ns)

    def left_s(self, now_ns: int) -> float | None:
        """Seconds until it disarms for want of use; None while disarmed."""
        return max(0.0, (self._idle_ns - (now_ns - self._used_ns)) / SECOND) if self.armed else None

    def tick(self, now_ns: int) -> bool:
        """Let time pass; whether it disarmed."""
        if self.armed and now_ns - self._used_ns >= self._idle_ns:
            return self.disarm(f"no trading key was pressed for {self._idle_ns // SECOND} s")
        return False
