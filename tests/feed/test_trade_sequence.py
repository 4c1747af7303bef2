"""Trade numbers that are absurd, late, doubled or begin again: every trade is told once and in its place."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from kraken_tui.feed.trade_sequence import LONGEST_GAP, REMEMBERED, TradeSequence
from kraken_tui.market.candles import CandleAggregator
from kraken_tui.market.events import Side, Trade
from kraken_tui.market.trades import Tape

ABSURD = 10**15


def trade(trade_id: int, at: int | None = None) -> Trade:
    at = trade_id if at is None else at
    return Trade("BTC/USD", Side.BUY, 1 + at, 1, "limit", trade_id, str(at), at * 1_000_000)


def admit(sequence: TradeSequence, *trades: Trade) -> list[int]:
    return [each.trade_id for each in sequence.admit(trades).new]


def test_each_trade_passes_once_and_gaps_close_again() -> None:
    sequence = TradeSequence()
    assert admit(sequence, trade(10), trade(14)) == [10, 14]
    assert (sequence.gaps, sequence.newest) == (3, 14)
    assert admit(sequence, trade(12), trade(14)) == [12]
    assert (sequence.gaps, sequence.duplicates, sequence.late) == (2, 1, 1)
    assert admit(sequence, trade(7)) == [7]
    assert (sequence.gaps, sequence.late) == (2, 1), "one before the first known closes no gap"


def test_numbers_too_old_to_be_remembered_are_not_new() -> None:
    sequence = TradeSequence()
    admit(sequence, *map(trade, range(1, 5002)))
    assert admit(sequence, trade(3)) == []
    assert (sequence.gaps, sequence.duplicates, sequence.restarts) == (0, 1, 0)


def test_one_absurd_number_hides_no_later_trade() -> None:
    sequence = TradeSequence()
    told = admit(sequence, *map(trade, range(1, 101)))
    told += admit(sequence, trade(ABSURD, at=101))
    told += admit(sequence, *(trade(number, at=number + 1) for number in range(101, 10_001)))
    assert told == [*range(1, 101), ABSURD, *range(101, 10_001)]
    assert (sequence.strays, sequence.restarts, sequence.gaps, sequence.newest) == (1, 0, 0, 10_000)


def test_an_absurd_number_is_said_when_the_next_trade_does_not_follow_it() -> None:
    sequence = TradeSequence()
    assert sequence.admit([trade(1), trade(ABSURD, at=2)]).remarks == ()
    remarks = sequence.admit([trade(2, at=3), trade(3, at=4)]).remarks
    assert remarks == (("stray", f"trade number {ABSURD} does not follow 1, passed over"),)


def test_an_absurd_number_delivered_again_is_no_new_trade() -> None:
    sequence = TradeSequence()
    admit(sequence, trade(1), trade(ABSURD, at=2), trade(2, at=3))
    assert admit(sequence, trade(1), trade(ABSURD, at=2), trade(2, at=3)) == []
    assert sequence.duplicates == 3


def test_numbers_that_begin_again_are_followed_and_said_once() -> None:
    sequence = TradeSequence()
    admit(sequence, *map(trade, range(9_000, 9_100)))
    after = sequence.admit([trade(number, at=10_000 + number) for number in range(1, 10_001)])
    assert [each.trade_id for each in after.new] == list(range(1, 10_001))
    assert after.remarks == (("numbering", "trade numbers began again at 1 after 9099"),)
    assert (sequence.restarts, sequence.gaps, sequence.strays, sequence.newest) == (1, 0, 0, 10_000)
    positions = [each.position for each in after.new]
    assert positions == sorted(set(positions))
    assert positions[0] > trade(9_099).position


def test_numbers_that_begin_again_among_those_remembered() -> None:
    sequence = TradeSequence()
    admit(sequence, *map(trade, range(1, 301)))
    assert admit(sequence, *(trade(number, at=300 + number) for number in range(1, 301))) == list(range(1, 301))
    assert (sequence.restarts, sequence.duplicates) == (1, 0)
    assert admit(sequence, trade(300), trade(1, at=301), trade(300, at=600)) == []


def test_a_long_outage_is_a_gap_and_a_longer_one_another_numbering() -> None:
    for step, gaps, restarts in ((LONGEST_GAP, LONGEST_GAP - 1, 0), (LONGEST_GAP + 1, 0, 1)):
        sequence = TradeSequence()
        admit(sequence, trade(1), trade(1 + step), trade(2 + step))
        assert (sequence.gaps, sequence.restarts, sequence.strays) == (gaps, restarts, 0)


def test_the_same_old_number_at_another_time_is_no_new_trade() -> None:
    sequence = TradeSequence()
    admit(sequence, trade(10), trade(11), trade(12))
    assert admit(sequence, trade(11, at=5)) == []
    assert (sequence.duplicates, sequence.restarts) == (1, 0)


def test_the_same_moment_written_with_more_digits_is_the_same_trade() -> None:
    sequence = TradeSequence()
    admit(sequence, trade(10))
    again = Trade("BTC/USD", Side.BUY, 1, 1, "limit", 10, "10.000", 10_000_999)
    assert admit(sequence, again) == []


def test_trades_shortly_before_the_first_are_told_and_begin_nothing() -> None:
    sequence = TradeSequence()
    admit(sequence, trade(100))
    assert admit(sequence, trade(80, at=101), trade(81, at=102)) == [80, 81]
    assert (sequence.newest, sequence.restarts, sequence.late) == (100, 0, 0)


def test_memory_is_bounded_whatever_the_numbers() -> None:
    sequence = TradeSequence()
    for at in range(3 * REMEMBERED):
        sequence.admit([trade(at * 10**9 if at % 3 else at, at=at)])
    assert len(sequence._held) <= REMEMBERED
    assert len(sequence._others) <= REMEMBERED


# -- against a slow reference ---------------------------------------------------------------------------------------


@dataclass
class Venue:
    """An exchange that numbers its trades, now and then wrongly; it knows what it did."""

    number: int
    at: int = 0
    sent: list[Trade] = field(default_factory=list)
    strays: int = 0
    restarts: int = 0

    def next(self) -> Trade:
        self.at += 1
        made = trade(self.number, at=self.at)
        self.number += 1
        self.sent.append(made)
        return made

    def absurd(self, number: int) -> Trade:
        self.at += 1
        self.strays += 1
        made = trade(number, at=self.at)
        self.sent.append(made)
        return made


_STEPS = st.one_of(
    st.tuples(st.just("plain"), st.integers(1, 8)),
    st.tuples(st.just("late"), st.integers(2, 6)),
    st.tuples(st.just("again"), st.integers(1, 50)),
    st.tuples(st.just("absurd"), st.sampled_from([10**15, 10**9, -(10**6)])),
    st.tuples(st.just("restart"), st.sampled_from([1, 2, 10**12])),
)


def deliveries(start: int, steps: list[tuple[str, int]]) -> tuple[Venue, list[Trade]]:
    venue, delivered = Venue(start), []
    delivered += [venue.next(), venue.next()]
    for what, how in steps:
        if what == "plain":
            delivered += [venue.next() for _ in range(how)]
        elif what == "late":
            some = [venue.next() for _ in range(how)]
            delivered += [some[0], *some[2:], some[1]]
        elif what == "again":
            delivered += venue.sent[-how:]
        elif what == "absurd":
            delivered.append(venue.absurd(how))
        elif abs(venue.number - how) > LONGEST_GAP:
            venue.restarts += 1
            venue.number = how
        # Whatever happened, the exchange goes on.
        delivered += [venue.next(), venue.next()]
    return venue, delivered


@given(st.sampled_from([5_000_000, 70_000_000]), st.lists(_STEPS, max_size=25), st.integers(1, 9))
def test_every_trade_is_told_once_in_its_place(start: int, steps: list[tuple[str, int]], size: int) -> None:
    venue, delivered = deliveries(start, steps)
    sequence, tape, candles = TradeSequence(), Tape(), CandleAggregator("BTC/USD", [1])
    told: list[Trade] = []
    for at in range(0, len(delivered), size):
        new = sequence.admit(delivered[at : at + size]).new
        told += new
        for each in tape.add(new):
            candles.on_trade(each)
    once: list[tuple[int, str]] = []
    for each in delivered:
        if (each.trade_id, each.timestamp) not in once:
            once.append((each.trade_id, each.timestamp))
    assert [(each.trade_id, each.timestamp) for each in told] == once
    assert sequence.duplicates == len(delivered) - len(once)
    assert (sequence.strays, sequence.restarts, sequence.gaps) == (venue.strays, venue.restarts, 0)
    assert [each.timestamp for each in tape.newest_first()] == [each.timestamp for each in reversed(venue.sent)]
    assert all(after.position > before.position for after, before in pairwise(tape.newest_first()))
    newest = candles.newest(1)
    assert newest is not None
    assert newest.close == venue.sent[-1].price
