"""The program against an independent exchange: committed recordings whose truth was worked out without its code.

They stand in for recordings of the real exchange, which are not part of the repository: every depth, seven precisions,
lost messages, refusals, a change of precision, a reconnect. The program is run as a user runs it.
"""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections import Counter
from typing import Any

import pytest

from tests.reference.book import TextBook
from tests.reference.session import FOLDER, RECORDINGS, Session
from tests.reference.vectors import BTC_USD, MATIC_USD, levels, without_trailing_zeros


def run(*arguments: str) -> str:
    done = subprocess.run([sys.executable, "-m", "kraken_tui", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


@pytest.fixture(scope="module", params=RECORDINGS)
def recorded(request: pytest.FixtureRequest) -> tuple[str, Session]:
    """A committed recording's path and the session it was written from, with its truth."""
    session = RECORDINGS[request.param]()
    session.finish()
    return str(FOLDER / f"{request.param}.jsonl.gz"), session


@pytest.mark.parametrize("name", RECORDINGS)
def test_the_committed_recording_is_what_the_generator_writes(name: str) -> None:
    assert gzip.decompress((FOLDER / f"{name}.jsonl.gz").read_bytes()).decode() == "".join(RECORDINGS[name]().lines)


@pytest.mark.realtime
def test_every_book_and_every_trade_comes_out_as_it_was(recorded: tuple[str, Session]) -> None:
    path, session = recorded
    names = list(session.books)
    deepest = str(max(truth.depth for truth in session.truth.values()))
    lines = [
        json.loads(line)
        for line in run(
            "stream", *names, "--replay", path, "--depth", "1000", "--levels", deepest, "--snapshot-trades"
        ).splitlines()
    ]
    newest: dict[str, Any] = {}
    messages: Counter[str] = Counter()
    trades: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for line in lines:
        if line["event"] == "book":
            newest[line["symbol"]] = line
            messages[line["symbol"]] += 1
        elif line["event"] == "trade":
            trades[line["symbol"]].append(line)
    for name in names:
        truth = session.truth[name]
        assert newest[name]["verified"]
        assert [tuple(level) for level in newest[name]["bids"]] == truth.bids
        assert [tuple(level) for level in newest[name]["asks"]] == truth.asks
        assert len(trades[name]) == truth.trades
        assert trades[name][-1]["price"] == truth.last
        assert messages[name] == truth.matching + truth.differing


@pytest.mark.realtime
def test_the_doctor_counts_what_there_was(recorded: tuple[str, Session]) -> None:
    path, session = recorded
    report = json.loads(run("doctor", "--recording", path, "--json"))
    for pair in report["pairs"]:
        truth = session.truth[pair["symbol"]]
        assert (pair["checksums_right"], pair["checksums_wrong"]) == (truth.matching, truth.differing)
        assert (pair["depth"], pair["trades"], pair["proof"]) == (truth.depth, truth.trades, "VERIFIED")
    assert {pair["symbol"] for pair in report["pairs"]} == set(session.books)
    assert report["ok"] == all(truth.differing == 0 for truth in session.truth.values())


def test_the_reference_reproduces_the_documented_checksums() -> None:
    for example in (BTC_USD, MATIC_USD):
        book = TextBook(10)
        book.load(levels(str(example["bids"])), levels(str(example["asks"])))
        assert book.checksum() == example["checksum"]
        if "update" in example:
            book.apply(levels(str(example["update"])), [])
            assert book.checksum() == example["checksum_after"]


def test_the_documented_numbers_without_their_zeros_give_another_checksum() -> None:
    book = TextBook(10)
    book.load(without_trailing_zeros(str(MATIC_USD["bids"])), without_trailing_zeros(str(MATIC_USD["asks"])))
    assert book.checksum() == MATIC_USD["checksum_unpadded"]
