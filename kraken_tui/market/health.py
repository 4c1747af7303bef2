"""Market health and the three truths in words, each with its reason in one short clause."""

from __future__ import annotations

from dataclasses import dataclass

from kraken_tui.market.events import BookState, MarketStatus, Proof
from kraken_tui.units import SECOND

_NO_MATCHING = {
    "maintenance": "MAINTENANCE",
    "cancel_only": "CANCEL-ONLY",
    "post_only": "POST-ONLY",
    "delisted": "DELISTED",
    "work_in_progress": "WORK-IN-PROGRESS",
}
_MATCHING = {"online": "ONLINE", "limit_only": "LIMIT-ONLY", "reduce_only": "REDUCE-ONLY"}
_SYSTEM_STATES = ("online", "maintenance", "cancel_only", "post_only")

_WAITING = {
    BookState.REFUSED: "subscription refused",
    BookState.WAIT_ACK: "waiting for the subscription",
    BookState.WAIT_SNAPSHOT: "waiting for the snapshot",
    BookState.RESYNCING: "resyncing",
    BookState.QUARANTINED: "quarantined after repeated failures",
    BookState.LIVE: "waiting for the book",
}


def venue_text(system: str, pair: str | None, *, connected: bool = True) -> str:
    """The third truth: what the venue says about itself and the pair.

    Args:
        system: Status of the trading engine: "online", "maintenance", "cancel_only" or "post_only"; anything else
            is unknown (PROTOCOL.md section 2.1).
        pair: Status of the pair from the instrument channel (section 6), or None while unknown.
        connected: Whether a change of status would reach us. Without a connection "online" is out of date; any other
            status is kept, since it may be why the connection was lost.

    Returns:
        "ONLINE", or the restriction, the engine's before the pair's; "UNKNOWN" if either is unknown.
    """
    if system in _SYSTEM_STATES and system != "online":
        return _NO_MATCHING[system]
    pair_text = _NO_MATCHING.get(pair or "") or _MATCHING.get(pair or "")
    if pair_text is not None and pair_text != "ONLINE":
        return pair_text
    return "ONLINE" if connected and system == "online" and pair_text else "UNKNOWN"


def seconds_text(ns: int) -> str:
    """An age for a sentence: "0.4 s", "75 s"."""
    return f"{ns / SECOND:.1f} s" if ns < 10 * SECOND else f"{ns // SECOND} s"


def long_time(ns: int) -> str:
    """A long time for a sentence: "12.0 s", "7 min 30 s", "7 h 59 min"."""
    seconds = abs(ns) / SECOND
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes = int(seconds) // 60
    if minutes < 60:
        return f"{minutes} min {int(seconds) % 60} s"
    return f"{minutes // 60:,} h {minutes % 60} min"


@dataclass(frozen=True, slots=True)
class HealthLimits:
    """When something counts as stale, ns.

    Attributes:
        stale_ns: Silence of all frames, or lag of the last one plus the silence since.
        quiet_ns: No book change, heartbeats or not.
    """

    stale_ns: int
    quiet_ns: int

    @classmethod
    def from_seconds(cls, stale_after_s: float, quiet_after_s: float) -> HealthLimits:
        """From the settings of the same names."""
        return cls(round(stale_after_s * SECOND), round(quiet_after_s * SECOND))


@dataclass(frozen=True, slots=True)
class Inputs:
    """What health is judged from, at one moment.

    Attributes:
        connected: Whether frames can arrive at all.
        heartbeat_age_ns: Since the last frame of any kind; None before the first.
        lag_ns: Receive time minus venue time of the last live frame, clock offset removed; None while unknown.
        book_age_ns: Since the last book change by the venue's clock; None before the first.
        book_state: Between subscribe and live.
        proof: First truth.
        proof_reason: Why the book is not VERIFIED.
        system, pair: As for `venue_text`.
    """

    connected: bool
    heartbeat_age_ns: int | None
    lag_ns: int | None
    book_age_ns: int | None
    book_state: BookState
    proof: Proof
    proof_reason: str
    system: str
    pair: str | None


@dataclass(frozen=True, slots=True)
class Assessment:
    """Health at one moment.

    Attributes:
        status: In one word.
        kind: Which rule decided; changes only when the reason changes in kind, not with every second of an age.
        reason: One short clause.
        stale_reason: Why the book's age cannot be trusted (second truth), independent of `status`; "" when fresh.
    """

    status: MarketStatus
    kind: str
    reason: str
    stale_reason: str

    @property
    def stale(self) -> bool:
        """The second truth."""
        return bool(self.stale_reason)


def assess(inputs: Inputs, limits: HealthLimits) -> Assessment:
    """Judge one market.

    In this order: without fresh frames nothing else is known (STALE, or UNKNOWN before the first book); a venue
    that does not match orders is HALTED; a book that is missing or unproven is UNKNOWN; a book without change for
    very long is STALE although heartbeats arrive; anything else is ACTIVE. A quiet book is not a dead feed:
    liveness is judged by frames of any kind, heartbeats included (PROTOCOL.md section 0, rule 7).
    """
    kind, late = _feed_trouble(inputs, limits)
    if late:
        status = MarketStatus.UNKNOWN if inputs.book_age_ns is None else MarketStatus.STALE
        return Assessment(status, kind, late, late)
    venue = venue_text(inputs.system, inputs.pair)
    if venue in _NO_MATCHING.values():
        return Assessment(MarketStatus.HALTED, f"venue {venue}", f"venue is {venue}, no matching", "")
    quiet = _quiet(inputs, limits)
    if inputs.book_age_ns is None:
        waiting = _WAITING[inputs.book_state]
        return Assessment(MarketStatus.UNKNOWN, waiting, waiting, "")
    if inputs.proof is not Proof.VERIFIED:
        why = inputs.proof_reason or _WAITING[inputs.book_state]
        return Assessment(MarketStatus.UNKNOWN, f"unproven {why}", f"book not proven: {why}", quiet)
    if quiet:
        return Assessment(MarketStatus.STALE, "quiet", quiet, quiet)
    reason = f"book {seconds_text(inputs.book_age_ns)} old"
    if venue not in ("ONLINE", "UNKNOWN"):
        reason = f"venue is {venue}"
    return Assessment(MarketStatus.ACTIVE, f"active {venue}", reason, "")


def _feed_trouble(inputs: Inputs, limits: HealthLimits) -> tuple[str, str]:
    """(kind, clause) when frames are missing or late; two empty strings when they are fine."""
    if not inputs.connected:
        return "not connected", "not connected"
    if inputs.heartbeat_age_ns is None:
        return "no frames", "no frames yet"
    if inputs.heartbeat_age_ns > limits.stale_ns:
        return "silent", f"no frames for {seconds_text(inputs.heartbeat_age_ns)}"
    # What was late on arrival has aged further in the silence since.
    behind = 0 if inputs.lag_ns is None else inputs.lag_ns + inputs.heartbeat_age_ns
    if behind > limits.stale_ns:
        return "behind", f"feed is {seconds_text(behind)} behind"
    return "", ""


def _quiet(inputs: Inputs, limits: HealthLimits) -> str:
    age = inputs.book_age_ns
    if age is None or age <= limits.quiet_ns:
        return ""
    return f"no book change for {seconds_text(age)}, heartbeats arrive"
