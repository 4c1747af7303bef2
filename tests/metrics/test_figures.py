"""What is told: figures of views, as they must be read at the moment of the scrape."""

from __future__ import annotations

import time

import pytest

pytest.importorskip("prometheus_client", reason="needs kraken-tui[metrics]")

from msgspec.structs import replace

from kraken_tui.market.events import BookState, Proof
from kraken_tui.market.history.moments import MarketHistory
from kraken_tui.market.private_views import AccountView, Level3View, LinkView
from kraken_tui.market.views import RecordingView
from kraken_tui.metrics.figures import PREFIX, Family, figures, names
from kraken_tui.units import SECOND
from tests.metrics.rig import MADE_NS, Views
from tests.tui import samples


def told(source: Views) -> dict[str, Family]:
    return {family.name: family for family in figures(source)}


def value(source: Views, name: str, **labels: str) -> float:
    (found,) = [value for given, value in told(source)[name].samples if given == labels]
    return found


def test_every_family_is_in_the_list_of_names_and_of_the_right_kind() -> None:
    source = Views("BTC/USD", feed=replace(samples.recording(), replay=samples.replaying().replay))
    level3 = Level3View(10, verified=True, reason="", age_ns=0)
    account = AccountView(1, links=(LinkView("account", "SUBSCRIBED"),))
    source.change("BTC/USD", level3=level3)
    source.views = replace(source.views, account=account)
    listed = names()
    found = told(source)
    assert {PREFIX + name for name in found} == set(listed)
    for name, family in found.items():
        assert listed[PREFIX + name] == (family.kind, family.help)
        assert (family.kind == "counter") == name.endswith("_total")


def test_counts_are_those_of_the_views() -> None:
    source = Views("BTC/USD", "ETH/USD")
    view = source.change("ETH/USD", checks_ok=17, checks_failed=2, resyncs=3, trade_gaps=4)
    feed = source.views.feed
    for name, wanted in (
        ("book_checksums_total", 17), ("book_checksum_failures_total", 2), ("book_resyncs_total", 3),
        ("missing_trades_total", 4), ("trades_total", view.session.trades if view.session else 0),
    ):  # fmt: skip
        assert value(source, name, symbol="ETH/USD") == wanted
    for name, wanted in (
        ("messages_total", feed.messages), ("rejected_messages_total", feed.invalid),
        ("reconnects_total", feed.reconnects), ("dropped_events_total", feed.dropped),
        ("queue_events", feed.queue), ("queue_capacity_events", feed.queue_limit), ("pairs", len(feed.tabs)),
    ):  # fmt: skip
        assert value(source, name) == wanted


def test_states_are_one_sample_a_state_and_one_of_them_holds() -> None:
    source = Views("BTC/USD")
    source.change("BTC/USD", book_state=BookState.RESYNCING)
    for name, wanted, labels in (
        ("book_state", "RESYNCING", {"symbol": "BTC/USD"}), ("connection_state", source.views.feed.state, {}),
        ("mode", "LIVE", {}),
    ):  # fmt: skip
        found = {given["state"]: value for given, value in told(source)[name].samples}
        assert [state for state, value in found.items() if value] == [wanted]
        assert len(found) >= 3
        assert value(source, name, state=wanted, **labels) == 1


def test_a_hung_engine_shows_as_growing_ages_and_without_proof_or_prices() -> None:
    source = Views("BTC/USD")
    view = source.change("BTC/USD", age_ns=SECOND, stale=False, proof=Proof.VERIFIED)
    assert view.fresh_for_ns is None
    btc = {"symbol": "BTC/USD"}
    assert value(source, "book_verified", **btc) == 1
    assert value(source, "best_bid_price", **btc) == view.bids[0][0] / 10
    heard = value(source, "feed_silence_seconds")
    source.now_ns = MADE_NS + 60 * SECOND
    assert value(source, "book_age_seconds", **btc) == 61
    assert value(source, "feed_silence_seconds") == heard + 60
    assert value(source, "engine_silence_seconds") == 60
    assert value(source, "book_verified", **btc) == 0
    assert value(source, "book_stale", **btc) == 1
    assert value(source, "pairs_verified") == 0
    assert value(source, "market_status", state="stale", **btc) == 1
    for name in ("best_bid_price", "best_ask_price", "spread_ratio", "pressure_ratio"):
        assert told(source)[name].samples == []


