from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_tui.errors import InvalidMessage
from kraken_tui.wire import timestamps
from kraken_tui.wire.timestamps import format_timestamp, parse_timestamp

LATEST_NS = 253_402_300_799_999_999_999


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2023-10-06T17:35:55.440295Z", 1_696_613_755_440_295_000),
        ("2024-01-08T12:18:05.770906486Z", 1_704_716_285_770_906_486),
        ("2024-02-29T23:59:59.5Z", 1_709_251_199_500_000_000),
        ("2016-12-31T23:59:60Z", 1_483_228_800_000_000_000),
        ("2023-10-06T17:35:55+00:00", 1_696_613_755_000_000_000),
    ],
)
def test_worked_examples(text: str, ns: int) -> None:
    assert parse_timestamp(text) == ns


@given(st.integers(0, LATEST_NS))
def test_round_trip(ns: int) -> None:
    assert parse_timestamp(format_timestamp(ns, 9)) == ns


@given(st.integers(0, LATEST_NS), st.integers(0, 9))
def test_shorter_forms_cut(ns: int, digits: int) -> None:
    unit = 10 ** (9 - digits)
    assert parse_timestamp(format_timestamp(ns, digits)) == ns // unit * unit


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(9999, 12, 31)))
def test_agrees_with_datetime(moment: datetime) -> None:
    expected = (moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000
    assert parse_timestamp(moment.isoformat(timespec="microseconds") + "Z") == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2023-10-06",
        "2023-10-06 17:35:55Z",
        "2023-10-06T17:35:55",
        "2023-10-06T17:35:55.Z",
        "2023-10-06T17:35:55.1234567890Z",
        "2023-13-06T17:35:55Z",
        "2023-02-29T17:35:55Z",
        "2023-10-06T25:35:55Z",
        "2023-10-06T17:35:55+02:00",
        "2023-10-06T17:35:55Z\n",
        "２023-10-06T17:35:55Z",
        "0000-10-06T17:35:55Z",
        "2023-10-06T17:35:61Z",
        "2023-10-06T17:35:99Z",
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(InvalidMessage, match="not a timestamp"):
        parse_timestamp(text)


@given(st.text("0123456789aZ:.-T٣", min_size=9, max_size=9))
def test_a_known_minute_changes_nothing_about_what_is_accepted(tail: str) -> None:
    """The quick way for frames of the same minute accepts exactly what the full one does."""
    from kraken_tui.wire.timestamps import _parse

    parse_timestamp("2026-01-01T00:00:00.000000Z")
    text = f"2026-01-01T00:00:{tail[:2]}.{tail[2:8]}Z"
    try:
        expected: int | None = _parse(text)
    except InvalidMessage:
        expected = None
    try:
        seen: int | None = parse_timestamp(text)
    except InvalidMessage:
        seen = None
    assert seen == expected


def test_unless_told_otherwise_microseconds_are_written() -> None:
    assert format_timestamp(1_700_000_000_123_456_789) == "2023-11-14T22:13:20.123456Z"


def test_nanoseconds_are_read_alike_with_and_without_a_known_minute() -> None:
    text = "2026-01-05T10:07:59.123456789Z"
    assert parse_timestamp(text) == parse_timestamp(text) == parse_timestamp("2026-01-05T10:07:59.123456Z") + 789
    for bad in ("2026-01-05T10:07:61.123456789Z", "2026-01-05T10:07:59.12345678xZ", "2026-01-05T10:07:59.12345678٣Z"):
        with pytest.raises(InvalidMessage):
            parse_timestamp(bad)


KNOWN = "2026-01-05T10:07:"
KNOWN_NS = 1_767_607_620 * 10**9


def test_the_times_of_a_known_minute_are_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    parse_timestamp(f"{KNOWN}00Z")

    def parse(text: str) -> int:
        raise AssertionError(f"parsed again: {text}")

    monkeypatch.setattr(timestamps, "_parse", parse)
    for second in (0, 1, 9, 10, 58, 59):
        for micros in (0, 1, 999_999, 123_456):
            at = KNOWN_NS + second * 10**9 + micros * 1000
            assert parse_timestamp(f"{KNOWN}{second:02}.{micros:06}Z") == at
            assert parse_timestamp(f"{KNOWN}{second:02}.{micros:06}789Z") == at + 789


@pytest.mark.parametrize("digits", ["123456", "123456789"])
@pytest.mark.parametrize("text", ["59.{}z", "59.{}0", "59:{}Z", "5:.{}Z", "61.{}Z", "99.{}Z", "59.Z{}", "5.9{}Z"])
def test_what_is_no_time_is_refused_in_a_known_minute_too(text: str, digits: str) -> None:
    parse_timestamp(f"{KNOWN}00Z")
    with pytest.raises(InvalidMessage):
        parse_timestamp(KNOWN + text.format(digits))


def test_a_leap_second_of_a_known_minute_begins_the_next() -> None:
    parse_timestamp(f"{KNOWN}00Z")
    for text in (f"{KNOWN}60.000000Z", f"{KNOWN}60.000000000Z"):
        assert parse_timestamp(text) == KNOWN_NS + 60 * 10**9


def test_256_minutes_are_remembered() -> None:
    timestamps._minutes.clear()
    sizes = []
    for number in range(600):
        parse_timestamp(f"2026-01-05T{number // 60:02}:{number % 60:02}:00Z")
        sizes.append(len(timestamps._minutes))
    assert sizes == [number % 256 + 1 for number in range(600)]
