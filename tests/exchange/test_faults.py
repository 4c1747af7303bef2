"""Every wrong the exchange can do, and that it does nothing else wrong meanwhile."""

from __future__ import annotations

import json

import pytest

from .reference import Client, ReferenceBook, channel, checksum


@pytest.fixture
def client() -> Client:
    return Client(pairs=["BTC/USD", "ETH/USD"])


def wrong(frames: list[str], depth: int = 10) -> list[bool]:
    """For each book frame, whether its checksum disagrees with a book kept from all of them."""
    book = ReferenceBook(depth)
    verdicts = []
    for frame in channel(frames, "book"):
        try:
            book.apply(frame)
            verdicts.append(False)
        except AssertionError:
            verdicts.append(True)
    return verdicts


def test_corrupt_checksums_are_counted(client: Client) -> None:
    frames = client.subscribe("book", "BTC/USD")
    client.venue.faults.corrupt_checksum("BTC/USD", 3)
    verdicts = wrong(frames + client.run(5))
    assert verdicts[:6] == [False, True, True, True, False, False]
    assert sum(verdicts) == 3


def test_a_snapshot_can_be_corrupt_and_other_symbols_stay_right(client: Client) -> None:
    client.venue.faults.corrupt_checksum("BTC/USD")
    frames = client.subscribe("book", "BTC/USD", "ETH/USD")
    snapshots = {f["data"][0]["symbol"]: f["data"][0] for f in channel(frames, "book")}
    actual = {
        symbol: checksum(*([(e["price"], e["qty"]) for e in data[side]] for side in ("asks", "bids")))
        for symbol, data in snapshots.items()
    }
    assert actual["BTC/USD"] != int(snapshots["BTC/USD"]["checksum"])
    assert actual["ETH/USD"] == int(snapshots["ETH/USD"]["checksum"])


def twin(client: Client) -> Client:
    """The same venue at the same time without faults."""
    return Client(pairs=["BTC/USD", "ETH/USD"])


def test_drop_duplicate_and_swap_against_the_true_stream(client: Client) -> None:
    honest = twin(client)
    truth = honest.subscribe("book", "BTC/USD") + honest.run(4)
    truth = [f for f in truth if '"book","type":"update"' in f]
    client.subscribe("book", "BTC/USD")
    client.venue.faults.drop_book("BTC/USD", 2)
    got = [f for f in client.run(1) if '"book"' in f]
    assert got == truth[2 : 2 + len(got)]
    at = 2 + len(got)
    client.venue.faults.duplicate_book("BTC/USD")
    got = [f for f in client.run(1) if '"book"' in f]
    assert got == [truth[at], *truth[at : at + len(got) - 1]]
    at += len(got) - 1
    client.venue.faults.swap_book("BTC/USD")
    got = [f for f in client.run(1) if '"book"' in f]
    assert got == [truth[at + 1], truth[at], *truth[at + 2 : at + len(got)]]


def test_counts_apply_to_each_depth(client: Client) -> None:
    other = Client(client.venue, client.clock)
    frames = [client.subscribe("book", "BTC/USD"), other.subscribe("book", "BTC/USD", depth=100)]
    client.venue.faults.corrupt_checksum("BTC/USD", 2)
    for _ in range(100):
        client.clock.ns += 30_000_000
        frames[0] += client.peer.advance(client.clock.ns)
        frames[1] += other.peer.advance(client.clock.ns)
    assert sum(wrong(frames[0])) == sum(wrong(frames[1], 100)) == 2


def test_withheld_snapshot(client: Client) -> None:
    client.venue.faults.withhold_snapshots("BTC/USD")
    frames = client.subscribe("book", "BTC/USD", "ETH/USD")
    assert [json.loads(f).get("success") for f in frames] == [True, True, None]
    assert "ETH/USD" in frames[2]


def test_heartbeats_stop_and_resume(client: Client) -> None:
    client.subscribe("book", "BTC/USD")
    client.venue.faults.heartbeats = False
    frames = client.run(5)
    assert not any("heartbeat" in f for f in frames)
    assert channel(frames, "book")
    client.venue.faults.heartbeats = True
    assert 2 <= sum("heartbeat" in f for f in client.run(3)) <= 3


def test_mute_loses_everything_but_the_connection(client: Client) -> None:
    client.subscribe("book", "BTC/USD")
    client.venue.faults.muted = True
    assert client.run(3) == []
    assert client.peer.on_message('{"method":"ping"}') == []
    client.venue.faults.muted = False
    assert client.run(1)
    assert client.peer.closing is None


def test_acknowledgements_held_and_dropped(client: Client) -> None:
    client.venue.faults.acks = "hold"
    frames = client.subscribe("book", "BTC/USD")
    assert [json.loads(f).get("channel") for f in frames] == ["book"]
    assert not any("success" in f for f in client.run(2))
    client.venue.faults.acks = "send"
    assert ['"success":true' in f for f in client.run(0.1)].count(True) == 1
    client.venue.faults.acks = "drop"
    assert [json.loads(f).get("channel") for f in client.subscribe("book", "ETH/USD")] == ["book"]
    client.venue.faults.acks = "send"
    assert not any("success" in f for f in client.run(1))


