"""The demo's episodes as the engine comes through them and the screen announces them."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from kraken_tui.engine.engine import Engine
from kraken_tui.exchange import episodes
from kraken_tui.market.events import Proof
from kraken_tui.settings import Settings
from kraken_tui.tui.draw.status import feed_parts

PAIR = "BTC/USD"


def wait_until(condition: Callable[[], bool], limit_s: float = 60.0) -> None:
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def announced(engine: Engine) -> str:
    parts = feed_parts(engine.feed_view)
    return "".join(text for part in parts for text, _ in part)


@pytest.mark.parametrize(
    ("name", "reached"),
    [
        ("proof", lambda view: view.proof is Proof.UNVERIFIED),
        ("halt", lambda view: view.venue == "CANCEL-ONLY"),
        ("stale", lambda view: view.stale),
    ],
)
def test_an_episode_is_announced_seen_and_come_through(
    monkeypatch: pytest.MonkeyPatch, name: str, reached: Callable[..., bool]
) -> None:
    [episode] = [each for each in episodes.EPISODES if each.name == name]
    said = episode.what.format(pair=PAIR)
    quick = episode._replace(lasts_s={"proof": 4.0, "halt": 3.0, "stale": 5.0}[name], afterwards_s=4.0)
    monkeypatch.setattr(episodes, "EPISODES", (quick,))
    monkeypatch.setattr(episodes, "FIRST_S", 1.0)
    monkeypatch.setattr(episodes, "_NOTICE_S", 0.3)
    monkeypatch.setattr(episodes, "_LAG_S", 2.5)
    engine = Engine(Settings(pairs=(PAIR,), demo=True, demo_episodes=True, stale_after_s=1.5))
    engine.start()
    engine.show(PAIR)

    try:
        wait_until(lambda: engine.view(PAIR) is not None and engine.view(PAIR).proof is Proof.VERIFIED)
        assert announced(engine) == ""
        wait_until(lambda: reached(engine.view(PAIR)))
        assert announced(engine) == f" DEMO shows: {said} "
        wait_until(lambda: not engine.feed_view.demo)
        as_usual = (Proof.VERIFIED, "ONLINE", False)
        wait_until(lambda: (now := engine.view(PAIR)) is not None and (now.proof, now.venue, now.stale) == as_usual)
        assert engine.feed_view.reconnects == 0
        log = [line.text for line in engine.feed_view.log if line.text.startswith("DEMO")]
        assert log == [f"DEMO shows: {said}", "DEMO: the market is as usual again"]
    finally:
        assert engine.stop(5)


def test_a_program_s_demo_is_calm() -> None:
    assert Settings(demo=True).demo_episodes is False
