"""The state hash: the same wherever it is computed, another as soon as anything that matters is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from kraken_tui.feed.events import Note
from kraken_tui.feed.session import Session
from kraken_tui.recording.fingerprint import ContentHash, Fingerprint, canonical
from kraken_tui.recording.reader import Recorded, Recording
from kraken_tui.recording.timeline import timeline
from kraken_tui.units import SECOND
from tests.rig.clock import VENUE_START as WALL
from tests.rig.scripted import ScriptedVenue as Venue

GOLDEN_LINES = """\
{"format":"kraken-tui","version":1,"created":"2026-09-21T14:13:20.000Z","url":"","pairs":[]}
{"rx_ns":1790000000000000000,"frame":{"channel":"status","type":"update","data":[{"system":"online","connection_id":18125794168470749634}]}}
{"rx_ns":1790000000010000000,"dir":"tx","frame":{"method":"subscribe","params":{"channel":"book","symbol":["BTC/USD"]}}}
{"rx_ns":1790000000020000000,"frame":{"channel":"instrument","type":"snapshot","data":{"assets":[],"pairs":[{"symbol":"BTC/USD","base":"BTC","quote":"USD","status":"online","price_precision":1,"qty_precision":8,"price_increment":0.1,"qty_increment":1e-8}]}}}
{"rx_ns":1790000000030000000,"frame":{"channel":"book","type":"snapshot","data":[{"symbol":"BTC/USD","bids":[{"price":45283.5,"qty":0.10000000},{"price":45283.4,"qty":1.54582015}],"asks":[{"price":45285.2,"qty":0.00100000},{"price":45286.4,"qty":1.54571953}],"checksum":2050935876,"timestamp":"2026-09-21T14:13:20.000000Z"}]}}
{"rx_ns":1790000000040000000,"frame":{"channel":"trade","type":"snapshot","data":[{"symbol":"BTC/USD","side":"sell","price":45283.5,"qty":0.00500000,"ord_type":"market","trade_id":7001,"timestamp":"2026-09-21T14:13:19.500000Z"}]}}
{"rx_ns":1790000000050000000,"frame":{"channel":"ticker","type":"snapshot","data":[{"symbol":"BTC/USD","bid":45283.5,"bid_qty":0.10000000,"ask":45285.2,"ask_qty":0.00100000,"last":45283.5,"volume":1808.29912345,"vwap":45100.25,"low":44000.1,"high":46000.0,"change":-12.5,"change_pct":-0.03}]}}
{"rx_ns":1790000000060000000,"frame":{"channel":"ohlc","type":"snapshot","timestamp":"2026-09-21T14:13:20.000000Z","data":[{"symbol":"BTC/USD","open":45280.0,"high":45285.2,"low":45279.9,"close":45283.5,"trades":12,"volume":1.25000000,"vwap":45283.1,"interval_begin":"2026-09-21T14:13:00.000000Z","interval":1,"timestamp":"2026-09-21T14:14:00.000000Z"}]}}
{"rx_ns":1790000001000000000,"frame":{"channel":"heartbeat"}}
{"rx_ns":1790000001100000000,"frame":{"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[{"price":45283.4,"qty":0.00000000}],"asks":[],"checksum":1,"timestamp":"2026-09-21T14:13:21.050000Z"}]}}
{"rx_ns":1790000001200000000,"frame":{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"buy","price":45285.2,"qty":0.00100000,"ord_type":"limit","trade_id":7004,"timestamp":"2026-09-21T14:13:21.150000Z"}]}}
{"rx_ns":1790000001300000000,"frame":{"channel":"moon","type":"update","data":[]}}
{"rx_ns":1790000001400000000,"frame":[1,2]}
"""
"""A right snapshot, a wrong checksum, two missing trades, an unknown channel and a frame that is not a message."""

GOLDEN_STATE = "fa6c957024c88e73cca04822c3c447b2e93d1c9e2a433e4cc5e5f3621c5d3d3d"
GOLDEN_CONTENT = "57dd3077cce252aefcc285751c8ddb0e65f094260fea2ace1d919da2220ed691"


def play(recorded: Iterable[Recorded], session: Session | None = None) -> tuple[Session, Fingerprint]:
    """Frames through a replaying session, as the doctor does it."""
    session, fingerprint = session or Session(replay=True), Fingerprint()
    for number, timed in enumerate(timeline(recorded)):
        if not number:
            session.opened(timed.ns, timed.ns)
        if not timed.sent:
            session.frame(timed.frame, timed.ns, timed.ns)
            fingerprint.take(session.take_events())
    return session, fingerprint


def frames(*texts: str | bytes) -> list[Recorded]:
    encoded = [text.encode() if isinstance(text, str) else text for text in texts]
    return [Recorded(WALL + at * SECOND // 10, frame) for at, frame in enumerate(encoded)]


def sample(venue: Venue | None = None) -> list[str | bytes]:
    """Every channel once, and a few book updates of two pairs."""
    venue = venue or Venue()
    pairs = list(venue.pairs)
    texts: list[str | bytes] = [venue.welcome(), venue.instruments()]
    for symbol in pairs:
        texts += [venue.book_snapshot(symbol, 10), venue.trades(symbol, range(5, 9), "snapshot")]
        texts += [venue.ticker(symbol), venue.candle(symbol, 1)]
    texts += [venue.book_update(symbol) for _ in range(3) for symbol in pairs]
    return texts


def state_hash(texts: Iterable[str | bytes]) -> str:
    session, fingerprint = play(frames(*texts))
    return fingerprint.state_hash(session)


def test_a_fixed_recording_has_a_fixed_hash(tmp_path: Path) -> None:
    """Another hash means that something is understood otherwise than before: on purpose, or not."""
    path = tmp_path / "golden.jsonl"
    path.write_text(GOLDEN_LINES, encoding="utf-8", newline="\n")
    session, fingerprint = play(Recording(path))
    counters = session.counters
    assert (counters.frames, counters.checks_ok, counters.checks_failed, counters.trade_gaps, counters.invalid) == (
        11, 1, 1, 2, 1,
    )  # fmt: skip
    contents = ContentHash()
    for recorded in Recording(path):
        contents.add(recorded.frame, sent=recorded.sent)
    assert contents.hexdigest() == GOLDEN_CONTENT
    assert fingerprint.state_hash(session) == GOLDEN_STATE


def test_only_whole_numbers_text_and_truths_are_hashed() -> None:
    session, fingerprint = play(frames(*sample()))

    def leaves(value: Any) -> Iterable[Any]:
        if isinstance(value, dict):
            assert all(type(key) is str for key in value)
            for each in value.values():
                yield from leaves(each)
        elif isinstance(value, list | tuple):
            for each in value:
                yield from leaves(each)
        else:
            yield value

    kinds = {type(leaf) for leaf in leaves(fingerprint.document(session))}
    assert kinds <= {int, str, bool, type(None)}


def test_the_order_of_dictionaries_does_not_matter() -> None:
    """Pairs that came in another order, and tables built in another order, are the same knowledge."""
    one, other = Venue({"BTC/USD": (1, 8), "ETH/USD": (2, 8)}), Venue({"ETH/USD": (2, 8), "BTC/USD": (1, 8)})
    texts = []
    for venue in (one, other):
        books = {}
        for symbol in sorted(venue.pairs):
            books[symbol] = venue.book_snapshot(symbol, 10)
        texts.append([venue.welcome(), venue.instruments(), *(books[symbol] for symbol in venue.pairs)])
    assert texts[0] != texts[1]
    assert state_hash(texts[0]) == state_hash(texts[1])
    assert canonical({"b": [1], "a": None}) == canonical({"a": None, "b": [1]}) == b'{"a":null,"b":[1]}'


def _with(frame: Callable[[Venue], str | bytes]) -> str:
    venue = Venue()
    return state_hash([*sample(venue), frame(venue)])


ONE_MORE: dict[str, Callable[[Venue], str | bytes]] = {
    "a level": lambda venue: venue.book_update("BTC/USD"),
    "a trade": lambda venue: venue.trades("BTC/USD", [9]),
    "a trade gap": lambda venue: venue.trades("BTC/USD", [12]),
    "a duplicate": lambda venue: venue.trades("BTC/USD", [8]),
    "a ticker": lambda venue: venue.ticker("BTC/USD").replace('"change":-1.5', '"change":-1.6'),
    "a candle": lambda venue: venue.candle("BTC/USD", 5),
    "a system state": lambda venue: venue.welcome("maintenance"),
    "another connection": lambda venue: venue.welcome().replace("18125794168470749634", "5"),
    "a pair's status": lambda venue: venue.instruments("update").replace('"online"', '"post_only"', 1),
    "a heartbeat": lambda venue: '{"channel":"heartbeat"}',
    "an unreadable frame": lambda venue: b"\x00{",
    "an unknown channel": lambda venue: '{"channel":"moon","type":"update","data":[]}',
}


def test_whatever_matters_changes_the_hash() -> None:
    hashes = {name: _with(frame) for name, frame in ONE_MORE.items()}
    assert len(set(hashes.values()) | {state_hash(sample())}) == len(hashes) + 1


def test_one_unit_in_the_deepest_level_changes_the_hash_and_that_of_its_pair_alone() -> None:
    """Below the ten of the checksum nothing else would tell."""
    venue = Venue()
    texts = [
        venue.welcome(),
        venue.instruments(),
        venue.book_snapshot("BTC/USD", 25),
        venue.book_snapshot("ETH/USD", 25),
    ]
    lots = venue.books["BTC/USD"].bids[min(venue.books["BTC/USD"].bids)]
    before, after = f"{lots:09d}", f"{lots + 1:09d}"
    changed = [text.replace(f"{before[:-8]}.{before[-8:]}", f"{after[:-8]}.{after[-8:]}") for text in texts]
    (session, print_), (other, other_print) = play(frames(*texts)), play(frames(*changed))
    assert other.counters.checks_failed == 0
    assert print_.state_hash(session) != other_print.state_hash(other)
    assert print_.pair_hash(session, "BTC/USD") != other_print.pair_hash(other, "BTC/USD")
    assert print_.pair_hash(session, "ETH/USD") == other_print.pair_hash(other, "ETH/USD")


def test_clocks_and_words_do_not_change_the_hash() -> None:
    texts = sample()
    session, fingerprint = play(frames(*texts))
    later = [Recorded(recorded.rx_ns + 3600 * SECOND, recorded.frame) for recorded in frames(*texts)]
    other, other_print = play(later)
    for stitcher in other.stitchers.values():
        stitcher.reason = "said otherwise"
    other_print.take([Note(WALL, "info", "a word")])
    assert fingerprint.state_hash(session) == other_print.state_hash(other)


def test_unknown_kinds_are_one_kind() -> None:
    """Their names are cleaned by the tables of the Python that runs, which grow from version to version."""
    moon, sun = (f'{{"channel":"{name}","type":"update","data":[]}}' for name in ("moon", "\u1c89"))
    assert state_hash([*sample(), moon]) == state_hash([*sample(), sun])


@pytest.mark.parametrize("sent", [False, True])
def test_content_hashes_tell_frames_their_borders_order_and_direction(sent: bool) -> None:
    def content(*frames: tuple[bytes, bool]) -> str:
        contents = ContentHash()
        for frame, was_sent in frames:
            contents.add(frame, sent=was_sent)
        return contents.hexdigest()

    ab = content((b"a", sent), (b"b", sent))
    assert ab == content((b"a", sent), (b"b", sent))
    others = [content((b"b", sent), (b"a", sent)), content((b"ab", sent)), content((b"a", sent), (b"b", not sent))]
    assert len({ab, *others}) == 4


def test_the_document_is_json_that_can_be_compared_by_eye() -> None:
    session, fingerprint = play(frames(*sample()))
    document = json.loads(canonical(fingerprint.document(session)))
    assert sorted(document["pairs"]) == ["BTC/USD", "ETH/USD"]
    book = document["pairs"]["BTC/USD"]["book"]
    assert (len(book["bids"]), len(book["asks"]), book["proof"]) == (20, 20, "VERIFIED")
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical(float("nan"))
