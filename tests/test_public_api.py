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

NAMES = {
    "Backpressure",
    "BestBidAsk",
    "Book",
    "BookChanged",
    "BookLine",
    "BookState",
    "BookStateChanged",
    "Candle",
    "CandleChanged",
    "ChecksumMismatch",
    "ClientBuilder",
    "Configuration",
    "ConfigurationError",
    "Connection",
    "ConnectionClosed",
    "ConnectionFailed",
    "DropPolicy",
    "EngineFailed",
    "EventStream",
    "FlowEvent",
    "FlowKind",
    "FrameRejected",
    "GapPolicy",
    "Health",
    "InvalidMessage",
    "KrakenClient",
    "KrakenError",
    "Latency",
    "ListenerCounts",
    "MarketStatus",
    "PRESETS",
    "PairSpec",
    "Proof",
    "Quote",
    "RateLimited",
    "Refused",
    "Registration",
    "Resync",
    "Side",
    "SpecChanged",
    "StateChanged",
    "Stats",
    "SubscriptionFailed",
    "SystemChanged",
    "Ticker",
    "TickerChanged",
    "TimedOut",
    "Trade",
    "__version__",
}

CLIENT = """
__init__(*names, pairs, depth, levels, channels, interval, url, rest_url, demo, demo_seed, replay, speed, record, preset, queue, policy, coalesce_ms, rate, gap_policy, stale_after_s, log_file, clock)
best_bid_ask(symbol)
book(symbol, levels)
builder()
candles(symbol)
close()
errors()
events(*types, symbols, queue, policy, coalesce_ms, rate)
health(symbol)
is_subscribed(symbol)
latency()
on(types, callback)
on_error(callback)
on_state(callback)
open()
pause(paused)
price(symbol, ticks)
quantity(symbol, lots)
record(file)
set_speed(speed)
spec(symbol)
stats()
subscribe(*pairs)
subscriptions()
trades(symbol)
unsubscribe(*pairs)
view(symbol)
async wait_verified(symbol, timeout)
wait_verified_sync(symbol, timeout)
"""  # noqa: E501 - one signature a line

BUILDER = """
__init__()
build()
channels(*names)
coalesce_ms(milliseconds)
demo(seed)
depth(depth)
gap_policy(policy)
interval(minutes)
levels(levels)
log_file(file)
pairs(*names)
policy(policy)
preset(name)
queue(events)
rate(events_per_s)
record(file)
replay(file, speed)
rest_url(url)
stale_after_s(seconds)
url(url)
"""

STREAM = """
close()
get(timeout)
async next(timeout)
"""

REGISTRATION = """
remove()
"""

FIELDS = {
    "BestBidAsk": "symbol bid ask verified stale venue_ns received_ns",
    "Book": "symbol spec bids asks depth state proof reason stale checksum timestamp venue_ns received_ns",
    "BookChanged": "symbol kind verified checksum timestamp venue_ns received_ns changes",
    "BookLine": "changed bids asks spec",
    "BookStateChanged": "ns symbol state proof reason",
    "Candle": "begin_s interval open high low close volume turnover trades closed",
    "CandleChanged": "symbol candle",
    "Connection": "state cause attempt retry_in_s system url",
    "FlowEvent": "symbol ns kind side price qty levels",
    "FrameRejected": "ns symbol reason count",
    "Health": "symbol status reason age_ms",
    "Latency": "count p50 p90 p99 p999 worst clock_offset_ms round_trip_ms",
    "ListenerCounts": "offered sent dropped coalesced waiting",
    "PairSpec": "symbol base quote price_precision qty_precision increment status assumed",
    "Quote": "ticks lots price qty",
    "Refused": "ns symbol channel error nearest",
    "Resync": "ns symbol cause expected actual",
    "SpecChanged": "spec",
    "StateChanged": "ns state cause attempt retry_in_s",
    "Stats": "messages applied ignored rejected checks_ok checks_failed resyncs reconnects duplicates trade_gaps"
    " listeners callback_errors held_back left_out",
    "SystemChanged": "ns system",
    "Ticker": "last change change_pct high low volume vwap bid ask",
    "TickerChanged": "symbol ticker",
    "Trade": "symbol side price qty ord_type trade_id timestamp venue_ns live",
}

ERRORS = {
    "ChecksumMismatch": "expected actual symbol",
    "ConnectionClosed": "cause retry_in_s",
    "ConnectionFailed": "cause attempt retry_in_s",
    "InvalidMessage": "reason symbol channel",
    "RateLimited": "retry_after cause",
    "SubscriptionFailed": "symbol reason nearest channel",
}

DOCS = Path(__file__).resolve().parents[1] / "docs" / "LIBRARY.md"


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


def test_exactly_the_promised_names_are_exported() -> None:
    assert len(kraken_tui.__all__) == len(NAMES)
    assert set(kraken_tui.__all__) == NAMES
    for name in NAMES:
        assert getattr(kraken_tui, name) is not None
    assert set(dir(kraken_tui)) >= NAMES
    with pytest.raises(AttributeError, match="no_such_name"):
        kraken_tui.no_such_name  # noqa: B018 - the access is the test


@pytest.mark.parametrize(
    ("name", "expected"),
    [("KrakenClient", CLIENT), ("ClientBuilder", BUILDER), ("EventStream", STREAM), ("Registration", REGISTRATION)],
)
def test_signatures_are_as_promised(name: str, expected: str) -> None:
    found = signatures(getattr(kraken_tui, name))
    if name in ("EventStream", "Registration"):
        found = [line for line in found if not line.startswith(("__init__", "call("))]
    assert found == sorted(expected.strip().splitlines(), key=lambda line: line.removeprefix("async "))


def test_every_setting_of_the_client_can_be_built() -> None:
    arguments = set(inspect.signature(kraken_tui.KrakenClient).parameters) - {"names", "clock"}
    built = {line.partition("(")[0] for line in BUILDER.split("\n") if line} - {"__init__", "build"}
    assert arguments - {"demo_seed", "speed"} == built


@pytest.mark.parametrize("name", FIELDS)
def test_fields_of_values_are_as_promised_and_cannot_be_changed(name: str) -> None:
    kind = getattr(kraken_tui, name)
    # More may come; what is promised stays, in its order.
    assert [field for field in kind.__struct_fields__ if field in FIELDS[name].split()] == FIELDS[name].split()
    assert issubclass(kind, msgspec.Struct)
    assert kind.__struct_config__.frozen


@pytest.mark.parametrize("name", ERRORS)
def test_errors_carry_what_is_promised_and_share_one_base(name: str) -> None:
    kind = getattr(kraken_tui, name)
    assert issubclass(kind, kraken_tui.KrakenError)
    assert " ".join(list(inspect.signature(kind).parameters)) == ERRORS[name]


def test_errors_fit_the_builtin_ones_they_resemble() -> None:
    assert issubclass(kraken_tui.Configuration, ValueError)
    assert issubclass(kraken_tui.TimedOut, TimeoutError)
    assert kraken_tui.ConfigurationError is kraken_tui.Configuration


def test_the_documents_name_every_exported_name_and_method() -> None:
    text = DOCS.read_text(encoding="utf-8")
    words = set(re.findall(r"\w+", text))
    assert not NAMES - words
    for kind in (kraken_tui.KrakenClient, kraken_tui.EventStream, kraken_tui.Registration):
        public = {name for name in members(kind) if not name.startswith("_")} - {"call"}
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
