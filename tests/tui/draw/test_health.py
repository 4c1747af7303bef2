"""Market health."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from kraken_tui.market.events import Health, MarketStatus
from kraken_tui.market.views import LatencyView, RecordingView
from kraken_tui.tui.draw.health import draw_health, histogram_rows
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import printed, to_ascii
from tests.tui import samples as common
from tests.tui.samples_charts import check_styles, picture, text_of

SMALL = (32, 14)


def rows_of(sample: Picture, width: int = 32, height: int = 14) -> str:
    return "\n".join(text_of(draw_health(sample, width, height)))


def test_all_figures_fit_the_smallest_pane() -> None:
    lines = draw_health(picture(), *SMALL)
    check_styles(lines)
    rows = text_of(lines)
    assert len(rows) <= 14
    assert all(len(row) <= 32 for row in rows)
    text = "\n".join(rows)
    for figure in (
        "● ACTIVE  book 0.2 s ago",
        "● SUBSCRIBED  all books live",
        "book      0.2 s ago  41/s",
        "trades    0.4 s ago  3/s",
        "heartbeat 0.6 s ago",
        "latency   12 / 41 / 88 ms  5 min",
        "checksums 12,403 ok  0 failed",
        "resyncs   0  reconnects 0",
        "queue     0/4,096  dropped 0",
        "messages  44/s  12,403 total",
        "invalid   0  frames",
        "clock     +3 ms  ping 21 ms",
    ):
        assert figure in text


@pytest.mark.parametrize(
    ("status", "glyph"),
    [
        (MarketStatus.ACTIVE, "●"),
        (MarketStatus.STALE, "◐"),
        (MarketStatus.HALTED, "■"),
        (MarketStatus.UNKNOWN, "○"),
    ],
)
def test_status_has_its_own_glyph_and_reason(status: MarketStatus, glyph: str) -> None:
    view = replace(common.pair(), health=Health("BTC/USD", status, "why", 1))
    assert f"{glyph} {status.value.upper()}  why" in rows_of(picture(view))


def test_a_long_reason_for_trouble_gets_its_own_row() -> None:
    view = replace(common.pair(), health=Health("BTC/USD", MarketStatus.HALTED, "exchange in maintenance mode", None))
    rows = rows_of(picture(view)).splitlines()
    assert rows[1] == "■ HALTED"
    assert rows[2].strip() == "exchange in maintenance mode"


def test_lost_connection_says_cause_and_countdown() -> None:
    text = rows_of(picture(feed=common.reconnecting()))
    assert "○ DISCONNECTED" in text
    assert "no message for 10 s" in text
    assert "retry in  4.2 s  attempt 3" in text
    lines = draw_health(picture(feed=common.reconnecting()), *SMALL)
    beat = next(line for line in lines if line[0][0].startswith("heartbeat"))
    assert beat[1] == ("12 s ago", "!bad")


def test_fatal_sentence_is_shown() -> None:
    text = rows_of(picture(feed=common.feed(state="CLOSED", fatal="no such pair")))
    assert "✗ no such pair" in text


def test_trouble_is_marked() -> None:
    feed = common.feed(checks_failed=2, resyncs=1, dropped=3, invalid=4, queue=4000)
    marked = {
        text for line in draw_health(picture(feed=feed), *SMALL) for text, key in line if key[:5] in ("!warn", "!bad")
    }
    assert marked == {"2", "1", "3", "4", "4,000/4,096"}
    quiet = draw_health(picture(), *SMALL)
    assert not any(key in ("!warn", "!bad") for line in quiet for _, key in line)


def test_stale_book_age_is_marked() -> None:
    lines = draw_health(picture(common.stale()), *SMALL)
    book = next(line for line in lines if line[0][0].startswith("book"))
    assert book[1][1] == "!stale"


def test_nothing_known_yet() -> None:
    feed = common.feed(latency=LatencyView(), heartbeat_age_ns=None)
    text = "\n".join(text_of(draw_health(Picture(None, feed), *SMALL)))
    assert "○ UNKNOWN  no data yet" in text
    assert "latency   none yet" in text
    assert "clock     not measured yet" in text


def test_recorder_and_replay() -> None:
    assert "● 12.4 MB  60,000 frames" in rows_of(picture(feed=common.recording()), 40, 20)
    assert "● 12.4 MB" in rows_of(picture(feed=common.recording()))
    assert "60,000" not in rows_of(picture(feed=common.recording()))
    broken = common.feed(recording=RecordingView("x", 1, 1, "disk full"))
    assert "recorder  ✗ disk full" in rows_of(picture(feed=broken))
    behind = RecordingView("x", 1, 1, waiting=9_000, waiting_bytes=2_000_000, warning="7 frames lost")
    text = rows_of(picture(feed=common.feed(recording=behind)), 50, 20)
    assert "! 7 frames lost" in text
    assert "9,000 frames waiting (2.0 MB)" in text
    assert "wait" not in rows_of(picture(feed=common.feed(recording=RecordingView("x", 1, 1, waiting=9))), 50, 20)


def test_a_replay_is_a_mode_and_its_end_no_fault() -> None:
    playing = common.replaying()
    assert playing.replay is not None
    ended = replace(
        playing, state="CLOSED", cause="end of the recording", replay=replace(playing.replay, finished=True)
    )
    for feed, word in ((playing, "REPLAY x2"), (common.replaying(paused=True), "PAUSED"), (ended, "END")):
        lines = draw_health(picture(feed=feed), 40, 20)
        text = "\n".join(text_of(lines))
        assert f"{word}  btc.jsonl.zst" in text
        assert "position  01:15 / 10:00" in text
        assert not any(words in text for words in ("CLOSED", "SUBSCRIBED", "end of the recording"))
        assert not {key.lstrip("!") for line in lines for _, key in line} & {"warn", "bad", "stale"}


def test_larger_panes_add_details() -> None:
    sample = picture(feed=common.feed(ignored=(("status", 3), ("book.extra", 1))))
    for width, height in ((50, 37), (80, 17)):
        lines = draw_health(sample, width, height)
        assert all(len(row) <= width for row in text_of(lines))
        text = "\n".join(text_of(lines))
        for part in ("VERIFIED", "wss://ws.kraken.com/v2", "feed latency", "6,000"):
            assert part in text, (width, part)
        assert "ignored" not in text
        assert "book.extra" not in text


def test_histogram_bars_are_in_proportion() -> None:
    latency = LatencyView(histogram=((1.0, 0), (2.0, 5), (5.0, 10), (10.0, 0)))
    rows = text_of(histogram_rows(latency, 58))
    assert len(rows) == 3
    assert rows[1].count("█") == 20
    assert rows[2].count("█") == 40
    assert histogram_rows(LatencyView(), 58) == []


def test_text_of_the_exchange_is_read_as_it_is() -> None:
    text = rows_of(picture(feed=common.feed(cause="停止 now")))
    assert "停止 now" in printed(text)


def test_a_larger_pane_shows_what_stands_behind_the_book() -> None:
    text = rows_of(picture(common.pair()), 100, 30)
    assert "audit     3 m ago, 100 levels" in text
    assert "ticker    agrees" in text
    assert "missed    0 trades, by their numbers" in text
    view = replace(common.pair(), audited_ns=None, witness="differs", trade_gaps=7)
    text = rows_of(picture(view), 100, 30)
    assert "audit     not yet; top 10 proven" in text
    assert "ticker    differs" in text
    assert "missed    7 trades" in text
    assert "audit     all 10 levels in the checksum" in rows_of(picture(replace(view, depth=10)), 100, 30)
    check_styles(draw_health(picture(view), 100, 30))


def test_the_last_thousandth_of_the_latency_has_a_row_where_there_is_room() -> None:
    latency = replace(common.feed().latency, p999=61.5)
    sample = picture(feed=common.feed(latency=latency))
    assert "p99.9     62 ms  latency, 5 min" in rows_of(sample, 100, 30)


def test_every_character_has_one_in_ascii() -> None:
    for feed in (common.replaying(), common.reconnecting(), common.recording()):
        text = "".join(text_of(to_ascii(draw_health(picture(ascii_only=True, feed=feed), 80, 30))))
        assert text.isascii()
        assert "?" not in text


def test_few_rows_hold_what_tells_most() -> None:
    rows = text_of(draw_health(picture(), 38, 6))
    assert [row.split()[0] for row in rows[1:]] == ["●", "●", "engine", "latency", "checksums"]
    assert len(draw_health(picture(), 38, 5)) == 5


def test_what_is_wrong_is_never_left_out_before_what_is_in_order() -> None:
    text = rows_of(picture(feed=common.feed(dropped=3, checks_failed=2)), 38, 5)
    assert "dropped 3" in text
    assert "2 failed" in text
    # Two columns of a small screen too.
    text = rows_of(picture(feed=common.feed(dropped=3)), 80, 8)
    assert "dropped 3" in text
    assert "VERIFIED" in text


def test_a_queue_is_named_only_where_somebody_listens() -> None:
    assert "queue" not in rows_of(picture(feed=common.feed(queue=0, queue_limit=0, dropped=0)), 38, 30)
    assert "dropped 3" in rows_of(picture(feed=common.feed(queue=0, queue_limit=0, dropped=3)), 38, 30)
