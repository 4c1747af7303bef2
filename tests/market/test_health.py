from dataclasses import replace

import pytest

from kraken_tui.market.events import BookState, MarketStatus, Proof
from kraken_tui.market.health import HealthLimits, Inputs, assess, seconds_text, venue_text

SECOND = 1_000_000_000
LIMITS = HealthLimits.from_seconds(5.0, 60.0)
FINE = Inputs(
    connected=True,
    heartbeat_age_ns=SECOND // 2,
    lag_ns=12_000_000,
    book_age_ns=SECOND // 5,
    book_state=BookState.LIVE,
    proof=Proof.VERIFIED,
    proof_reason="",
    system="online",
    pair="online",
)


@pytest.mark.parametrize(
    ("changes", "status", "reason", "stale"),
    [
        ({}, MarketStatus.ACTIVE, "book 0.2 s old", False),
        ({"book_age_ns": 25 * SECOND, "heartbeat_age_ns": SECOND}, MarketStatus.ACTIVE, "book 25 s old", False),
        ({"book_age_ns": 60 * SECOND}, MarketStatus.ACTIVE, "book 60 s old", False),
        ({"book_age_ns": 75 * SECOND}, MarketStatus.STALE, "no book change for 75 s, heartbeats arrive", True),
        ({"heartbeat_age_ns": 5 * SECOND, "lag_ns": 0}, MarketStatus.ACTIVE, "book 0.2 s old", False),
        ({"heartbeat_age_ns": 4 * SECOND, "lag_ns": SECOND}, MarketStatus.ACTIVE, "book 0.2 s old", False),
        ({"heartbeat_age_ns": 4 * SECOND, "lag_ns": 2 * SECOND}, MarketStatus.STALE, "feed is 6.0 s behind", True),
        ({"heartbeat_age_ns": 6 * SECOND}, MarketStatus.STALE, "no frames for 6.0 s", True),
        ({"heartbeat_age_ns": 8 * 3600 * SECOND}, MarketStatus.STALE, "no frames for 28800 s", True),
        ({"lag_ns": 26 * SECOND}, MarketStatus.STALE, "feed is 26 s behind", True),
        ({"lag_ns": -26 * SECOND}, MarketStatus.ACTIVE, "book 0.2 s old", False),
        ({"lag_ns": None}, MarketStatus.ACTIVE, "book 0.2 s old", False),
        ({"connected": False}, MarketStatus.STALE, "not connected", True),
        ({"connected": False, "book_age_ns": None}, MarketStatus.UNKNOWN, "not connected", True),
        ({"heartbeat_age_ns": None, "book_age_ns": None}, MarketStatus.UNKNOWN, "no frames yet", True),
        ({"system": "maintenance"}, MarketStatus.HALTED, "venue is MAINTENANCE, no matching", False),
        ({"system": "cancel_only"}, MarketStatus.HALTED, "venue is CANCEL-ONLY, no matching", False),
        (
            {"system": "post_only", "book_age_ns": 90 * SECOND},
            MarketStatus.HALTED,
            "venue is POST-ONLY, no matching",
            False,
        ),
        ({"system": "maintenance", "connected": False}, MarketStatus.STALE, "not connected", True),
        ({"pair": "cancel_only"}, MarketStatus.HALTED, "venue is CANCEL-ONLY, no matching", False),
        ({"pair": "delisted"}, MarketStatus.HALTED, "venue is DELISTED, no matching", False),
        ({"pair": "limit_only"}, MarketStatus.ACTIVE, "venue is LIMIT-ONLY", False),
        ({"pair": "reduce_only"}, MarketStatus.ACTIVE, "venue is REDUCE-ONLY", False),
        ({"pair": "brand_new_status"}, MarketStatus.ACTIVE, "book 0.2 s old", False),
        (
            {"proof": Proof.UNVERIFIED, "proof_reason": "checksum differs"},
            MarketStatus.UNKNOWN,
            "book not proven: checksum differs",
            False,
        ),
        (
            {"proof": Proof.CHECKING, "book_state": BookState.RESYNCING},
            MarketStatus.UNKNOWN,
            "book not proven: resyncing",
            False,
        ),
        (
            {"proof": Proof.CHECKING, "book_age_ns": 75 * SECOND},
            MarketStatus.UNKNOWN,
            "book not proven: waiting for the book",
            True,
        ),
        (
            {"book_age_ns": None, "book_state": BookState.REFUSED, "proof": Proof.UNVERIFIED},
            MarketStatus.UNKNOWN,
            "subscription refused",
            False,
        ),
        (
            {"book_age_ns": None, "book_state": BookState.WAIT_SNAPSHOT, "proof": Proof.CHECKING},
            MarketStatus.UNKNOWN,
            "waiting for the snapshot",
            False,
        ),
    ],
)
def test_rules(changes: dict[str, object], status: MarketStatus, reason: str, stale: bool) -> None:
    judged = assess(replace(FINE, **changes), LIMITS)  # type: ignore[arg-type]
    assert (judged.status, judged.reason, judged.stale) == (status, reason, stale)


def test_the_kind_does_not_tick_with_the_seconds() -> None:
    for first, second in ((1, 2), (70, 80)):
        kinds = {assess(replace(FINE, book_age_ns=age * SECOND), LIMITS).kind for age in (first, second)}
        assert len(kinds) == 1


@pytest.mark.parametrize("state", list(BookState))
def test_every_book_state_has_words(state: BookState) -> None:
    judged = assess(replace(FINE, book_state=state, book_age_ns=None), LIMITS)
    assert judged.status is MarketStatus.UNKNOWN
    assert judged.reason


@pytest.mark.parametrize(
    ("system", "pair", "text"),
    [
        ("online", "online", "ONLINE"),
        ("online", None, "UNKNOWN"),
        ("unknown", "online", "UNKNOWN"),
        ("", None, "UNKNOWN"),
        ("on\x1bline", "online", "UNKNOWN"),
        ("online", "brand_new_status", "UNKNOWN"),
        ("maintenance", "online", "MAINTENANCE"),
        ("maintenance", "post_only", "MAINTENANCE"),
        ("limit_only", "online", "UNKNOWN"),
        ("online", "post_only", "POST-ONLY"),
        ("unknown", "cancel_only", "CANCEL-ONLY"),
        ("online", "limit_only", "LIMIT-ONLY"),
        ("online", "reduce_only", "REDUCE-ONLY"),
        ("online", "delisted", "DELISTED"),
        ("online", "work_in_progress", "WORK-IN-PROGRESS"),
        ("online", "maintenance", "MAINTENANCE"),
    ],
)
def test_venue(system: str, pair: str | None, text: str) -> None:
    assert venue_text(system, pair) == text


def test_without_a_connection_an_open_venue_is_not_known_to_be_open() -> None:
    assert venue_text("online", "online", connected=False) == "UNKNOWN"
    assert venue_text("maintenance", "online", connected=False) == "MAINTENANCE"
    assert venue_text("online", "cancel_only", connected=False) == "CANCEL-ONLY"


def test_ages_in_words() -> None:
    assert [seconds_text(ns) for ns in (0, SECOND // 4, 9 * SECOND, 10 * SECOND, 75 * SECOND + 9)] == [
        "0.0 s",
        "0.2 s",
        "9.0 s",
        "10 s",
        "75 s",
    ]
