"""The engine with the demo's private side: what it publishes and tells, and that it harms no public feed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kraken_tui.engine import single_orders
from kraken_tui.engine.engine import Engine
from kraken_tui.engine.following import addresses_of
from kraken_tui.engine.options import EngineOptions
from kraken_tui.exchange import ExchangeThread
from kraken_tui.feed.private.account import AccountSession
from kraken_tui.feed.private.events import Level3Line
from kraken_tui.feed.private.level3 import Level3Session
from kraken_tui.keys.key import ApiKey, make_key
from kraken_tui.market.events import Proof, Side
from kraken_tui.market.orders.values import BalanceChanged, FillSeen, OrderChanged
from kraken_tui.settings import LIVE_ACCOUNT_URL, LIVE_LEVEL3_URL, LIVE_REST_URL, Settings

pytestmark = pytest.mark.realtime


@pytest.fixture
def made() -> Iterator[Callable[..., Engine]]:
    engines: list[Engine] = []

    def make(*, options: EngineOptions | None = None, **settings: Any) -> Engine:
        chosen = {"demo": True, "pairs": ("BTC/USD", "ETH/USD"), "level3": True, "account": True, **settings}
        engine = Engine(Settings(**chosen), options=options)
        engines.append(engine)
        engine.show("BTC/USD")
        engine.start()
        return engine

    yield make
    for engine in engines:
        engine.stop()


def until(engine: Engine, true: Callable[[], Any], seconds: float = 20.0) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = true()
        if found:
            return found
        assert engine.failure is None
        time.sleep(0.05)
    raise AssertionError([line.text for line in engine.feed_view.log][-15:])


def verified(engine: Engine) -> bool:
    published = engine.published()
    view, account = published.pairs.get("BTC/USD"), published.account
    level3 = None if view is None else view.level3
    complete = account is not None and len(account.streams) == 2 and all(each.verified for each in account.streams)
    return level3 is not None and level3.verified and complete


def public_ok(engine: Engine) -> bool:
    view = engine.view("BTC/USD")
    return view is not None and view.proof is Proof.VERIFIED and engine.feed_view.state == "SUBSCRIBED"


def test_the_demo_publishes_single_orders_and_the_account(made: Callable[..., Engine]) -> None:
    engine = made()
    listener = engine.listen(types=(OrderChanged, FillSeen, BalanceChanged))
    until(engine, lambda: verified(engine))
    view = engine.view("BTC/USD")
    assert view is not None
    level3 = view.level3
    assert level3 is not None
    assert level3.checks_ok
    assert not level3.checks_failed
    # One market: each level is the sum of its orders.
    assert {level.ticks for level in level3.bids[:5]} & {ticks for ticks, _ in view.bids[:10]}
    other = engine.view("ETH/USD")
    assert other is None or other.level3 is None
    until(engine, lambda: (account := engine.published().account) and any(o.open for o in account.orders))
    account = engine.published().account
    assert account is not None
    assert (account.key, account.play, account.problem) == ("demo", True, "")
    assert {link.name: link.state for link in account.links} == {"level 3": "SUBSCRIBED", "account": "SUBSCRIBED"}
    until(engine, lambda: (a := engine.published().account) and all(b.free is not None for b in a.balances))
    until(engine, lambda: (v := engine.view("BTC/USD")) and v.level3 and v.level3.own)
    assert listener.get(1.0) is not None


def test_the_queue_of_the_level_that_is_watched_is_published(made: Callable[..., Engine]) -> None:
    engine = made()
    until(engine, lambda: verified(engine))
    level3 = engine.view("BTC/USD").level3  # type: ignore[union-attr]
    assert level3 is not None
    assert level3.queue is None
    ticks = level3.bids[3].ticks
    engine.watch_queue("BTC/USD", Side.BUY, ticks)

    def watched() -> Any:
        view = engine.view("BTC/USD")
        queue = None if view is None or view.level3 is None else view.level3.queue
        return queue if queue is not None and queue.ticks == ticks else None

    queue = until(engine, watched)
    assert queue.side is Side.BUY
    engine.watch_queue("BTC/USD", Side.BUY, 1)
    until(engine, lambda: (v := engine.view("BTC/USD")) and v.level3 and v.level3.queue and v.level3.queue.beyond)
    engine.watch_queue("BTC/USD", None, 0)
    until(engine, lambda: (v := engine.view("BTC/USD")) and v.level3 and v.level3.queue is None)


def test_only_pairs_shown_lately_are_followed_unless_all_are_wanted(made: Callable[..., Engine]) -> None:
    engine = made()
    until(engine, lambda: verified(engine))
    engine.show("ETH/USD")
    until(engine, lambda: (v := engine.view("ETH/USD")) and v.level3 and v.level3.verified)
    every = made(options=EngineOptions(level3_all=True, level3_lines=True))
    listener = every.listen(types=(Level3Line,))
    seen: set[str] = set()
    deadline = time.monotonic() + 20
    while seen != {"BTC/USD", "ETH/USD"} and time.monotonic() < deadline:
        event = listener.get(0.2)
        if isinstance(event, Level3Line):
            seen.add(event.symbol)
    assert seen == {"BTC/USD", "ETH/USD"}


@pytest.mark.parametrize("part", ["frame", "events", "view"])
def test_a_defect_in_a_private_part_is_contained_said_and_counted(
    made: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    broken = [True]

    def fail(*_: Any, **__: Any) -> Any:
        if broken[0]:
            raise RuntimeError("made for this test")
        return original(*_, **__)

    owner, name = {
        "frame": (Level3Session, "_take"),
        "events": (AccountSession, "_told"),
        "view": (single_orders.SingleOrders, "view"),
    }[part]
    original = getattr(owner, name)
    monkeypatch.setattr(owner, name, fail)
    engine = made()
    until(engine, lambda: public_ok(engine))
    until(engine, lambda: any("a defect in" in line.text for line in engine.feed_view.log))
    assert public_ok(engine)
    broken[0] = False
    until(engine, lambda: verified(engine), 30)


class _Local:
    """An exchange of this computer in place of Kraken, and a key for it."""

    def __init__(self) -> None:
        self.thread = ExchangeThread(seed=1, profile="calm", account="demo")
        self.thread.start()

    def settings(self, **more: Any) -> dict[str, Any]:
        thread = self.thread
        return {
            "demo": False, "url": thread.ws_url, "rest_url": thread.rest_url, "level3_url": thread.l3_url,
            "account_url": thread.auth_url, **more,
        }  # fmt: skip


@pytest.fixture
def local() -> Iterator[_Local]:
    found = _Local()
    yield found
    found.thread.stop()


def key_of(name: str) -> ApiKey:
    from kraken_tui.exchange.keys import KEYS

    return make_key(name, KEYS[name].key, KEYS[name].secret, "environment")


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def test_a_key_that_may_withdraw_is_refused_and_the_public_feed_goes_on(
    made: Callable[..., Engine], local: _Local
) -> None:
    engine = made(options=EngineOptions(key=key_of("withdraw")), **local.settings())
    until(engine, lambda: (account := engine.published().account) and account.problem)
    account = engine.published().account
    assert account is not None
    assert "withdraw" in account.problem
    assert account.links == ()
    until(engine, lambda: public_ok(engine))


def test_the_local_private_side_is_used_only_where_its_addresses_are_given(
    made: Callable[..., Engine], local: _Local
) -> None:
    url = local.thread.ws_url
    assert addresses_of(Settings()) == (LIVE_REST_URL, LIVE_LEVEL3_URL, LIVE_ACCOUNT_URL)
    assert addresses_of(Settings(url=url))[1:] == ("", "")
    assert addresses_of(Settings(url=url, level3_url="ws://localhost:1/v2"))[1:] == ("ws://localhost:1/v2", "")
    engine = made(options=EngineOptions(key=key_of("view")), **local.settings())
    until(engine, lambda: verified(engine))


def test_a_private_side_that_is_down_costs_the_public_feed_nothing(made: Callable[..., Engine], local: _Local) -> None:
    faults = local.thread.faults.private
    faults.refuse_connections("l3", 503, 10**4)
    faults.fail_rest("GetWebSocketsToken", 502, count=10**4)
    engine = made(options=EngineOptions(key=key_of("view")), **local.settings())
    until(engine, lambda: public_ok(engine))
    time.sleep(3)
    assert public_ok(engine)
    assert engine.feed_view.reconnects == 0
    links = engine.published().account.links  # type: ignore[union-attr]
    assert {link.name for link in links} == {"level 3", "account"}
    assert not any(link.state == "SUBSCRIBED" for link in links)


def test_frames_that_were_lost_are_made_good_over_rest(made: Callable[..., Engine], local: _Local) -> None:
    engine = made(options=EngineOptions(key=key_of("demo")), **local.settings(level3=False))
    until(engine, lambda: (account := engine.published().account) and len(account.fills) >= 1, 60)
    local.thread.faults.private.drop("executions", 1)
    until(engine, lambda: any("subscribed again" in line.text for line in engine.feed_view.log), 60)
    until(engine, lambda: engine.ask(lambda worker: worker.private is not None and worker.private.account.settled), 120)
    account = engine.published().account
    assert account is not None
    ids = [fill.exec_id for fill in account.fills]
    assert len(ids) == len(set(ids))
    real = local.thread.exchange.venue.private.accounts["main"]
    assert set(ids) <= {fill.exec_id for fill in real.fills}
    assert public_ok(engine)


def test_without_a_key_nothing_private_runs(made: Callable[..., Engine], local: _Local) -> None:
    engine = made(options=EngineOptions(), **local.settings())
    until(engine, lambda: public_ok(engine))
    assert engine.published().account is None
    view = engine.view("BTC/USD")
    assert view is not None
    assert view.level3 is None
