"""What a program may rely on: the names `kraken_tui` exports, their signatures, and that Textual is not needed."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

import kraken_tui

CLIENT = """
__init__(*names, pairs, depth, levels, channels, interval, url, rest_url, demo, demo_seed, replay, kafka, at, kafka_topic_prefix, kafka_config, speed, record, preset, queue, policy, coalesce_ms, rate, gap_policy, stale_after_s, log_file, metrics_addr, history_min, history_mb, large_order, flow_value, flow_factor, clock, level3, level3_depth, account, key_name, level3_url, account_url, trade, paper, trade_max_worth, trade_max_size, trade_max_open, trade_band_pct)
account()
aggregate(symbol, step, rows, at)
async amend(key, symbol, price, quantity)
async arm(symbol)
best_bid_ask(symbol)
book(symbol, levels)
async cancel(key)
async cancel_all()
async disarm()
async place(symbol, side, quantity, price, kind, post_only, validate)
candles(symbol)
close()
errors()
events(*types, symbols, queue, policy, coalesce_ms, rate)
health(symbol, at)
heatmap(symbol, step, columns, width_s, weighing, at)
history(symbol)
imbalance(symbol, levels, at)
is_subscribed(symbol)
ladder(symbol, levels, at)
large_orders(symbol, threshold, at)
latency()
level3(symbol)
metrics(symbol, levels, at)
on(types, callback)
on_error(callback)
on_state(callback)
open()
pairs(text)
pause(paused)
pressure(symbol, levels, at)
price(symbol, ticks)
profile(symbol, step, seconds, at)
quantity(symbol, lots)
record(file)
set_speed(speed)
skip()
spec(symbol)
stats()
subscribe(*pairs, depth, interval, large_order)
subscriptions()
sweep(symbol, side, size, notional, fee_pct, at)
ticker(symbol, at)
trades(symbol)
trades_at_price(symbol, step, at)
unsubscribe(*pairs)
view(symbol, at)
async wait_verified(symbol, timeout)
wait_verified_sync(symbol, timeout)
"""  # noqa: E501 - one signature a line

STREAM = """
close()
get(timeout)
async next(timeout)
"""

REGISTRATION = """
remove()
"""

DOCS = (Path(__file__).resolve().parents[1] / "docs" / "LIBRARY.md").read_text(encoding="utf-8")


def documented(heading: str) -> dict[str, list[str]]:
    """The first table under a heading of LIBRARY.md: name of each row -> names in its second column."""
    section = DOCS.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \|", section, re.MULTILINE)
    return {name: re.findall(r"`(\w+)`", fields) for name, fields in rows}


VALUES = documented("Values")
ERRORS = {name: fields for name, fields in documented("Errors").items() if "__cause__" not in fields and fields}


def members(kind: type) -> dict[str, object]:
    """Everything of a class and its bases of this package."""
    return {name: member for base in reversed(kind.__mro__[:-1]) for name, member in vars(base).items()}


def signatures(kind: type) -> list[str]:
    """Public methods of a class as "name(parameters)"."""
    found = []
    for name, member in members(kind).items():
        function = member.__func__ if isinstance(member, staticmethod) else member
        if not inspect.isfunction(function) or (name.startswith("_") and name != "__init__"):
            continue
        parameters = [
            f"*{each.name}" if each.kind is each.VAR_POSITIONAL else each.name
            for each in inspect.signature(function).parameters.values()
            if each.name != "self"
        ]
        prefix = "async " if inspect.iscoroutinefunction(function) else ""
        found.append(f"{prefix}{name}({', '.join(parameters)})")
    return sorted(found, key=lambda line: line.removeprefix("async "))


def test_exactly_the_documented_names_are_exported() -> None:
    names = kraken_tui.__all__
    assert len(names) == len(set(names)) > 50
    assert set(dir(kraken_tui)) >= set(names)
    for name in names:
        assert getattr(kraken_tui, name) is not None
        assert re.search(rf"`{name}[`.(]|\b{name}\b", DOCS), f"{name} is not in LIBRARY.md"
    with pytest.raises(AttributeError, match="no_such_name"):
        kraken_tui.no_such_name  # noqa: B018 - the access is the test


def test_a_type_checker_sees_the_same_names_and_no_others(tmp_path: Path) -> None:
    """`__getattr__` is hidden from it, so a name it does not find in `kraken_tui.public` is an error."""
    names = sorted(kraken_tui.__all__)
    program = tmp_path / "program.py"
    program.write_text(f"from kraken_tui import {', '.join(names)}\nfrom kraken_tui import no_such_name\n")
    mypy = pytest.importorskip("mypy.api")
    said, complaint, _ = mypy.run(["--strict", "--follow-imports=silent", "--no-incremental", str(program)])
    assert complaint == ""
    errors = [line.partition(": ")[2] for line in said.splitlines() if ": error:" in line]
    assert errors == ['error: Module "kraken_tui" has no attribute "no_such_name"  [attr-defined]']
    assert ":2: " in said


@pytest.mark.parametrize(
    ("name", "expected"),
    [("KrakenClient", CLIENT), ("EventStream", STREAM), ("Registration", REGISTRATION)],
)
def test_signatures_are_as_promised(name: str, expected: str) -> None:
    found = signatures(getattr(kraken_tui, name))
    if name in ("EventStream", "Registration"):
        found = [line for line in found if not line.startswith(("__init__", "call("))]
    assert found == sorted(expected.strip().splitlines(), key=lambda line: line.removeprefix("async "))


def test_every_keyword_of_the_client_is_documented() -> None:
    table = DOCS.partition("\n## Configuration\n")[2].partition("\n## ")[0]
    for name in inspect.signature(kraken_tui.KrakenClient).parameters.keys() - {"names"}:
        assert f"`{name}`" in table


def test_every_value_is_documented_with_its_fields() -> None:
    structs = {
        name
        for name in kraken_tui.__all__
        if isinstance(kind := getattr(kraken_tui, name), type) and issubclass(kind, msgspec.Struct)
    }
    assert structs - {"BookLine"} == VALUES.keys()


@pytest.mark.parametrize("name", VALUES)
def test_fields_of_values_are_as_documented_and_cannot_be_changed(name: str) -> None:
    kind = getattr(kraken_tui, name)
    assert list(kind.__struct_fields__) == VALUES[name]
    assert kind.__struct_config__.frozen
    assert callable(kind.to_dict)


def test_what_a_book_line_gives_is_documented() -> None:
    row = DOCS.partition("| `BookLine` |")[2].partition("\n")[0]
    gives = {name for name in members(kraken_tui.BookLine) if not name.startswith("_")} - {"to_dict"}
    assert gives == set(re.findall(r"`([a-z]\w*)`", row))


@pytest.mark.parametrize("name", ERRORS)
def test_errors_carry_what_is_documented_and_share_one_base(name: str) -> None:
    kind = getattr(kraken_tui, name)
    assert issubclass(kind, kraken_tui.KrakenError)
    assert list(inspect.signature(kind).parameters) == ERRORS[name]


def test_every_error_is_documented() -> None:
    kinds = {
        name
        for name in kraken_tui.__all__
        if isinstance(kind := getattr(kraken_tui, name), type) and issubclass(kind, kraken_tui.KrakenError)
    }
    assert kinds - {"KrakenError", "Configuration"} == documented("Errors").keys()


def test_errors_fit_the_builtin_ones_they_resemble() -> None:
    assert issubclass(kraken_tui.Configuration, ValueError)
    assert issubclass(kraken_tui.TimedOut, TimeoutError)
    assert kraken_tui.ConfigurationError is kraken_tui.Configuration


def test_the_documents_name_every_method() -> None:
    words = set(re.findall(r"\w+", DOCS))
    for kind in (kraken_tui.KrakenClient, kraken_tui.EventStream, kraken_tui.Registration, kraken_tui.BestBidAsk):
        public = {name for name in members(kind) if not name.startswith("_")} - {"call", "internal_types"}
        assert not public - words, kind


@pytest.mark.realtime
def test_it_works_where_textual_is_not_installed() -> None:
    code = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"textual", "rich", "plotext"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
import kraken_tui
for name in kraken_tui.__all__:
    getattr(kraken_tui, name)
with kraken_tui.KrakenClient("BTC/USD", demo=True) as client:
    print(client.wait_verified_sync("BTC/USD", timeout=30).verified)
print(sorted({"textual", "rich", "plotext"} & {name.partition(".")[0] for name in sys.modules}))
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("True\n[]\n", "")


@pytest.mark.parametrize(
    "error",
    [
        kraken_tui.ConnectionFailed("refused", 2, 1.5),
        kraken_tui.ConnectionClosed("going away", 2.0),
        kraken_tui.RateLimited(3.0, "HTTP 429"),
        kraken_tui.InvalidMessage("no JSON", "BTC/USD"),
        kraken_tui.ChecksumMismatch(1, 2, "BTC/USD"),
        kraken_tui.SubscriptionFailed("A/B", "unknown", ("A/C",), "book"),
        kraken_tui.Configuration("depth takes ten"),
        kraken_tui.TimedOut("no answer"),
        kraken_tui.EngineFailed("the engine failed"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_can_be_copied_and_sent_to_other_processes(error: kraken_tui.KrakenError) -> None:
    for other in (copy.copy(error), copy.deepcopy(error), pickle.loads(pickle.dumps(error))):
        assert type(other) is type(error)
        assert str(other) == str(error)
        assert vars(other) == vars(error)
