"""The episodes of a demo: in turn, on time, announced, and over without a trace."""

from __future__ import annotations

import itertools

from kraken_tui.exchange import Venue
from kraken_tui.exchange.episodes import EPISODES, EVERY_S, FIRST_S

from .reference import START_NS, Client, channel, parsed


class Shown:
    """A client of a venue with episodes, and what was announced when."""

    def __init__(self, *symbols: str) -> None:
        self.client = Client(profile="calm", episodes=True)
        self.frames: list[str] = []
        for symbol in symbols:
            self.client.subscribe("book", symbol)

    def run(self, seconds: float) -> list[str]:
        """What was announced in each of the next seconds."""
        said = []
        for _ in range(round(seconds)):
            self.frames += self.client.run(1)
            assert self.client.venue.episodes is not None
            said.append(self.client.venue.episodes.showing)
        return said


def test_none_unless_asked_for_and_none_before_anybody_watches() -> None:
    assert Venue(clock=lambda: START_NS).episodes is None
    shown = Shown()
    assert set(shown.run(FIRST_S + 60)) == {""}


def test_they_come_in_turn_on_each_pair_and_end() -> None:
    shown = Shown("BTC/USD", "ETH/USD")
    assert set(shown.run(FIRST_S - 1)) == {""}
    said = shown.run(2 * len(EPISODES) * EVERY_S)
    told = [text for text, _ in itertools.groupby(said) if text]
    turns = [(turn + at) % 2 for turn in range(2) for at in range(len(EPISODES))]
    pairs = [("BTC/USD", "ETH/USD")[turn] for turn in turns]
    assert told == [e.what.format(pair=pair) for e, pair in zip(EPISODES * 2, pairs, strict=True)]
    assert set(told) == {e.what.format(pair=pair) for e in EPISODES for pair in ("BTC/USD", "ETH/USD")}
    assert said.count("") > len(said) / 2
    assert {spec.status for spec in shown.client.venue.specs.values()} == {"online"}


def test_each_is_what_it_says_and_says_nothing_out_of_protocol() -> None:
    shown = Shown("BTC/USD")
    shown.client.subscribe("instrument")
    shown.run(FIRST_S + len(EPISODES) * EVERY_S)
    frames = [parsed(frame) for frame in shown.frames]
    assert {frame.get("channel") for frame in frames} <= {"book", "instrument", "heartbeat", "status"}
    statuses = [pair["status"] for f in frames if f["channel"] == "instrument" for pair in f["data"]["pairs"]]
    assert statuses == ["cancel_only", "online"]
    times = [parsed(f)["data"][0]["timestamp"] for f in shown.frames if '"book"' in f]
    seconds = [int(t[11:13]) * 3600 + int(t[14:16]) * 60 + float(t[17:-1]) for t in times]
    gaps = [b - a for a, b in itertools.pairwise(seconds)]
    # A lag is told in time stamps that come too late, not in ones that are missing.
    assert max(gaps) < 3


def test_a_lag_silences_the_market_delays_it_and_is_made_up_for() -> None:
    client, prompt = Client(profile="calm"), Client(profile="calm")
    for each in (client, prompt):
        each.subscribe("book", "BTC/USD")
    client.venue.faults.lag_s = 7.0
    assert [f for f in client.run(6.9) if '"book"' in f] == []
    late = channel(client.run(3), "book")
    told = [frame["data"][0]["timestamp"] for frame in late]
    assert len(late) > 20
    client.venue.faults.lag_s = 0.0
    at_once = channel(client.run(0.03), "book")
    assert len(at_once) > 50
    rest = channel(client.run(2), "book")
    everything = list(channel(prompt.run(11.93), "book"))
    assert late + at_once + rest == everything
    assert told == sorted(told)
