"""The row of tabs."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from kraken_tui.market.events import Proof
from kraken_tui.market.views import FeedView, Mode, PairSummary
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.tabs import draw_tabs, tab_row
from tests.tui import samples
from tests.tui.pane_app import text_of


def row(feed: FeedView, width: int = 160, symbol: str = "BTC/USD") -> str:
    return text_of(draw_tabs(Picture(samples.pair(symbol), feed), width, 1)[0])


def many(count: int) -> tuple[PairSummary, ...]:
    return tuple(PairSummary(f"AA{n}/USD", 1000 + n, 1, 0, Proof.VERIFIED, False) for n in range(1, count + 1))


def test_tabs_state_latency_and_clock() -> None:
    text = row(samples.feed())
    assert text.startswith(" 1 BTC/USD 64,250.1 ▲ │ 2 ETH/BTC 0.04858 ▼ │ 3 PEPE/USD 0.000012345 · ")
    assert text.endswith("SUBSCRIBED ●  feed  12 ms p99  41 ms  14:03:10 UTC ")
    assert len(text) == 160


def test_the_active_tab_has_its_ground() -> None:
    for symbol in ("BTC/USD", "ETH/BTC", "PEPE/USD"):
        (line,) = draw_tabs(Picture(samples.pair(symbol), samples.feed()), 160, 1)
        active = "".join(text for text, key in line if key.endswith("/tab"))
        assert symbol in active
        assert active.count("/") == 1


@pytest.mark.parametrize(
    ("change", "mark", "role"),
    [
        ({"proof": Proof.UNVERIFIED}, " ✗", "bad"),
        ({"proof": Proof.CHECKING}, " …", "warn"),
        ({"stale": True}, " stale", "stale"),
        ({"problem": "no such pair"}, " ✗ no such pair", "bad"),
    ],
)
def test_problems_of_other_pairs_are_marked(change: dict[str, object], mark: str, role: str) -> None:
    tabs = (samples.TABS[0], replace(samples.TABS[1], **change))  # type: ignore[arg-type]
    (line,) = draw_tabs(Picture(samples.pair(), samples.feed(tabs=tabs)), 160, 1)
    assert (mark, role) in line
    price = [key for text, key in line if "0.04858" in text]
    assert price == ([] if "problem" in change else ["muted"])


def test_a_lost_connection_shows_its_cause() -> None:
    for width in (120, 160):
        assert "DISCONNECTED ○ retry 5 s no message" in row(samples.reconnecting(), width)
    assert "DISCONNECTED ○" in row(samples.reconnecting(), 60)
    assert "✗ FAILED no route" in row(samples.feed(fatal="no route"))


@pytest.mark.parametrize("width", [60, 80, 120, 160])
@pytest.mark.parametrize("count", [1, 3, 9, 30])
def test_the_mode_is_always_visible(width: int, count: int) -> None:
    for mode, badge in ((Mode.DEMO, " DEMO "), (Mode.REPLAY, " REPLAY ")):
        assert badge in row(samples.feed(mode=mode, tabs=many(count)), width)
    assert "DEMO" not in row(samples.feed(tabs=many(count)), width)


def test_a_replay_shows_speed_pause_and_end() -> None:
    assert " REPLAY x2 " in row(samples.replaying())
    assert "01:15 / 10:00  PAUSED " in row(samples.replaying(paused=True))
    assert " REPLAY x0.5 " in row(samples.replaying(speed=0.5))
    assert " REPLAY x max " in row(samples.replaying(speed=0.0))
    done = samples.replaying()
    assert done.replay is not None
    for width in (60, 80, 160):
        ended = row(replace(done, state="CLOSED", replay=replace(done.replay, finished=True)), width)
        assert " END " in ended
        assert not any(word in ended for word in ("CLOSED", "SUBSCRIBED", "REPLAY", "○", "●"))
    unknown = replace(done, replay=replace(done.replay, length_ns=None, position_ns=3_675_000_000_000))
    assert "1:01:15  REPLAY x2 " in row(unknown)


def test_modes_have_a_colour_of_their_own() -> None:
    paused = samples.replaying(paused=True)
    for feed in (samples.feed(mode=Mode.DEMO), samples.replaying(), paused):
        (line,) = draw_tabs(Picture(samples.pair(), feed), 160, 1)
        roles = {part for _, key in line for part in key.lstrip("!~").split("/")}
        assert "mode" in roles
        assert not roles & {"warn", "bad", "stale"}


@pytest.mark.parametrize("width", [60, 80, 100, 160])
@pytest.mark.parametrize("active", [1, 5, 12])
def test_the_active_tab_stays_in_sight_and_the_hidden_are_counted(width: int, active: int) -> None:
    tabs = many(12)
    picture = Picture(replace(samples.pair(), symbol=f"AA{active}/USD"), samples.feed(tabs=tabs))
    laid = tab_row(picture, width)
    text = text_of(laid.line)
    assert len(text) == width
    assert f" {active} AA{active}/USD " in text
    shown = [symbol for _, _, symbol in laid.spans]
    hidden = sum(int(word[1:]) for word in text.split() if word.startswith("+"))
    assert len(shown) + hidden == 12
    for start, end, symbol in laid.spans:
        assert symbol in text[start:end]


def test_no_pairs() -> None:
    assert "SUBSCRIBED" in row(samples.feed(tabs=()))
