"""What is said of an account and its orders: words and marks that several drawings share. Pure, and cheap to import."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from kraken_tui.units import SECOND

if TYPE_CHECKING:
    from kraken_tui.market.private_views import AccountView, Level3View, StreamView, TradingView
    from kraken_tui.tui.draw.runs import Run

PLAY = " PLAY MONEY "
"""Badge of an account that is not one; shown in every block of it."""

_PLAY_SHORT = " PLAY "


def play_badge(account: AccountView, *, short: bool = False) -> tuple[Run, ...]:
    """The badge of play money; empty for a real account."""
    return ((_PLAY_SHORT if short else PLAY, "badge/mode"),) if account.play else ()


def plain(number: Decimal) -> str:
    """A number in its own digits without an exponent, its trailing zeros left out: "0.25", "1,200"."""
    text = f"{number:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def money(number: Decimal, decimals: int = 2) -> str:
    """An amount with so many decimals; one that would read as zero is shown as less than the smallest."""
    # A product of nothing keeps its sign.
    text = f"{number or Decimal(0):,.{decimals}f}"
    if number and not text.strip("-0.,"):
        return f"{'-' if number < 0 else ''}<{Decimal(1).scaleb(-decimals):f}"
    return text


def stream_of(account: AccountView, channel: str) -> StreamView | None:
    """A channel of the account by its name; None before it is known."""
    return next((stream for stream in account.streams if stream.channel == channel), None)


def verified(account: AccountView, channel: str) -> bool:
    """Whether a channel of the account is complete, and the engine answers."""
    stream = stream_of(account, channel)
    return stream is not None and stream.verified and not account.silent_ns


def level3_word(level3: Level3View) -> str:
    """VERIFIED, CHECKING or UNVERIFIED: the proof of the single orders, which is not that of the book."""
    if level3.verified:
        return "VERIFIED"
    # A level 3 book that is fetched again has no levels: nothing is compared yet.
    waiting = not (level3.bids or level3.asks) or not (level3.checks_ok or level3.checks_failed)
    return "CHECKING" if waiting else "UNVERIFIED"


def level3_badge(level3: Level3View, *, short: bool = False) -> tuple[Run, ...]:
    """Proof and age of the single orders, in a badge of their own.

    Args:
        level3: The single orders.
        short: Without the reason.
    """
    word = level3_word(level3)
    glyph, role = {"VERIFIED": ("✓", "ok"), "CHECKING": ("…", "warn")}.get(word, ("✗", "bad"))
    if word == "VERIFIED" and not level3.stale:
        return ((f"L3 {glyph}" if short else f"L3 {glyph} VERIFIED", "ok"),)
    if word == "VERIFIED":
        runs: tuple[Run, ...] = ((" L3 STALE ", "badge/stale"),)
        reason, role = level3.stale_reason, "stale"
    else:
        runs, reason = ((f" L3 {glyph} {word} ", f"badge/{role}"),), level3.reason
    return runs if short or not reason else (*runs, (f" {reason[:34]}", role))


def trading_badge(trading: TradingView, *, short: bool = False) -> tuple[Run, ...]:
    """Whether a key can send an order now, and to what: LIVE, DEMO, PAPER and TEST differ in words.

    Args:
        trading: Of the account.
        short: Without reason and counters.
    """
    if trading.armed:
        role = "bad" if trading.mode == "LIVE" else "warn"
        runs: tuple[Run, ...] = ((f" ! ARMED {trading.mode} ", f"badge/{role}"),)
        if trading.disarms_in_s is not None and not short:
            runs += ((f" {trading.disarms_in_s:.0f} s", role),)
    else:
        runs = ((f"disarmed {trading.mode}", "muted"),)
        if trading.reason and not short:
            runs += ((f": {trading.reason[:40]}", "muted"),)
    if short:
        return runs
    if trading.cancels_after_s is not None:
        runs += ((f" cancels all in {trading.cancels_after_s:.0f} s", "warn"),)
    if trading.rate_limit:
        hot = trading.rate >= 0.8 * trading.rate_limit
        text = f" rate {trading.rate:.0f}/{trading.rate_limit:.0f}"
        runs += ((text + (" !" if hot else ""), "warn" if hot else "muted"),)
    return runs


def trust_note(account: AccountView, channel: str) -> tuple[str, str]:
    """Note of a block's title and its role: whether it is verified, its sequence and its age."""
    stream = stream_of(account, channel)
    if account.silent_ns:
        return f"? not verified: engine silent {account.silent_ns // SECOND} s", "bad"
    if stream is None:
        return "… waiting", "warn"
    sequence = "" if stream.sequence is None else f", seq {stream.sequence:,}"
    age = "" if stream.age_ns is None else f", {_age(stream.age_ns)}"
    if stream.verified:
        return f"✓ verified{sequence}{age}", "muted"
    reason = f": {stream.reason}" if stream.reason else ""
    return f"? not verified{reason}{sequence}{age}", "warn"


def _age(ns: int) -> str:
    from kraken_tui.tui.draw.format import duration

    return duration(ns)
