"""The faults: what goes wrong, what must happen then, and within which bound."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tests.rig.ledger import table


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault.

    Attributes:
        title: What goes wrong.
        must: What must happen.
        bound: What the test allows.
        waits: The feature that has to exist first, or "".
    """

    title: str
    must: str = ""
    bound: str = ""
    waits: str = ""


FAULTS: dict[int, Fault] = {
    1: Fault("nothing listens", "countdown and cause shown, last book kept and STALE", "30 dials / 10 min"),
    2: Fault("TCP accepted, no reply", "DISCONNECTED with the cause", "10 s ± 0.5"),
    3: Fault(
        "HTTP 429 with Retry-After 1200", "COOLDOWN, no dial before its end", "max(600, Retry-After), at most 3600 s"
    ),
    4: Fault(
        "HTTP 403, or a 1015 page of HTML",
        "COOLDOWN, short plain reason, no HTML",
        ">= 600 s; reason at most 200 characters",
    ),
    5: Fault("HTTP 500, 502, 503, 504", "backoff, doubling bound, cap 60 s", "schedule ± jitter; 30 / 10 min"),
    6: Fault(
        "accepted, then closed 1013, 1001, 1006 or without a code",
        "the backoff keeps growing",
        "30 / 10 min (a bare loop: 637,000)",
    ),
    7: Fault("one 1001 in normal running", "one drop, one recovery, equality after", "3 s"),
    8: Fault("1012 for five minutes", "backoff with its cause, then back", "60 s + connecting"),
    9: Fault("reset in mid-frame", "DISCONNECTED, no partial frame applied", "250 ms"),
    10: Fault("half-open, both directions dead", "DEGRADED, then DISCONNECTED, STALE", "6 s (default client: 50 s)"),
    11: Fault("data and heartbeats stop, pongs go on", "as F10; the pong does not extend the deadline", "6 s"),
    12: Fault("one book silent for ten minutes", "SUBSCRIBED, the age grows", "0 dials in 10 min"),
    13: Fault("latency 500 ms ± 400", "SUBSCRIBED, equality", "0 reconnects in 10 min"),
    14: Fault("1 KiB/s downlink", "DEGRADED, lag told truly", "1 s; one drop a minute; 5 s"),
    15: Fault("slices of 1 to 3 bytes", "SUBSCRIBED, equality", "equality"),
    16: Fault("redirect to another host", "DISCONNECTED, redirect refused", "0 bytes"),
    17: Fault("wrong host, expired, unknown CA, TLS 1.1", "DISCONNECTED with the reason", "retry >= 60 s"),
    18: Fault("dead proxy in the environment", "the cause names the proxy", "10 s"),
    19: Fault("no subscription for an hour", "SUBSCRIBED", "0 reconnects"),
    20: Fault("flood of pings from the server", "deadline not extended", "deadline kept"),
    21: Fault("close, watchdog and user at once", "one transition, one socket", "1 dial"),
    22: Fault("program restarted a hundred times in an outage", "budget and COOLDOWN survive restarts", "30 / 10 min"),
    23: Fault(
        "sleep of eight hours", "all books STALE at once, reconnect", "3 s; 0 (default client: 2,950 stale messages)"
    ),
    24: Fault("wall clock ±1 h, and slewing", "a notice, ages unaffected", "0 reconnects; 250 ms"),
    25: Fault("summer time, leap day, year end", "order unbroken, ages right", "0"),
    26: Fault("venue time backwards, 1970, 9999", "not used for ordering, equality", "0"),
    27: Fault("frozen for 60 s, then the backlog", "backlog discarded, then VERIFIED", "3 s"),
    28: Fault("depth refused", "REFUSED with the venue's words, not repeated", "1 s; 1 request"),
    29: Fault("one bad symbol of twenty", "one REFUSED, others untouched", "1 s"),
    30: Fault("acknowledgement lost", "WAIT_ACK, three repeats, DEGRADED", "5 s each"),
    31: Fault("acknowledged, no snapshot", "RESYNCING; an empty book is never LIVE", "10 s"),
    32: Fault("acknowledgements doubled and late", "LIVE, matched by number", "0 effects"),
    33: Fault('"Exceeded msg rate" for 200 symbols', "slower sending, none missing", "120 s"),
    34: Fault("maintenance, cancel_only, post_only in mid-session", "venue badge, books keep applying", "250 ms"),
    35: Fault("maintenance, close, refused for 20 min", "backoff and badge", "60 s + connecting"),
    36: Fault("symbol delisted or renamed", "a sentence and a suggestion", "1 s"),
    37: Fault("precision changes in mid-session", "RESYNCING, LIVE, equality", "2 s"),
    38: Fault("unknown channel, type, field", "counted, ignored", "all"),
    39: Fault("snapshot again without asking", "LIVE, replaces the whole", "equality"),
    40: Fault("the same trades again after a reconnect", "no duplicates on the tape", "0"),
    41: Fault("broken JSON, empty, binary, invalid UTF-8", "log and reconnect once, nothing applied", "1 s"),
    42: Fault("message of 9 MiB", "close 1009, message too big", "+16 MiB, retry >= 60 s"),
    43: Fault("deflate bomb", "compression is not offered, so refused", "+16 MiB"),
    44: Fault("100,000 opening brackets", "rejected, the process lives", "50 ms"),
    45: Fault("NaN, 1e999, 5,000 digits, -1, 0 price, full-width digits, true", "never in the book", "2 s"),
    46: Fault("keys doubled, reordered, spaced", "LIVE, equality", "equality"),
    47: Fault("connection id over 2^53, exponents in instrument", "LIVE, exact", "exact"),
    48: Fault("endless fragments", "close 1009", "10 s; +16 MiB (the limit is 8 MiB)"),
    49: Fault("one message lost", "never VERIFIED beside a wrong top ten", ">= 90 % with the next (depth 10)"),
    50: Fault("message doubled", "LIVE or one resync", "2 s"),
    51: Fault("two neighbours swapped", "RESYNCING if harmful", "2 s"),
    52: Fault("digit flipped near the touch", "unproven with that very frame", "same frame"),
    53: Fault("digit flipped in level 60 of 100", "tinted as not covered; the audit finds it", "10 min"),
    54: Fault("checksum of one symbol wrong for ever", "3 resyncs, QUARANTINED, UNVERIFIED", "10 subscribes / 10 min"),
    55: Fault("checksum 0 with an empty and with a full book", "LIVE when empty, RESYNCING when full", "0 is a value"),
    56: Fault("checksums from 2^31", "LIVE, checks = messages", "100 %"),
    57: Fault("checksum missing, null, text, too large", "UNVERIFIED, never VERIFIED", "never"),
    58: Fault("0, 1, 9 levels on a side", "LIVE, equality", "equality"),
    59: Fault("same price several times in one message", "LIVE, in order", "in order"),
    60: Fault("both sides at once, crossed in the middle only", "LIVE, judged per message", "per message"),
    61: Fault("crossed with a right checksum", "LIVE, crossed at the venue", "1 resync"),
    62: Fault("level leaves the depth and returns", "LIVE, no ghosts", "equality"),
    63: Fault("deltas before the snapshot and after the unsubscribe", "ignored, counted", "1 resync in flight"),
    64: Fault("snapshot with a wrong checksum", "RESYNCING, not VERIFIED", "2 s"),
    65: Fault("1e-10 ticks, 8 decimals, quantity 10^9, exponents", "LIVE, exact text", "exact"),
    66: Fault("prices x10 with one decimal fewer", "UNVERIFIED", "15 s"),
    67: Fault("frozen book, ticker moves", "witness alarm, RESYNCING", "15 s from the first difference"),
    68: Fault("twenty books break at once", "20 resyncs, paced", "10 s"),
    69: Fault("50,000 messages in one second", "equality, no delta dropped", "age < 1 s within 5 s"),
    70: Fault(
        "program stands still for 5 s (no file and no name server can do that to it: F79, R9)",
        "a line names it, socket kept",
        "1 s after",
    ),
    71: Fault("terminal not read", "ingest and recorder go on", "0 messages lost, 1 s"),
    72: Fault("200 symbols, depth 100, 2,000 messages a second", "SUBSCRIBED, equality", "60 % of a core, 250 MiB"),
    73: Fault("Kafka mute at the start, dies, returns", "books untouched, accepted = delivered + failed", "close 2 s"),
    74: Fault("Kafka a hundred times slower", "bounded queue, drops counted and said once", "16 MiB, 20,000 lines"),
    75: Fault("one bad topic", "that topic off and named, the others go on", "0 lines of others lost"),
    76: Fault("metrics port taken", "one sentence, everything else goes on", "0 messages lost"),
    77: Fault("200 slow scrapers", "no thread and no wait for anybody else", "32 connections, a scrape within 2 s"),
    78: Fault("disk full at each byte of a frame", "recorder OFF, file readable", "every byte"),
    79: Fault(
        "I/O error, disk that hangs, file deleted or emptied, folder read-only",
        "said; begun again or OFF, the rest goes on",
        "2 s",
    ),
    80: Fault("kill -9 while writing", "the next start repairs the tail", "1 s of data"),
    81: Fault(
        "file cut at every byte of the last frames", "reads all whole frames, reports the rest", "100 % of offsets"
    ),
    82: Fault("bit flip at every 97th byte", "damaged frames skipped and named", "never applied"),
    83: Fault("second writer, restart on the same day", "second refused; a restart appends", "nothing overwritten"),
    84: Fault("bomb, unknown version, foreign file", "refused with the reason", "1 s"),
    85: Fault("hostile symbols as file names", "a safe name", "100 %"),
    86: Fault("seek back and forth in a recording", "same book, proof and counts as played straight there", "0 differ"),
    87: Fault("token expired or rejected", waits="the private feed"),
    88: Fault("key without permission, bad, locked out", waits="the private feed"),
    89: Fault("nonce refused", waits="the private feed"),
    90: Fault("key echoed in an error", waits="the private feed"),
    91: Fault(
        "TERM, HUP, QUIT, INT", "echo, line mode, cursor, mouse and main screen back, 128+n, no process left", "500 ms"
    ),
    92: Fault("KILL, SEGV", "the guardian restores", "1 s"),
    93: Fault(
        "exception in any task or thread",
        "restored, then one sentence, report in the log, exit 70",
        "1 s, all reported",
    ),
    94: Fault("window gone, HUP ignored", "exit", "2 s"),
    95: Fault(
        "byte 0xFF, half escape, long paste",
        "passed over; the app lives and hears the next key",
        "no key lost (stock: dies)",
    ),
    96: Fault("resizes", "too small is said, recovers", "250 ms after the last"),
    97: Fault("no tty, dumb terminal, no colour", "exit 2 and one line", "300 ms"),
    98: Fault("hostile text in symbol, reason, status, error", "inert characters", "0 leaks"),
    99: Fault("ctrl-C and q in each state", "clean quit, exit 0, nothing said", "2 s"),
    100: Fault("wrong configuration files", "one sentence: file, line, key; no value", "300 ms, value never shown"),
    111: Fault("one absurd trade number (10^15)", "told, said, counted; all later trades told", "0 lost"),
    112: Fault(
        "trade numbers begin again at 1", "every trade told once, said once; last price, tape, candle", "0 lost"
    ),
    113: Fault(
        "trades and candles of a time the exchange has not reached", "said, counted, never drawn", "0 real ones hidden"
    ),
    114: Fault(
        "a book message of 100,000 levels in the worst order",
        "DISCONNECTED with the reason; in a recording left out",
        "3 s of processor time; 10 x depth + 2,000 levels",
    ),
    115: Fault(
        "endless invented pairs, channels and fields", "a bound each, said once", "5,000 pairs, 200 names; 4 MiB"
    ),
    116: Fault("endless remarks about odd values", "counted as one beyond a bound, said", "1,000 kinds"),
    117: Fault(
        "a refusal (403, 429, 503) whose page or head never ends",
        "judged by its status line",
        "within the 10 s of a dial",
    ),
    118: Fault(
        "endless empty parts of a message", "no frame: DISCONNECTED for silence", "5 s and what one read takes; +16 MiB"
    ),
    119: Fault(
        "the disk hangs while a recording is played", "said; screen alive, the recording's clock stands", "2 s; 0 lost"
    ),
    120: Fault(
        "the recorder's clock was set while it recorded",
        "the exchange's time leads across the step; named by `doctor`",
        "times off by 0.25 s",
    ),
    121: Fault(
        "hours without a frame in one recording", "named, shown for 3 s, skipped at any speed; named by `doctor`", "3 s"
    ),
    131: Fault(
        "the exchange of a served screen is lost",
        "every visitor DISCONNECTED, UNVERIFIED and STALE with the cause; VERIFIED again once it is back",
        "5 s; 20 s",
    ),
    132: Fault("the server of visitors is killed", "their processes end, their pages say so", "2.5 s"),
    133: Fault("a browser that takes nothing", "pictures wait in its own process, not on the way", "32 KiB and one"),
}

_TESTS = Path(__file__).parents[1]


def files_by_fault() -> dict[int, list[str]]:
    """The files, below tests/, whose tests of a fault write what they saw into the ledger."""
    found: dict[int, list[str]] = {}
    for path in sorted(_TESTS.rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        for number in dict.fromkeys(re.findall(r"def test_f(\d+)_\w+\([^)]*\bledger: Ledger", text)):
            found.setdefault(int(number), []).append(path.relative_to(_TESTS).as_posix())
    return found


def fault_table() -> str:
    """One line a fault, for docs/RELIABILITY.md."""
    tests = files_by_fault()
    rows = []
    for number, fault in FAULTS.items():
        shown = ", ".join(f"`tests/{path}`" for path in tests.get(number, [])) or f"waits for {fault.waits}"
        rows.append((f"F{number:02d}", fault.title, fault.must, fault.bound, shown))
    return table(("No.", "Fault", "What must happen", "Bound", "Shown by"), rows)
