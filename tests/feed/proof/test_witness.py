"""The second witness: unit tests of the judgement, and F66 and F67 against the local exchange in virtual time."""

from __future__ import annotations

import re
from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kraken_tui.feed.events import BookStateChanged, Resync, TickerChanged
from kraken_tui.feed.proof.witness import APART_NS, MISSES, PATIENCE_NS, DecimalsWitness, TouchWitness, Verdict
from kraken_tui.market.events import BookChanged, BookState, Proof
from kraken_tui.units import SECOND
from kraken_tui.wire.messages import WireLevel
from kraken_tui.wire.symbols import PairSpec
from tests.rig.bench import ExchangeRig, Rig
from tests.rig.world import World, thin

SPEC = PairSpec("BTC/USD", "BTC", "USD", 1, 8)


def watching(bid: int = 100, ask: int = 101) -> TouchWitness:
    witness = TouchWitness(SPEC)
    witness.began(bid, ask, 0)
    return witness


def verdicts(witness: TouchWitness, start_s: float, end_s: float) -> list[tuple[float, Verdict]]:
    """Judge four times a second and keep what is not NOTHING."""
    found = []
    for quarter in range(round(start_s * 4), round(end_s * 4)):
        verdict = witness.judge(quarter * SECOND // 4)
        if verdict is not Verdict.NOTHING:
            found.append((quarter / 4, verdict))
            if verdict is Verdict.ALARM:
                break
    return found


def test_an_equal_report_agrees_and_nothing_is_asked() -> None:
    witness = watching()
    assert witness.text == "no ticker yet"
    witness.report(100, 101, SECOND)
    assert witness.text == "agrees"
    assert verdicts(witness, 1, 600) == []


@pytest.mark.parametrize(
    ("told", "reason"), [((None, 150), "the ticker's ask 15.0"), ((50, None), "the ticker's bid 5.0")]
)
def test_a_side_the_ticker_does_not_tell_is_not_judged(told: tuple[int | None, int | None], reason: str) -> None:
    witness = watching()
    half = (None, 101) if told[0] is None else (100, None)
    witness.report(*half, SECOND)
    assert witness.agrees
    assert verdicts(witness, 1, 600) == []
    # The other side moves far away in the book, and the ticker still says nothing about it.
    witness.touch(*((10, 101) if told[0] is None else (100, 999)), 601 * SECOND)
    witness.report(*half, 602 * SECOND)
    assert witness.agrees
    assert verdicts(witness, 602, 1200) == []
    witness.report(*told, 1201 * SECOND)
    assert verdicts(witness, 1201, 1300), "what it does tell is judged"
    assert witness.reason.startswith(reason)


@pytest.mark.parametrize("book_first", [True, False])
def test_channels_may_race_by_up_to_two_seconds_either_way(book_first: bool) -> None:
    witness = watching()
    for number in range(1, 60):
        touch = (100 + number, 101 + number)
        at = number * 3 * SECOND
        first, second = (witness.touch, witness.report) if book_first else (witness.report, witness.touch)
        first(*touch, at)
        assert witness.judge(at + SECOND) is Verdict.NOTHING
        second(*touch, at + PATIENCE_NS - 1)
        assert witness.judge(at + PATIENCE_NS) is Verdict.NOTHING
        assert witness.agrees
    assert witness.text == "agrees"


def test_a_touch_that_was_the_books_for_an_instant_agrees() -> None:
    witness = watching()
    witness.touch(99, 101, SECOND)
    witness.touch(100, 101, SECOND + 1)
    witness.report(99, 101, 2 * SECOND)
    assert witness.agrees


def test_sides_may_agree_at_different_moments() -> None:
    witness = watching()
    witness.report(102, 103, SECOND)
    witness.touch(102, 104, 2 * SECOND)
    witness.touch(101, 103, 2 * SECOND + 5)
    assert witness.agrees


def test_reports_that_keep_missing_raise_an_alarm_within_seconds() -> None:
    witness = watching()
    for number in range(MISSES):
        witness.report(110 + number, 112, number * SECOND)
        witness.touch(100, 101 + number % 2, number * SECOND)
    assert verdicts(witness, 0, 30) == [(5, Verdict.ALARM)]
    assert witness.reason == "the ticker's ask 11.2 is not the book's 10.1"


def test_one_difference_asks_the_ticker_and_alarms_only_if_that_differs_too() -> None:
    witness = watching()
    witness.report(99, 101, 0)
    assert verdicts(witness, 0, 6) == [(5, Verdict.ASK)]
    witness.report(99, 101, 6 * SECOND, snapshot=True)
    assert verdicts(witness, 6, 30) == [(8, Verdict.ALARM)]


def test_an_answer_that_agrees_clears_the_doubt() -> None:
    witness = watching()
    witness.report(99, 101, 0)
    assert verdicts(witness, 0, 6) == [(5, Verdict.ASK)]
    witness.report(100, 101, 6 * SECOND, snapshot=True)
    assert witness.text == "agrees"
    assert verdicts(witness, 6, 300) == []


def test_a_frozen_book_is_not_saved_by_a_market_that_comes_by() -> None:
    witness = watching()
    for number in range(12):
        # Every other report is the frozen touch.
        witness.report(100 + number % 2 * 7, 101, number * SECOND // 2)
        if witness.judge(number * SECOND // 2) is Verdict.ALARM:
            break
    assert verdicts(witness, 6, 16) == [(6, Verdict.ALARM)]


def test_a_lively_book_with_single_odd_reports_never_alarms() -> None:
    """The ticker may tell touches that one book message stepped over."""
    witness = watching()
    for second in range(300):
        witness.touch(100 + second % 3, 101 + second % 3, second * SECOND)
        witness.report(97 if second % 2 else 100 + second % 3, 101 + second % 3, second * SECOND)
        assert witness.judge(second * SECOND) is Verdict.NOTHING


def test_a_ticker_that_fell_silent_is_asked_and_called_silent_but_accuses_nobody() -> None:
    witness = watching()
    witness.report(100, 101, 0)
    for second in range(1, 100):
        witness.touch(200 + second, 201 + second, second * SECOND)
    found = verdicts(witness, 100, 200)
    assert {verdict for _, verdict in found} == {Verdict.ASK}
    assert 3 <= len(found) <= 4
    assert witness.text == "the ticker is silent"
    assert APART_NS <= 10 * SECOND


def test_a_gross_difference_needs_one_report_only() -> None:
    witness = watching(50_000, 50_001)
    witness.report(5_000, 5_001, 0)
    assert verdicts(witness, 0, 20) == [(3, Verdict.ALARM)]


def test_what_is_not_told_is_not_judged_and_an_empty_side_is() -> None:
    witness = watching()
    witness.report(None, None, 0)
    assert verdicts(witness, 0, 8) == []
    empty = TouchWitness(SPEC)
    empty.began(None, 101, 0)
    empty.report(100, 101, 0)
    assert verdicts(empty, 0, 8) == [(3, Verdict.ALARM)]
    assert empty.reason == "the ticker's bid 10.0 is not the book's (none)"


def test_nothing_is_judged_while_the_book_is_not_live() -> None:
    witness = watching()
    witness.report(7, 8, 0)
    witness.ended()
    assert verdicts(witness, 0, 60) == []
    witness.began(7, 8, 60 * SECOND)
    assert witness.agrees


@pytest.mark.parametrize("touch", [(99, 101), (100, 102), (None, 101), (100, None)])
def test_a_touch_that_moved_on_either_side_is_followed(touch: tuple[int | None, int | None]) -> None:
    witness = watching()
    witness.report(*touch, SECOND)
    witness.follow(100, 101, SECOND)
    if None not in touch:
        assert witness.judge(SECOND) is Verdict.NOTHING
        assert witness.agrees is not True
    witness.follow(*touch, 2 * SECOND)
    assert witness.agrees


def test_a_book_that_is_not_watched_yet_is_from_the_first_touch_on() -> None:
    witness = TouchWitness(SPEC)
    witness.report(100, 101, 0)
    assert not witness.watching
    witness.follow(100, 101, SECOND)
    assert witness.watching
    assert witness.agrees


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(1, 3), st.integers(0, 3000)), min_size=1, max_size=60),
    st.integers(-1900, 1900),
)
def test_an_honest_ticker_never_raises_an_alarm_however_the_channels_race(
    moves: list[tuple[int, int, int]], skew_ms: int
) -> None:
    """Any sequence of touches, told by both channels with a constant difference below the patience."""
    moments: list[tuple[int, int, tuple[int, int]]] = []
    at = 3 * SECOND
    for bid, spread, wait_ms in moves:
        at += wait_ms * 1_000_000
        moments.append((at + max(0, skew_ms) * 1_000_000, 0, (100 + bid, 100 + bid + spread)))
        moments.append((at + max(0, -skew_ms) * 1_000_000, 1, (100 + bid, 100 + bid + spread)))
    witness = TouchWitness(SPEC)
    witness.began(100, 101, 0)
    pending = deque(sorted(moments))
    for quarter in range(pending[-1][0] // (SECOND // 4) + 40):
        now = quarter * SECOND // 4
        while pending and pending[0][0] <= now:
            moment, channel, touch = pending.popleft()
            (witness.report if channel else witness.touch)(*touch, moment)
        assert witness.judge(now) is not Verdict.ALARM


# -- decimals ----------------------------------------------------------------------------------------------------


def levels(*pairs: tuple[object, object]) -> list[WireLevel]:
    return [WireLevel(price, qty) for price, qty in pairs]


@pytest.mark.parametrize(
    ("price", "qty", "complaint"),
    [
        ("5000.1", "1.00000000", ""),
        ("5000.10", "1.00000000", "prices are written with 2 decimals, the pair has 1"),
        ("5000.1", "1.000000000", "quantities are written with 9 decimals, the pair has 8"),
        (5000, "1e-8", ""),
        ("5000.1", "nonsense", ""),
        ("5000.1", "0E-10", ""),
        ("5000.1", "0.0000000000", ""),
    ],
)
def test_more_decimals_than_told_put_the_scale_in_doubt(price: object, qty: object, complaint: str) -> None:
    found, doubtful = DecimalsWitness(SPEC).look((levels((price, qty)), []), snapshot=False)
    assert found == complaint
    assert doubtful is bool(complaint)


def test_fewer_decimals_throughout_a_whole_book_are_odd_but_provable() -> None:
    witness = DecimalsWitness(SPEC)
    side = levels(*[(5000 + i, "1.00000000") for i in range(10)])
    assert witness.look((side, side), snapshot=True) == (
        "prices are written with at most 0 decimals, the pair has 1",
        False,
    )
    side[3].price = "5000.5"
    assert witness.look((side, side), snapshot=True) == ("", False)
    assert witness.look((side[:3], side[:3]), snapshot=True) == ("", False)


# -- the whole session -------------------------------------------------------------------------------------------


def causes(rig: ExchangeRig, since: int = 0) -> list[tuple[str, str, float]]:
    return [(e.symbol, e.cause, (e.ns - since) / SECOND) for e in rig.of(Resync) if e.ns >= since]


@pytest.mark.parametrize("seed", [1, 2])
def test_two_minutes_of_an_honest_market_raise_no_alarm(seed: int) -> None:
    rig = ExchangeRig("BTC/USD", "MINA/GBP", "PEPE/USD", seed=seed, step_s=0.25)
    rig.run(120)
    assert rig.session.counters.witness_alarms == 0
    assert causes(rig) == []
    assert {pair.witness for pair in rig.session.pairs.values()} == {"agrees"}


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_f67_a_frozen_book_is_found_within_15_s_and_quarantined_if_it_stays_frozen(seed: int) -> None:
    rig = ExchangeRig("BTC/USD", "ETH/USD", seed=seed)
    rig.run(10)
    frozen_at = rig.now
    rig.venue.faults.drop_book("BTC/USD", 10**9)
    rig.run(40)
    found = causes(rig, frozen_at)
    assert {symbol for symbol, _, _ in found} == {"BTC/USD"}
    assert [cause for _, cause, _ in found] == ["witness"] * 3
    assert found[0][2] <= 15
    stitcher = rig.session.stitchers["BTC/USD"]
    assert stitcher.state is BookState.QUARANTINED
    assert stitcher.proof is Proof.UNVERIFIED
    assert "the ticker's" in stitcher.reason
    assert rig.session.stitchers["ETH/USD"].proof is Proof.VERIFIED
    assert rig.session.counters.witness_alarms == 4
    rig.venue.faults.drop_book("BTC/USD", 0)
    rig.run(70)
    assert stitcher.proof is Proof.VERIFIED


@pytest.mark.parametrize("seed", range(1, 13))
def test_f67_a_frozen_thin_book_is_found_within_15_s_of_the_first_lasting_contradiction(seed: int) -> None:
    """A ticker that changes seldom cannot contradict sooner; once it does and stays so, time counts."""
    rig = ExchangeRig("BTC/USD", "MINA/GBP", seed=seed)
    rig.run(10)
    rig.venue.faults.drop_book("MINA/GBP", 10**9)
    frozen_at = rig.now
    frozen = rig.session.books["MINA/GBP"]
    touch = (frozen.bids.top(1)[0][0], frozen.asks.top(1)[0][0])
    heard = len(rig.events)
    differs_since: int | None = None
    while not causes(rig, frozen_at):
        rig.run(0.1)
        for event in rig.events[heard:]:
            if isinstance(event, TickerChanged) and event.symbol == "MINA/GBP":
                told = (event.ticker.bid, event.ticker.ask)
                differs_since = None if told == touch else rig.now if differs_since is None else differs_since
        heard = len(rig.events)
        assert differs_since is None or rig.now - differs_since <= 15 * SECOND
        if rig.now - frozen_at > 240 * SECOND:
            break
    found = causes(rig, frozen_at)
    # One of the twelve never trades elsewhere in four minutes: then nobody contradicts, and nothing is wrong.
    assert [(symbol, cause) for symbol, cause, _ in found] == [("MINA/GBP", "witness")] or differs_since is None


def test_a_frozen_book_is_remembered_while_the_ticker_comes_by() -> None:
    """Three reports of other touches, each gone before the ticker can be asked: none of them was ever the book's."""
    witness = watching()
    for at in (1, 12, 23):
        witness.report(99, 101, at * SECOND)
        witness.report(100, 101, (at + 3) * SECOND)
        for verdict, _ in ((verdict, second) for second, verdict in verdicts(witness, at + 3, at + 11)):
            assert at == 23 or verdict is not Verdict.ALARM
            if verdict is Verdict.ASK:
                witness.report(100, 101, (at + 9) * SECOND, snapshot=True)
    assert witness.judge(34 * SECOND) is Verdict.ALARM


def test_a_book_that_gets_messages_is_forgiven_what_the_ticker_told_alone() -> None:
    witness = watching()
    for at in range(0, 300, 11):
        witness.report(99, 101, at * SECOND)
        assert witness.judge((at + 2) * SECOND) is Verdict.NOTHING
        witness.follow(100, 101, (at + 2) * SECOND)
        witness.report(100, 101, (at + 3) * SECOND)
        assert witness.judge((at + 10) * SECOND) is Verdict.NOTHING


def test_a_single_report_that_only_the_ticker_told_is_forgotten_after_a_minute() -> None:
    witness = watching()
    for minute in range(20):
        at = minute * 90
        witness.report(99, 101, at * SECOND)
        witness.report(100, 101, (at + 3) * SECOND)
        assert [verdict for _, verdict in verdicts(witness, at + 3, at + 8)] == [Verdict.ASK]
        witness.report(100, 101, (at + 8) * SECOND, snapshot=True)
        assert verdicts(witness, at + 8, at + 90) == []


def ten_times(frame: str | bytes) -> str | bytes:
    """Book prices of BTC/USD times ten with one decimal fewer, and an instrument list that says so: same digits."""
    assert isinstance(frame, str)
    if frame.startswith('{"channel":"book"') and '"BTC/USD"' in frame:
        return re.sub(r'"price":(\d+)\.(\d)', r'"price":\1\2', frame)
    if frame.startswith('{"channel":"instrument"'):
        return re.sub(r'("symbol":"BTC/USD".*?"price_precision":)1', r"\g<1>0", frame).replace(
            '"tick_size":0.1,"price_increment":0.1', '"tick_size":1,"price_increment":1'
        )
    return frame


def test_f66_prices_times_ten_under_a_right_checksum_are_unverified_within_15_s() -> None:
    rig = ExchangeRig("BTC/USD", "ETH/USD")
    rig.venue.faults.rewrite = ten_times
    started = rig.now
    rig.run(60)
    found = causes(rig, started)
    assert found
    assert found[0][:2] == ("BTC/USD", "witness")
    assert found[0][2] <= 15
    # After the first alarm a right checksum alone never makes the book VERIFIED again.
    first = next(i for i, event in enumerate(rig.events) if isinstance(event, Resync))
    later = [e for e in rig.events[first:] if getattr(e, "symbol", "") == "BTC/USD"]
    assert not [e for e in later if isinstance(e, BookStateChanged) and e.proof is Proof.VERIFIED]
    assert not [e for e in later if isinstance(e, BookChanged) and e.verified]
    assert rig.session.counters.checks_failed == 0
    assert rig.session.stitchers["BTC/USD"].proof is not Proof.VERIFIED
    assert rig.session.stitchers["ETH/USD"].proof is Proof.VERIFIED


@pytest.mark.parametrize("system", ["online", "cancel_only"])
def test_a_contested_book_that_comes_back_right_is_verified_once_the_ticker_agrees(system: str) -> None:
    rig = ExchangeRig("BTC/USD")
    rig.run(10)
    rig.venue.faults.drop_book("BTC/USD", 10**9)
    alarm = 0
    while not rig.session.counters.witness_alarms:
        alarm = len(rig.events)
        rig.run(0.1)
    rig.venue.faults.drop_book("BTC/USD", 0)
    # A venue that does not match orders need not agree; if it does (random schedule 22120), that is enough.
    rig.session.roster.system = system
    rig.run(15)
    proofs = [event.proof for event in rig.events[alarm:] if isinstance(event, BookStateChanged)]
    assert proofs == [Proof.UNVERIFIED, Proof.CHECKING, Proof.VERIFIED]
    assert rig.session.counters.witness_alarms == 1
    # The right checksums of the contested seconds are not counted as wrong.
    assert rig.session.counters.checks_failed == 0


def test_more_decimals_than_the_instrument_list_tells_end_in_quarantine() -> None:
    rig = ExchangeRig("BTC/USD", "ETH/USD")
    rig.venue.faults.rewrite = lambda frame: (
        re.sub(r'"price":(\d+\.\d)', r'"price":\g<1>0', str(frame)) if "BTC/USD" in frame and "book" in frame else frame
    )
    rig.run(15)
    stitcher = rig.session.stitchers["BTC/USD"]
    assert stitcher.state is BookState.QUARANTINED
    assert "prices are written with 2 decimals, the pair has 1" in stitcher.reason
    assert not [e for e in rig.of(BookChanged) if e.symbol == "BTC/USD" and e.verified]
    assert rig.session.stitchers["ETH/USD"].proof is Proof.VERIFIED


def test_a_ticker_without_bbo_testifies_to_nothing() -> None:
    rig = Rig("BTC/USD")
    rig.run(5)
    rig.session.pairs["BTC/USD"].granted_ticker("trades")
    rig.venue.pairs["BTC/USD"] = (1, 8)
    rig.deliver(rig.venue.ticker("BTC/USD").replace("5000.", "4000."))
    rig.run(20)
    assert rig.session.counters.witness_alarms == 0


@pytest.mark.parametrize("system", ["maintenance", "post_only", "cancel_only"])
def test_nothing_is_judged_while_the_exchange_does_not_match_orders(system: str) -> None:
    rig = Rig("BTC/USD")
    rig.run(5)
    rig.deliver(rig.venue.welcome(system), rig.venue.ticker("BTC/USD").replace("5000.", "4000."))
    rig.run(20)
    assert rig.session.counters.witness_alarms == 0


def test_trade_gaps_are_counted_by_pair_and_over_a_reconnect() -> None:
    rig = Rig("BTC/USD", "ETH/USD")
    rig.run(5)
    rig.deliver(rig.venue.trades("BTC/USD", [100, 101]), rig.venue.trades("BTC/USD", [104]))
    assert rig.session.pairs["BTC/USD"].trade_gaps == 2
    assert rig.session.pairs["ETH/USD"].trade_gaps == 0
    rig.venue.next_trade = 120
    rig.drop()
    rig.run(10)
    # The snapshot brings 115 to 119; 105 to 114 were never seen.
    assert rig.session.pairs["BTC/USD"].trade_gaps == 12
    assert rig.session.counters.trade_gaps == 12 + rig.session.pairs["ETH/USD"].trade_gaps


@pytest.mark.parametrize("halt", ["exchange", "pair"])
def test_a_book_that_froze_during_a_halt_is_noticed_after_it(halt: str) -> None:
    world = World([thin("BTC/USD", 10.0)])
    world.until_well(5)
    faults = world.venue.faults

    def announce(status: str) -> None:
        faults.set_system_status(status) if halt == "exchange" else faults.set_pair_status("BTC/USD", status)

    announce("post_only")
    world.run(5)
    world.weather.mangle = lambda frame: [] if '"channel":"book","type":"update"' in str(frame) else [frame]
    world.run(3)
    announce("online")
    stitcher = world.client.stitchers["BTC/USD"]
    began = world.now
    while stitcher.proof is Proof.VERIFIED and world.now - began < 60 * SECOND:
        world.run(0.1)
    assert world.now - began <= 15 * SECOND
    assert world.client.counters.witness_alarms == 1


@pytest.mark.parametrize("halt", ["exchange", "pair"])
def test_halts_of_honest_books_raise_no_alarm(halt: str) -> None:
    world = World([thin("BTC/USD", 10.0), thin("MINA/GBP", 0.5, like="MINA/GBP")])
    world.until_well(5)
    faults = world.venue.faults
    for status in ("cancel_only", "online", "maintenance", "online", "post_only", "online"):
        faults.set_system_status(status) if halt == "exchange" else faults.set_pair_status("BTC/USD", status)
        world.run(20)
    assert world.client.counters.witness_alarms == 0
    assert world.well
