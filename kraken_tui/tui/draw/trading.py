"""The banner of trading, and the two boxes of an order. Pure."""

from __future__ import annotations

from kraken_tui.market.private_views import TradingView
from kraken_tui.tui.draw.mode import span
from kraken_tui.tui.draw.runs import Line, Run, shorten
from kraken_tui.units import SECOND

MEANINGS = {
    "LIVE": "real money",
    "DEMO": "play money",
    "PAPER": "simulated fills, no account",
    "TEST": "only checked, nothing is placed",
}
"""What each mode stands for, in words."""

_RATE_SHOWN = 0.5


def mode_run(mode: str, *, armed: bool) -> Run:
    """The badge of a mode; of real money only while it is armed, it is one of danger."""
    text = f" {'ARMED ' if armed else ''}{mode} "
    if mode == "TEST":
        return f"[{text}]", "!mode"
    return text, "!badge/bad" if armed and mode == "LIVE" else "!badge/warn" if armed else "badge/mode"


def trading_parts(trading: TradingView | None, arm_key: str, *, narrow: bool = False) -> list[Line]:
    """What the last row says of trading; empty where orders cannot be placed.

    Args:
        trading: Its state.
        arm_key: The key that arms.
        narrow: Whether the row is short.
    """
    if trading is None:
        return []
    parts: list[Line] = []
    if trading.armed:
        left = "" if trading.disarms_in_s is None else f" {span(round(trading.disarms_in_s * SECOND))} "
        said = "" if narrow else f" {MEANINGS.get(trading.mode, '')}, {arm_key} disarms "
        parts.append((mode_run(trading.mode, armed=True), (left, "text"), (said, "muted")))
        if trading.reason:
            parts.append(((f" BLOCKED: {shorten(trading.reason, 60)} ", "badge/bad"),))
    else:
        why = shorten(trading.reason, 24 if narrow else 60)
        parts.append((mode_run(trading.mode, armed=False), (f" disarmed: {why}, {arm_key} arms ", "muted")))
    if trading.cancels_after_s is not None:
        parts.append(((f" cancels ALL in {trading.cancels_after_s:.0f} s unless refreshed ", "warn"),))
    limit = trading.rate_limit
    if limit and trading.rate >= _RATE_SHOWN * limit:
        parts.append(((f" rate {trading.rate:.0f} of {limit:.0f} ", "warn"),))
    return parts


def check_line(state: str) -> Run:
    """What the exchange's own check of the order says.

    Args:
        state: "" while it is awaited, "ok", "off" where none is made, else why it was refused.
    """
    if state == "ok":
        return "✓ The exchange has checked it and would accept it.", "ok"
    if state == "off":
        return "The exchange has not checked it.", "muted"
    return (f"✗ {state}", "bad") if state else ("… The exchange is checking it.", "muted")
