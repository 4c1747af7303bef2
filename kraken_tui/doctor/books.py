"""Faults of order books and subscriptions, in virtual time."""

from __future__ import annotations

import json
from collections.abc import Callable

from kraken_tui.doctor.report import Check, expect
from kraken_tui.doctor.rig import OTHER, PAIR, Rig
from kraken_tui.exchange.faults import Frame
from kraken_tui.feed.events import Refused
from kraken_tui.feed.limits import Limits
from kraken_tui.market.events import BookState, Proof


def wrong_checksum() -> str:
    """One wrong checksum: the proof is withdrawn at once and won back."""
    rig = Rig().start()
    rig.venue.faults.corrupt_checksum(PAIR)
    rig.until(lambda: not rig.proven(PAIR), 2, "noticed")
    took = rig.until(rig.healthy, 2, "proven again")
    expect(rig.proven(OTHER) and rig.wrong_green == 0, "another book was touched, or a wrong book was green")
    return f"noticed at once, proven again after {took:.2f} s"


def _disturbed(disturb: Callable[[Rig], None], what: str) -> str:
    """Whatever happens to single messages: never green beside a wrong top ten, and right again soon."""
    rig = Rig().start()
    # Three, because a fourth resync within a minute is a quarantine.
    for _ in range(3):
        disturb(rig)
        rig.run(2)
    took = rig.until(rig.healthy, 5, "healed")
    resyncs = rig.feed.stitchers[PAIR].counters.resyncs
    expect(rig.feed.stitchers[OTHER].counters.resyncs == 0, "another book was touched")
    expect(rig.wrong_green == 0, f"green beside a wrong top ten {rig.wrong_green} times")
    return f"3 {what}, {resyncs} resyncs, equal {took:.2f} s later"


def lost_message() -> str:
    """Messages lost on the way."""
    return _disturbed(lambda rig: rig.venue.faults.drop_book(PAIR), "lost")


def doubled_message() -> str:
    """Messages delivered twice."""
    return _disturbed(lambda rig: rig.venue.faults.duplicate_book(PAIR), "doubled")


def swapped_messages() -> str:
    """Neighbours delivered in the wrong order."""
    return _disturbed(lambda rig: rig.venue.faults.swap_book(PAIR), "swapped")


def refused_pair() -> str:
    """A pair that does not exist and one that is delisted stay alone in their trouble."""
    rig = Rig(PAIR, OTHER, "NOPE/USD", rate=0.2)
    rig.venue.faults.set_pair_status(OTHER, "delisted")
    took = rig.until(lambda: len(_refused(rig)) == 2, 3, "refused")
    rig.until(lambda: rig.proven(PAIR), 3, "proven beside them")
    rig.run(60, 0.25)
    asked = sum('"book"' in text and OTHER in text for text in rig.sent)
    seen = f"{', '.join(sorted(_refused(rig)))} refused after {took:.2f} s, asked {asked} time; {PAIR} proven"
    return expect(rig.proven(PAIR) and asked == 1, seen)


def _refused(rig: Rig) -> set[str]:
    return {event.symbol for event in rig.events if isinstance(event, Refused)}


def refused_depth() -> str:
    """A depth the exchange does not offer is shown as refused and not asked for again and again."""
    rig = Rig(PAIR, depth=33, rate=0.2)
    rig.until(lambda: _refused(rig), 3, "refused")
    rig.run(60, 0.25)
    stitcher = rig.feed.stitchers[PAIR]
    asked = sum('"book"' in text for text in rig.sent)
    seen = f"{stitcher.state}: {stitcher.reason}; asked {asked} time"
    return expect(stitcher.state is BookState.REFUSED and asked == 1, seen)


def lost_acknowledgement() -> str:
    """Acknowledgements and snapshots lost: asked again after the limit, then proven."""
    rig = Rig()
    rig.venue.faults.rewrite = _only("heartbeat", "status", "instrument", "pong")
    rig.run(6)
    expect(not rig.feed.stitchers[PAIR].has_levels, "a book without data was shown")
    rig.venue.faults.rewrite = None
    took = rig.until(rig.proven, 20, "proven")
    return f"asked again, proven {took:.1f} s after the loss ended"


def no_snapshot() -> str:
    """An acknowledgement without its snapshot."""
    rig = Rig()
    rig.venue.faults.withhold_snapshots(PAIR)
    rig.run(9)
    expect(not rig.proven(PAIR), "an empty book was called proven")
    took = rig.until(rig.proven, 5, "proven") + 9
    return f"asked again, proven after {took:.1f} s"


def wrong_for_ever() -> str:
    """A book whose checksums are always wrong is put aside without troubling the exchange or its neighbour."""
    rig = Rig(rate=0.05).start()
    rig.venue.faults.corrupt_checksum(PAIR, 10**9)
    rig.until(lambda: rig.feed.stitchers[PAIR].state is BookState.QUARANTINED, 120, "quarantined")
    rig.run(540, 0.5)
    asked = sum('"subscribe"' in text and '"book"' in text and PAIR in text for text in rig.sent)
    right = rig.proven(OTHER) and not rig.proven(PAIR) and rig.wrong_green == 0 and asked <= 10
    return expect(right, f"QUARANTINED, {asked} requests in 10 min; {OTHER} proven")


def precision_change() -> str:
    """The exchange adds a decimal in mid-session."""
    rig = Rig().start()
    before = rig.feed.specs[PAIR].price_precision
    rig.venue.faults.set_precision(PAIR, price=before + 1)
    rig.until(lambda: rig.feed.specs[PAIR].price_precision == before + 1, 1, "told")
    took = rig.until(rig.healthy, 2, "proven in the new digits")
    return expect(rig.wrong_green == 0, f"{before} to {before + 1} decimals, proven again after {took:.2f} s")