@pytest.mark.parametrize("fields", [{"proof": Proof.UNVERIFIED}, {"stale": True}, {"spec": None}, {"bids": ()}])
def test_no_price_of_a_book_that_is_not_proven_and_fresh(fields: dict[str, object]) -> None:
    source = Views("BTC/USD")
    source.change("BTC/USD", **fields)
    assert told(source)["best_bid_price"].samples == []


def test_what_is_not_known_is_left_out_and_not_zero() -> None:
    source = Views("BTC/USD", feed=samples.feed(heartbeat_age_ns=None))
    source.change("BTC/USD", age_ns=None, audited_ns=None)
    for name in ("feed_silence_seconds", "book_age_seconds", "book_audit_age_seconds"):
        assert told(source)[name].samples == []


def test_the_recorder_and_the_past_are_told() -> None:
    source = Views("BTC/USD")
    source.views = replace(source.views, feed=replace(
        source.views.feed,
        recording=RecordingView("x", 5000, 90, "disk full", waiting=7, waiting_bytes=700, dropped=1, lost=11),
    ))  # fmt: skip
    for name, wanted in (
        ("recording", 1), ("recording_failed", 1), ("recording_size_bytes", 5000), ("recording_frames_total", 90),
        ("recording_lost_frames_total", 11), ("recording_waiting_frames", 7), ("recording_waiting_bytes", 700),
    ):  # fmt: skip
        assert value(source, name) == wanted
    past = MarketHistory(SECOND, 2**20)
    source.history = lambda symbol: past  # type: ignore[method-assign]
    assert value(source, "history_size_bytes", symbol="BTC/USD") == past.size


def test_labels_are_bounded_and_nothing_of_addresses_or_files_is_told() -> None:
    source = Views(*(f"A{number}/USD" for number in range(50)), feed=samples.recording(url="wss://secret.example"))
    for family in figures(source):
        per_pair = [labels for labels, _ in family.samples if "symbol" in labels]
        assert {name for labels, _ in family.samples for name in labels} <= {
            "symbol",
            "state",
            "le",
            "version",
            "python",
        }
        assert len(family.samples) <= 6 * 50
        assert len(per_pair) in (0, *(50 * states for states in (1, 4, 6)))
    told_of = repr([family.samples for family in figures(source)])
    assert "secret" not in told_of
    assert ".jsonl" not in told_of


def test_a_scrape_of_200_pairs_takes_under_20_ms() -> None:
    from prometheus_client import CollectorRegistry, generate_latest

    from kraken_tui.metrics.endpoint import _metric

    source = Views(*(f"A{number}/USD" for number in range(200)))

    class Collected:
        def collect(self) -> list[object]:
            return [_metric(family) for family in figures(source)]

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collected())  # type: ignore[arg-type]
    took = []
    for _ in range(7):
        began = time.process_time()
        generate_latest(registry)
        took.append(time.process_time() - began)
    assert min(took) < 0.060, "20 ms on an idle machine, three times that on a busy one"


def test_the_histogram_is_of_every_frame_since_the_start() -> None:
    from kraken_tui.feed.latency import LatencyTracker

    tracker = LatencyTracker()
    for number, lag_ms in enumerate((0.5, 3, 3, 150, 20_000)):
        # An hour apart: the window forgets, the histogram does not.
        now = number * 3600 * SECOND
        tracker.measure(now, now + int(lag_ms * 1e6), now + int(lag_ms * 1e6))
    source = Views()
    source.views = replace(source.views, feed=replace(source.views.feed, latency=tracker.view(20 * 3600 * SECOND)))
    family = told(source)["feed_latency_seconds"]
    counts = {labels["le"]: count for labels, count in family.samples}
    assert (counts["0.001"], counts["0.002"], counts["0.005"], counts["0.2"]) == (1, 1, 3, 4)
    assert (counts["10.0"], counts["+Inf"]) == (4, 5)
    assert family.sum == pytest.approx(20.1565)
