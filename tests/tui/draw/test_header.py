"""The header: market, and the three truths."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from kraken_tui.market.views import FeedView, PairView, RecordingView, Ticker
from kraken_tui.tui.draw.header import draw_header
from kraken_tui.tui.draw.picture import Picture
from tests.tui import samples
from tests.tui.pane_app import texts


def drawn(view: PairView | None, width: int = 160, height: int = 2, feed: FeedView | None = None) -> list[str]:
    return texts(draw_header(Picture(view, feed or samples.feed()), width, height))


def roles(view: PairView, word: str, height: int = 2) -> list[str]:
    lines = draw_header(Picture(view, samples.feed()), 160, height)
    return [key for line in lines for text, key in line if word in text]


def test_the_market_row() -> None:
    row = drawn(samples.pair())[0]
    for field in (
        "64,250.1 ▲",
        "+1.24 % 24h",
        "high 64,963.8",
        "low 63,102.7",
        "vol 1,204",
        "vwap 64,012.1",
        "spread 0.1 = 0.02 bps",
        "micro 64,250.05",
        "last trade 0.4 s",
    ):
        assert field in row


def test_the_truth_row() -> None:
    row = drawn(samples.pair(), feed=samples.recording())[1]
    for field in (
        "✓ VERIFIED",
        "12,403 ok · 0 failed",
        "age 0.2 s",
        "venue ONLINE",
        "book  41/s",
        "trades   3/s",
        "depth 100",
    ):
        assert field in row
    assert row.rstrip().endswith("● REC  12.4 MB")


@pytest.mark.parametrize(("direction", "glyph", "role"), [(1, "▲", "!up"), (-1, "▼", "!down"), (0, "·", "!text")])
def test_direction_has_a_glyph_and_a_colour(direction: int, glyph: str, role: str) -> None:
    view = replace(samples.pair(), last_direction=direction)
    assert roles(view, f"64,250.1 {glyph}") == [role]


@pytest.mark.parametrize(
    ("view", "word", "role"),
    [
        (samples.pair(), "✓ VERIFIED", "ok"),
        (samples.checking(), " … CHECKING ", "badge/warn"),
        (samples.unverified(), " ✗ UNVERIFIED ", "badge/bad"),
        (samples.unverified(), "checksum failed, resyncing", "bad"),
        (samples.unverified(), "1 failed", "bad"),
        (samples.stale(), " STALE 75 s ", "badge/stale"),
        (samples.stale(), "no message for 12 s", "stale"),
        (samples.pair(), "ONLINE", "ok"),
        (replace(samples.pair(), venue="CANCEL-ONLY"), " ! CANCEL-ONLY ", "badge/warn"),
        (samples.waiting(), "UNKNOWN", "warn"),
        (samples.crossed(), " ✗ CROSSED ", "badge/bad"),
    ],
)
def test_badges_are_words_first(view: PairView, word: str, role: str) -> None:
    assert roles(view, word) == [role]


def test_the_three_truths_survive_every_width_and_state() -> None:
    views = {
        "VERIFIED": samples.pair(),
        "UNVERIFIED": samples.unverified(),
        "STALE": samples.stale(),
        "CHECKING": samples.checking(),
        "CANCEL-ONLY": replace(samples.stale(), venue="CANCEL-ONLY", proof=samples.Proof.CHECKING),
    }
    for width in (60, 80, 100, 120, 160, 220):
        for height in (1, 2):
            for word, view in views.items():
                text = "\n".join(drawn(view, width, height, samples.recording()))
                assert word in text, (width, height)
                assert ("STALE" in text) == view.stale
                assert (" age " in text) != view.stale
                assert ("ONLINE" in text) == (view.venue == "ONLINE")


@pytest.mark.parametrize("symbol", ["BTC/USD", "PEPE/USD", "DOGE/USD", "ETH/BTC"])
def test_fields_are_left_out_whole(symbol: str) -> None:
    view = samples.pair(symbol)
    whole = drawn(view, 300)[0].split("   ")
    whole = [field.strip() for field in whole if field.strip()]
    for width in range(60, 200, 7):
        row = drawn(view, width)[0]
        assert len(row) <= width
        assert {field.strip() for field in row.split("   ") if field.strip()} <= set(whole)


def test_one_row_for_small_screens() -> None:
    (row,) = drawn(samples.pair(), 80, 1)
    for field in ("BTC/USD", "64,250.1 ▲", "+1.24 %", "✓ VERIFIED", "age 0.2 s", "ONLINE"):
        assert field in row


def test_the_numbers_of_an_unproven_book_are_not_shown() -> None:
    row = drawn(samples.unverified())[0]
    assert "spread –" in row
    assert "micro –" in row


def test_nothing_is_invented_before_the_first_message() -> None:
    text = "".join(drawn(samples.waiting()))
    assert "high   –" in text
    assert "age     –" in text
    assert drawn(None) == [" waiting for the pair"]
    assert "24h –" in "".join(drawn(replace(samples.pair(), ticker=Ticker())))


def test_a_failed_recorder_says_why() -> None:
    feed = samples.feed(recording=RecordingView("x", 5, 1, "disk full"))
    for height in (1, 2):
        assert "✗ REC stopped: disk full" in "\n".join(drawn(samples.pair(), 120, height, feed))


def test_a_recorder_that_goes_on_with_a_loss_or_behind_says_so() -> None:
    feed = samples.feed(recording=RecordingView("x", 5_000_000, 1, warning="the disk does not answer since 4 s"))
    for height in (1, 2):
        assert "● REC   5.0 MB !" in (text := "\n".join(drawn(samples.pair(), 120, height, feed)))
        assert "the disk does not answer since 4 s" in text
    assert "● REC !" in "\n".join(drawn(samples.pair(), 70, 2, feed))


def test_fields_do_not_move_with_their_digits() -> None:
    view = samples.pair()
    other = replace(
        view, age_ns=9_000_000_000, book_rate=3.0, trade_rate=112.0, last=642_999,
        last_trade_ns=view.now_ns - 75_000_000_000, ticker=replace(view.ticker, change_pct="-11.24"),
    )  # fmt: skip
    for one, two in zip(drawn(view), drawn(other), strict=True):
        for word in ("high", "vwap", "spread", "last trade", "venue", "book", "trades", "depth"):
            assert one.find(word) == two.find(word)


def test_precisions_from_a_recording_are_marked() -> None:
    view = samples.pair()
    assert view.spec is not None
    assert "precisions assumed" in drawn(replace(view, spec=replace(view.spec, assumed=True)))[1]


@pytest.mark.parametrize(("width", "height"), [(80, 1), (80, 2), (120, 2), (220, 2)])
def test_a_tokenised_asset_is_called_one(width: int, height: int) -> None:
    """C13: AAPLx/USD is not the share itself."""
    view = samples.pair()
    assert view.spec is not None
    assert "tokenised" not in "".join(drawn(view, width, height))
    token = replace(view, spec=replace(view.spec, tokenised=True))
    assert "tokenised" in "".join(drawn(token, width, height))
