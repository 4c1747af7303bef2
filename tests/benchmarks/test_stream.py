"""The benchmark's stream against a slow client that shares no code with it or with the program."""

from __future__ import annotations

import json
from decimal import Decimal
from statistics import mean
from typing import Any
from zlib import crc32

import pytest

from benchmarks.stream import BTC, DOGE, PAIRS, PEPE, Pair, Stream

UPDATES = 400


class Slow:
    """Two dictionaries of wire text, sorted whenever something is asked."""

    def __init__(self, depth: int, *, each_level: bool = False) -> None:
        self.depth, self.each_level = depth, each_level
        self.bids: dict[str, str] = {}
        self.asks: dict[str, str] = {}

    def put(self, name: str, levels: list[Any]) -> None:
        side = getattr(self, name)
        for price, qty in levels:
            if Decimal(qty):
                side[price] = qty
            else:
                assert side.pop(price, None) is not None, "a level goes that no client has"
            if self.each_level:
                self.truncate(name)
        self.truncate(name)

    def truncate(self, name: str) -> None:
        side = getattr(self, name)
        for price in self.sorted(name)[self.depth :]:
            del side[price]

    def sorted(self, name: str) -> list[str]:
        return sorted(getattr(self, name), key=Decimal, reverse=name == "bids")

    def checksum(self) -> int:
        parts = [
            text.replace(".", "").lstrip("0")
            for name in ("asks", "bids")
            for price in self.sorted(name)[:10]
            for text in (price, getattr(self, name)[price])
        ]
        return crc32("".join(parts).encode())

    def v2(self, frame: bytes) -> dict[str, Any]:
        data = json.loads(frame, parse_float=str)["data"][0]
        for name in ("bids", "asks"):
            self.put(name, [(level["price"], level["qty"]) for level in data[name]])
        assert self.checksum() == data["checksum"]
        return data

    def v1(self, frame: bytes) -> None:
        fields = json.loads(frame)
        parts = fields[1:-2]
        for part in parts:
            for key, name in (("as", "asks"), ("bs", "bids"), ("a", "asks"), ("b", "bids")):
                self.put(name, [level[:2] for level in part.get(key, [])])
        assert [("c" in part) for part in parts[:-1]] == [False] * (len(parts) - 1)
        if "as" not in parts[0]:
            assert self.checksum() == int(parts[-1]["c"])


@pytest.mark.parametrize("depth", [10, 100])
@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_both_forms_prove_to_a_slow_client_and_give_the_true_book(pair: Pair, depth: int) -> None:
    stream = Stream(depth, 3, pair)
    client, strict, old = Slow(depth), Slow(depth, each_level=True), Slow(depth)
    for each in (client, strict):
        each.v2(stream.snapshot())
    old.v1(stream.v1_snapshot())
    for _ in range(UPDATES if depth == 10 else 60):
        v2, v1 = stream.updates()
        for each in (client, strict):
            each.v2(v2)
        old.v1(v1)
    for name, levels in stream.window().items():
        prices = client.sorted(name)
        got = [(Decimal(price), Decimal(getattr(client, name)[price])) for price in prices]
        scales = (-pair.price_decimals, -pair.qty_decimals)
        assert got == [tuple(Decimal(n).scaleb(s) for n, s in zip(level, scales, strict=True)) for level in levels]
        assert len(levels) == depth


def test_the_mix_is_that_of_a_market() -> None:
    stream = Stream(100)
    sizes, both, near, touched = [], 0, 0, 0
    for _ in range(1000):
        best = {name: levels[9][0] for name, levels in stream.window().items()}
        data = json.loads(stream.update())["data"][0]
        sizes.append(len(data["bids"]) + len(data["asks"]))
        both += bool(data["bids"] and data["asks"])
        for level in data["bids"] + data["asks"]:
            ticks = round(level["price"] * 10)
            touched += 1
            near += ticks >= best["bids"] if level in data["bids"] else ticks <= best["asks"]
    assert 1.5 < mean(sizes) < 2.2
    assert max(sizes) > 6
    assert 0.05 < both / 1000 < 0.25
    assert 0.6 < near / touched < 0.95
    window = stream.window()
    assert 0 < window["asks"][0][0] - window["bids"][0][0] < 30


@pytest.mark.parametrize(("pair", "units"), [(BTC, 100), (DOGE, 10**8), (PEPE, 5 * 10**11)])
def test_quantities_are_as_large_as_promised(pair: Pair, units: int) -> None:
    stream = Stream(1000, 1, pair)
    lots = [lots for side in stream.window().values() for _, lots in side]
    assert max(lots) > units * 10**pair.qty_decimals
    assert min(lots) < 1000
    assert sum(lot % 100 == 0 for lot in lots) > 500


def test_a_seed_gives_the_same_bytes_and_venue_time_goes_on() -> None:
    first, second = Stream(10, 7), Stream(10, 7)
    assert [first.updates() for _ in range(50)] == [second.updates() for _ in range(50)]
    stamps = [json.loads(first.update())["data"][0]["timestamp"] for _ in range(200)]
    assert stamps == sorted(set(stamps))
    assert Stream(10, 8).snapshot() != Stream(10, 7).snapshot()