def _only(*channels: str) -> Callable[[Frame], Frame | None]:
    """Lets only frames of these channels or methods pass."""
    starts = tuple(f'{{"{key}":"{channel}"' for channel in channels for key in ("channel", "method"))
    return lambda frame: frame if isinstance(frame, str) and frame.startswith(starts) else None


def _spoiled(spoil: Callable[[str], str]) -> Callable[[Frame], Frame | None]:
    """Changes one update of the pair."""
    left = [1]

    def rewrite(frame: Frame) -> Frame:
        if left[0] and isinstance(frame, str) and '"book","type":"update"' in frame and PAIR in frame:
            changed = spoil(frame)
            left[0] -= changed != frame
            return changed
        return frame

    return rewrite


_NUMBERS = ("NaN", "1e999", "-1", "9" * 5000, "true", '"\uff11"', "0x1F", "1_0")


def bad_numbers() -> str:
    """Numbers that are none, in a quantity of an update."""
    for number in _NUMBERS:
        rig = Rig(PAIR).start()
        rig.venue.faults.rewrite = _spoiled(lambda frame, n=number: _with_qty(frame, n))  # type: ignore[misc]
        rig.until(lambda rig=rig: not rig.proven(PAIR), 3, f"noticed: {number[:8]}")  # type: ignore[misc]
        rig.until(lambda rig=rig: rig.healthy(PAIR), 5, f"healed after {number[:8]}")  # type: ignore[misc]
        expect(rig.wrong_green == 0, f"{number[:8]} reached a green book")
    return f"{len(_NUMBERS)} kinds, none reached a book"


def _with_qty(frame: str, number: str) -> str:
    head, found, tail = frame.partition('"qty":')
    return head + found + number + tail[tail.index("}") :] if found else frame


def missing_checksum() -> str:
    """A book without checksums is shown, but never as proven."""
    rig = Rig(PAIR)

    def strip(frame: Frame) -> Frame:
        if not isinstance(frame, str) or not frame.startswith('{"channel":"book"'):
            return frame
        message = json.loads(frame, parse_float=_Text, parse_int=_Text)
        for data in message["data"]:
            del data["checksum"]
        return _dumps(message)

    rig.venue.faults.rewrite = strip
    greens = 0
    for _ in range(100):
        rig.run(0.1)
        stitcher = rig.feed.stitchers.get(PAIR)
        greens += stitcher is not None and stitcher.proof is Proof.VERIFIED
    stitcher = rig.feed.stitchers[PAIR]
    return expect(greens == 0 and stitcher.has_levels, f"{stitcher.state}, {stitcher.proof}: {stitcher.reason}")


class _Text(str):
    """A number of the wire, kept as its own text."""

    __slots__ = ()


def _dumps(value: object) -> str:
    if isinstance(value, _Text):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{_dumps(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_dumps, value)) + "]"
    return json.dumps(value)


def broken_json() -> str:
    """A frame that is no JSON, and one that is no object, in the middle of a session."""
    for frame in ("{broken", '{"channel":"book","type":"update","data":[{]}', "\x00", "[" * 100_000, b"\xff\xfe"):
        rig = Rig(limits=Limits()).start()
        rig.venue.faults.inject(frame)
        rig.until(lambda rig=rig: not rig.proven(), 1, "noticed")  # type: ignore[misc]
        rig.until(rig.healthy, 5, "healed")
        expect(len(rig.dials) == 2 and rig.wrong_green == 0, f"{len(rig.dials)} dials, {rig.wrong_green} wrong greens")
    return "5 kinds; nothing applied, one reconnect each"


def maintenance() -> str:
    """The exchange announces maintenance and comes back."""
    rig = Rig().start()
    rig.venue.faults.set_system_status("maintenance")
    rig.until(lambda: rig.feed.system == "maintenance", 1, "shown")
    rig.venue.faults.set_system_status("online")
    rig.until(lambda: rig.feed.system == "online", 1, "shown")
    rig.until(rig.healthy, 5, "proven")
    return expect(len(rig.dials) == 1, f"both shown, {len(rig.dials)} dial")


CHECKS = (
    Check("wrong checksum", "F52", "proof withdrawn at once, back in 2 s", wrong_checksum),
    Check("messages lost", "F49", "never green beside a wrong top ten", lost_message),
    Check("messages doubled", "F50", "never green beside a wrong top ten", doubled_message),
    Check("messages swapped", "F51", "never green beside a wrong top ten", swapped_messages),
    Check("pair refused", "F29", "said once, others untouched", refused_pair),
    Check("depth refused", "F28", "REFUSED, asked once", refused_depth),
    Check("acknowledgement lost", "F30", "asked again, proven", lost_acknowledgement),
    Check("no snapshot", "F31", "asked again after 10 s, proven", no_snapshot),
    Check("checksum wrong for ever", "F54", "quarantined, at most 10 requests in 10 min", wrong_for_ever),
    Check("precision changes", "F37", "proven in the new digits in 2 s", precision_change),
    Check("numbers that are none", "F45", "never in a book, healed", bad_numbers),
    Check("no checksum sent", "F57", "shown, never VERIFIED", missing_checksum),
    Check("broken JSON", "F41", "nothing applied, one reconnect", broken_json),
    Check("maintenance", "F34", "shown, no reconnect", maintenance),
)
"""Every fault of this module."""