def test_message_rate(client: Client) -> None:
    client.venue.faults.message_rate = 15
    answers = [json.loads(client.peer.on_message('{"method":"ping"}')[0]) for _ in range(20)]
    assert ["error" in a for a in answers] == [False] * 15 + [True] * 5
    assert answers[-1]["error"] == "Exceeded msg rate"
    client.run(1.1)
    assert "pong" in client.peer.on_message('{"method":"ping"}')[0]


def test_close_all_and_injection(client: Client) -> None:
    client.venue.faults.inject("not json")
    client.venue.faults.inject(b"\x00\xff")
    assert client.run(0.03) == ["not json", b"\x00\xff"]
    client.venue.faults.close_all(1013, "busy")
    client.run(0.03)
    assert client.peer.closing == (1013, "busy")
    assert Client(client.venue, client.clock).peer.closing is None


def test_a_second_snapshot_nobody_asked_for(client: Client) -> None:
    frames = client.subscribe("book", "BTC/USD") + client.run(2)
    client.venue.faults.resend_snapshot("BTC/USD")
    frames += client.run(2)
    assert [f["type"] for f in channel(frames, "book")].count("snapshot") == 2
    assert not any(wrong(frames))


def test_frames_can_be_rewritten_and_lost(client: Client) -> None:
    client.subscribe("book", "BTC/USD")
    client.venue.faults.rewrite = lambda f: None if "heartbeat" in f else str(f).replace("checksum", "Checksum")
    frames = client.run(3)
    assert frames
    assert all("Checksum" in f for f in frames)


@pytest.mark.parametrize("system", ["maintenance", "cancel_only", "post_only"])
def test_system_status_is_announced_and_obeyed(client: Client, system: str) -> None:
    client.subscribe("book", "BTC/USD", depth=100)
    client.subscribe("trade", "BTC/USD")
    client.venue.faults.set_system_status(system)
    frames = client.run(20)
    assert json.loads(frames[0])["data"][0]["system"] == system
    assert channel(frames, "trade") == []
    assert bool(channel(frames, "book")) == (system != "maintenance")
    late = Client(client.venue, client.clock)
    assert json.loads(late.opening[0])["data"][0]["system"] == system
    client.venue.faults.set_system_status("online")
    frames = client.run(20)
    assert json.loads(frames[0])["data"][0]["system"] == "online"
    assert channel(frames, "trade")


def test_pair_status_goes_to_instrument_subscribers(client: Client) -> None:
    client.ask("subscribe", channel="instrument")
    client.subscribe("trade", "BTC/USD", "ETH/USD")
    client.venue.faults.set_pair_status("BTC/USD", "cancel_only")
    frames = client.run(20)
    [update] = channel(frames, "instrument")
    assert update["type"] == "update"
    assert update["data"]["assets"] == []
    [pair] = update["data"]["pairs"]
    assert (pair["symbol"], pair["status"]) == ("BTC/USD", "cancel_only")
    assert {row["symbol"] for f in channel(frames, "trade") for row in f["data"]} == {"ETH/USD"}


def test_a_delisted_pair_is_refused(client: Client) -> None:
    client.venue.faults.set_pair_status("ETH/USD", "delisted")
    client.run(0.03)
    [refusal] = client.subscribe("book", "ETH/USD")
    assert json.loads(refusal)["error"] == "Currency pair not supported ETH/USD"


def test_precision_change_breaks_an_unaware_book_and_a_new_snapshot_heals(client: Client) -> None:
    client.ask("subscribe", channel="instrument")
    frames = client.subscribe("book", "BTC/USD")
    client.venue.faults.set_precision("BTC/USD", price=2, qty=6)
    frames += client.run(3)
    [update] = channel(frames, "instrument")
    assert update["data"]["pairs"][0]["price_precision"] == "2"
    assert any(wrong(frames))
    client.ask("unsubscribe", channel="book", symbol=["BTC/USD"])
    healed = client.subscribe("book", "BTC/USD") + client.run(3)
    assert not any(wrong(healed))
    assert client.venue.market("BTC/USD").history.candles(1440)


def test_precision_change_carries_the_history_along(client: Client) -> None:
    [before] = channel(client.subscribe("ticker", "BTC/USD"), "ticker")
    client.venue.faults.set_precision("BTC/USD", price=3)
    client.run(0.03)
    client.ask("unsubscribe", channel="ticker", symbol=["BTC/USD"])
    [after] = channel(client.subscribe("ticker", "BTC/USD"), "ticker")
    for field in ("open", "high", "low", "vwap"):
        if field in before["data"][0]:
            assert float(after["data"][0][field]) == pytest.approx(float(before["data"][0][field]), rel=1e-3)
    assert len(after["data"][0]["last"].partition(".")[2]) == 3
