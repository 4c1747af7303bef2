"""The log pane."""

from __future__ import annotations

from msgspec.structs import replace

from kraken_tui.market.views import LogLine
from kraken_tui.tui.panes.log import LogPane, draw_log
from tests.tui import samples as common
from tests.tui.samples_charts import LOG, LONG, check_styles, frame, text_of


def lines_of(count: int) -> tuple[LogLine, ...]:
    return tuple(LogLine(common.NOW + index * common.SECOND, "info", f"line {index}") for index in range(count))


def test_newest_at_the_bottom_with_level_and_utc_time() -> None:
    lines = draw_log(LOG, 0, 80, 20)
    check_styles(lines)
    rows = text_of(lines)
    assert rows[1].startswith("· 14:01:40 connected")
    assert rows[-1].startswith("✗ 14:02:58 recording stopped")
    assert any(row.startswith("! 14:02:40 BTC/USD: checksum failed") for row in rows)


def test_long_reasons_are_wrapped_whole() -> None:
    rows = text_of(draw_log(LOG[2:3], 0, 50, 20))[1:]
    assert " ".join(row[11:].strip() for row in rows) == LONG
    assert all(len(row) <= 50 for row in rows)
    assert all(row.startswith(" " * 11) for row in rows[1:])


def test_endless_text_is_cut_with_an_ellipsis() -> None:
    rows = text_of(draw_log((LogLine(0, "info", "word " * 400),), 0, 40, 30))[1:]
    assert len(rows) == 6
    assert rows[-1].endswith("…")


def test_only_the_newest_rows_fit() -> None:
    rows = text_of(draw_log(lines_of(50), 0, 40, 5))
    assert [row.split()[-1] for row in rows[1:]] == ["46", "47", "48", "49"]
    assert len(draw_log(lines_of(50), 0, 40, 1)) == 1


def test_scrolled_back() -> None:
    rows = text_of(draw_log(lines_of(50), 10, 40, 5))
    assert "10 newer below" in rows[0]
    assert rows[-1].endswith("line 39")


def test_scrollback_holds_while_lines_arrive() -> None:
    pane = LogPane()
    log = lines_of(60)
    pane.push(frame(feed=common.feed(log=log[:30])))
    pane.scroll_log(5)
    assert pane.frame is not None
    before = text_of(pane.draw(pane.frame, 40, 6))[1:]
    # The log is bounded: two lines arrive and two leave.
    pane.push(frame(feed=common.feed(log=log[2:32])))
    assert pane.scrollback == 7
    assert text_of(pane.draw(pane.frame, 40, 6))[1:] == before
    pane.scroll_log(-100)
    assert pane.scrollback == 0
    assert text_of(pane.draw(pane.frame, 40, 6))[-1].endswith("line 31")
    pane.scroll_log(1000)
    assert pane.scrollback == 29


def test_empty_log_and_empty_text() -> None:
    assert "Nothing logged yet" in text_of(draw_log((), 0, 40, 5))[1]
    assert text_of(draw_log((LogLine(0, "info", ""),), 0, 40, 5))[1].startswith("· 00:00:00")


def test_unknown_level_and_wide_characters_are_harmless() -> None:
    rows = text_of(draw_log((LogLine(0, "debug", "价格 ok"),), 0, 40, 5))
    assert rows[1].startswith("· ")
    assert "价" not in rows[1]
    assert rows[1].endswith("ok")


def test_ascii_only() -> None:
    sample = frame(feed=common.feed(log=LOG))
    text = "".join(text_of(LogPane().draw(replace(sample, ascii_only=True), 50, 20)))
    assert text.isascii()
    assert "?" not in text
