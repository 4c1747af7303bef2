"""How values are read from text, from TOML and from a program, and the rules at their edges."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kraken_tui.settings import Rotation
from kraken_tui.settings.readers import (
    Anything,
    Ascending,
    Between,
    FileName,
    KafkaBrokers,
    ListenAddress,
    Number,
    Numbers,
    OneOf,
    PairCount,
    PairList,
    Reader,
    RestAddress,
    Rule,
    SizeOrTime,
    StartTime,
    Switch,
    Text,
    TopicPrefix,
    WebSocketAddress,
    Whole,
    WrongValue,
    is_pair_name,
    nearest,
)


@pytest.mark.parametrize(
    ("reader", "way", "given", "read"),
    [
        (Whole(), "text", "-" + "9" * 18, -(10**18 - 1)),
        (Whole(), "value", 7, 7),
        (Number(), "text", "+1.5", 1.5),
        (Number(), "toml", 3, 3.0),
        (Number(), "value", 10**400, float("inf")),
        (Numbers(), "text", "1, 2.5", (1.0, 2.5)),
        (Numbers(), "toml", [1, 2.5], (1.0, 2.5)),
        (Numbers(), "value", (1, 2.5), (1.0, 2.5)),
        (Numbers(), "value", iter([1, 2]), (1.0, 2.0)),
        (Switch(), "text", "YES", True),
        (Switch(), "text", "off", False),
        (Switch(), "toml", False, False),
        (Switch(), "value", 1, True),
        (Text(), "text", "a", "a"),
        (Text(), "toml", "a", "a"),
        (Text(), "value", "a", "a"),
        (FileName(), "text", "a/b", Path("a/b")),
        (FileName(), "toml", "a/b", Path("a/b")),
        (FileName(), "value", Path("a/b"), Path("a/b")),
        (FileName(), "value", None, None),
        (SizeOrTime(), "text", " 2GB ", Rotation(bytes=2 * 10**9)),
        (SizeOrTime(), "toml", "7d", Rotation(seconds=7 * 86_400)),
        (SizeOrTime(), "value", "30m", Rotation(seconds=1800)),
        (SizeOrTime(), "value", None, None),
        (PairList(), "text", "BTC/USD,, ETH/USD ,BTC/USD", ("BTC/USD", "ETH/USD")),
        (PairList(), "toml", ["BTC/USD", "BTC/USD"], ("BTC/USD",)),
        (PairList(), "value", "BTC/USD", ("BTC/USD",)),
        (PairList(), "value", ["A/B", "A/B"], ("A/B",)),
    ],
)
def test_what_is_read(reader: Reader, way: str, given: Any, read: Any) -> None:
    found = getattr(reader, way)(given)
    assert found == read
    assert type(found) is type(read)


@pytest.mark.parametrize(
    ("reader", "way", "given", "words"),
    [
        (Whole(), "text", "1" + "0" * 18, "takes a whole number"),
        (Whole(), "toml", True, "takes a whole number"),
        (Number(), "text", "1e5", "takes a plain number"),
        (Number(), "toml", True, "takes a number"),
        (Number(), "toml", "1", "takes a number"),
        (Numbers(), "toml", "1", "takes a list of numbers"),
        (Numbers(), "value", "12", "takes a list of numbers"),
        (Numbers(), "value", 12, "takes a list of numbers"),
        (Switch(), "text", "maybe", "takes yes or no"),
        (Switch(), "toml", 1, "takes true or false"),
        (Text(), "toml", 1, "takes text in quotes"),
        (Text(), "value", 1, "takes text"),
        (FileName(), "toml", 1, "takes a file name in quotes"),
        (FileName(), "value", 1, "takes a file name"),
        (FileName(), "value", b"a", "takes a file name"),
        (SizeOrTime(), "text", "0m", "takes a whole number of MB, GB, m, h or d, such as 100MB or 1h"),
        (SizeOrTime(), "toml", 7, 'takes a size or a time in quotes, such as "100MB" or "1h"'),
        (PairList(), "toml", ["BTC/USD", 1], 'takes a list of pairs, such as ["BTC/USD", "ETH/USD"]'),
        (PairList(), "toml", "BTC/USD", 'takes a list of pairs, such as ["BTC/USD", "ETH/USD"]'),
        (PairList(), "value", 1, "takes names such as BTC/USD"),
        (PairList(), "value", ["A/B", 1], "takes names such as BTC/USD, not 1"),
    ],
)
def test_what_is_refused(reader: Reader, way: str, given: Any, words: str) -> None:
    with pytest.raises(WrongValue) as caught:
        getattr(reader, way)(given)
    assert str(caught.value) == words


def test_a_wrong_name_of_a_pair_is_repeated_up_to_sixty_characters() -> None:
    for name, shown in (("x" * 58, repr("x" * 58)), ("x" * 59, "'" + "x" * 58 + "…")):
        with pytest.raises(WrongValue) as caught:
            PairList().value([name])
        assert str(caught.value) == f"takes names such as BTC/USD, not {shown}"


def test_a_name_of_a_pair_has_one_to_forty_printable_characters() -> None:
    names = ("", "x", "x" * 40, "x" * 41, "a\nb")
    assert [is_pair_name(name) for name in names] == [False, True, True, False, False]


ALLOWED: list[tuple[Rule, list[Any], list[Any], str]] = [
    (Anything(), [0, "x", None], [], ""),
    (OneOf((1, 5, 15)), [1, 15], [0, 2], "1, 5 or 15"),
    (OneOf((1, 5), auto=True), [0, 1], [2, -1], "1 or 5"),
    (Between(0.5, 600), [0.5, 600], [0.499, 600.1, float("nan"), 10**400], "0.5 to 600"),
    (
        Ascending(3, 10),
        [(1.0, 2.0, 10.0)],
        [(1.0, 2.0), (1.0, 2.0, 3.0, 4.0), (0.0, 1.0, 2.0), (1.0, 1.0, 2.0), (1.0, 2.0, 10.1)],
        "3 ascending numbers, above 0 and up to 10",
    ),
    (PairCount(1, 2), [("A/B",), ("A/B", "C/D")], [(), ("A", "B", "C"), ("A", "x" * 41)], "1 to 2 pairs"),
    (PairCount(0, 1000), [()], [], "0 to 1,000 pairs"),
    (
        WebSocketAddress(),
        ["wss://a.example/v2"],
        ["http://a.example", ""],
        "a wss:// address, or ws:// on this computer only",
    ),
    (
        RestAddress(),
        ["https://a.example"],
        ["ws://a.example", ""],
        "an https:// address, or http:// on this computer only",
    ),
    (ListenAddress(), ["", "9464", "127.0.0.1:9464"], ["x", "1.2.3.4"], "HOST:PORT such as 127.0.0.1:9464"),
    (
        KafkaBrokers(),
        ["", "a:1", "a:65535", "[::1]:9092,b.example:9092", "aa:1," * 199 + "aaa:1"],
        ["a", "a:0", "a:65536", "a:1,", ",", "a b:1", "aa:1," * 199 + "aaaa:1"],
        "brokers as host:port, such as 127.0.0.1:9092; commas separate them",
    ),
    (
        TopicPrefix(),
        ["kraken", "a.b-c_1", "x" * 200],
        ["", ".", "..", "a/b", "x" * 201],
        "letters, digits, dot, underscore and hyphen, at most 200",
    ),
    (
        StartTime(),
        ["", "20m", "3d", "2026-11-28T09:30", "2026-11-28 09:30Z", "14:03:10", "+90"],
        ["now", "20x", "1234567s", "2026-11-28"],
        "a time in UTC such as 14:03:10 or 2026-11-28T09:30:00Z, +90 (seconds from the start), or, of Kafka, a time ago"
        " such as 20m, 2h or 3d",
    ),
]


@pytest.mark.parametrize(("rule", "good", "bad", "named"), ALLOWED, ids=[type(row[0]).__name__ for row in ALLOWED])
def test_rules(rule: Rule, good: list[Any], bad: list[Any], named: str) -> None:
    assert str(rule) == named
    for value in good:
        rule(value)
    for value in bad:
        with pytest.raises(WrongValue, match=r"^takes "):
            rule(value)


def test_a_kafka_address_has_at_most_a_thousand_characters() -> None:
    longest = ",".join(["a:1"] * 250) + "1"
    assert len(longest) == 1000
    KafkaBrokers()(longest)
    with pytest.raises(WrongValue):
        KafkaBrokers()(longest + "1")


def test_a_single_pair_and_several_have_their_own_words() -> None:
    for high, words in (
        (1, "takes a pair name such as BTC/USD, at most 40 characters"),
        (2, "takes pair names such as BTC/USD, at most 40 characters each"),
    ):
        with pytest.raises(WrongValue) as caught:
            PairCount(0, high)(("x" * 41,))
        assert str(caught.value) == words


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("dar", "; nearest: dark"),
        ("da", ""),
        ("--da", ""),
        ("dakr", "; nearest: dark"),
        ("li", ""),
        ("lig", ""),
        ("light-", "; nearest: light-blue"),
        ("zzz", ""),
    ],
)
def test_nearest(name: str, found: str) -> None:
    assert nearest(name, ["dark", "light-blue", "light-red"][: 2 if name == "light-" else 3]) == found
