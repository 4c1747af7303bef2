"""The log pane."""

from __future__ import annotations

from kraken_tui.market.views import LogLine
from kraken_tui.tui.draw.log import draw_log
from kraken_tui.tui.draw.runs import printed, to_ascii
from tests.tui import samples as common
from tests.tui.samples_charts import LOG, LONG, check_styles, text_of


def lines_of(count: int) -> tuple[LogLine, ...]:
    return tuple(LogLine(common.NOW + index * common.SECOND, "info", f"line {index}") for index in range(count))


def test_newest_at_the_bottom_with_level_and_utc_time() -> None:
    lines = draw_log(LOG, 80, 20)
    check_styles(lines)
    rows = text_of(lines)
    assert rows[1].startswith("· 14:01:40 connected")
    assert rows[-1].startswith("✗ 14:02:58 recording stopped")
    assert any(row.startswith("! 14:02:40 BTC/USD: checksum failed") for row in rows)


def test_long_reasons_are_wrapped_whole() -> None:
    rows = text_of(draw_log(LOG[2:3], 50, 20))[1:]
    assert " ".join(row[11:].strip() for row in rows) == LONG
    assert all(len(row) <= 50 for row in rows)
    assert all(row.startswith(" " * 11) for row in rows[1:])


def test_endless_text_is_cut_with_an_ellipsis() -> None:
    rows = text_of(draw_log((LogLine(0, "info", "word " * 400),), 40, 30))[1:]
    assert len(rows) == 6
    assert rows[-1].endswith("…")


def test_only_the_newest_rows_fit() -> None:
    rows = text_of(draw_log(lines_of(50), 40, 5))
    assert [row.split()[-1] for row in rows[1:]] == ["46", "47", "48", "49"]
    assert len(draw_log(lines_of(50), 40, 1)) == 1


def test_empty_log_and_empty_text() -> None:
    assert "Nothing logged yet" in text_of(draw_log((), 40, 5))[1]
    assert text_of(draw_log((LogLine(0, "info", ""),), 40, 5))[1].startswith("· 00:00:00")


def test_an_unknown_level_is_harmless_and_wide_characters_take_two_cells() -> None:
    rows = text_of(draw_log((LogLine(0, "debug", "价格 ok"),), 40, 5))
    assert rows[1].startswith("· ")
    assert printed(rows[1]).endswith("价格 ok")
    assert len(rows[1]) == 11 + 7


def test_every_character_has_one_in_ascii() -> None:
    text = "".join(text_of(to_ascii(draw_log(LOG, 50, 20))))
    assert text.isascii()
    assert "?" not in text
