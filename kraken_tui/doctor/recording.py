"""`kraken-tui doctor --recording FILE`: plays a recording through the feed as fast as possible and reports on it."""

from __future__ import annotations

import json
import platform
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from kraken_tui._version import __version__
from kraken_tui.doctor.findings import Fault, FaultFinder, of_time
from kraken_tui.errors import RecordingError
from kraken_tui.feed.session import Session
from kraken_tui.recording.fingerprint import ContentHash, Fingerprint
from kraken_tui.recording.format import GAP, STATE
from kraken_tui.recording.reader import Damage, Recording
from kraken_tui.recording.timeline import Timed, gap_sentence, timeline
from kraken_tui.text import clean_text
from kraken_tui.units import SECOND
from kraken_tui.wire.timestamps import format_timestamp
from kraken_tui.words import counted

FAULTS_SHOWN = 20
"""Faults that are told one by one; all are counted."""

_EPOCH_LIKE = 10**18


class Examination:
    """One recording, played once.

    Args:
        path: The recording.

    Attributes:
        session: The feed that took the frames.
        fingerprint: What it told, for the state hash.
        contents: What was played, for a hash of the frames.
        frames, sent: Frames received and sent.
        made: Those of the received that the recorder made itself, when it began in mid-session.
        first_ns, last_ns: Times of the first and the last frame, ns since the epoch.
        silence_ns: Longest time between two frames, ns.
        faults: The first `FAULTS_SHOWN`, in order.
        kinds: All of them, counted by kind.
        notes, note_kinds: The same of what is worth knowing but no fault.
        ended_before: With `until_fault`: whether the last frame that was played is the one before the fault.
    """

    def __init__(self, path: Path) -> None:
        self.session = Session(replay=True)
        self.fingerprint = Fingerprint()
        self.contents = ContentHash()
        self.recording = Recording(path)
        self.finder = FaultFinder(self.session, self.fingerprint)
        self.frames = self.sent = self.made = 0
        self.first_ns = self.last_ns = self.silence_ns = 0
        self.faults: list[Fault] = []
        self.kinds: Counter[str] = Counter()
        self.notes: list[Fault] = []
        self.note_kinds: Counter[str] = Counter()
        self.ended_before = False
        self._told: Damage | None = None

    def play(self, *, until_fault: bool = False, limit: int | None = None) -> None:
        """Play it; the connection is left open, so that a part gives the hash of that part.

        Args:
            until_fault: Stop at the first fault.
            limit: Stop after this many received frames; None for all.
        """
        line = 0
        try:
            for timed in timeline(self.recording):
                if self.frames == limit:
                    return
                if self.recording.damage is not self._told:
                    self._look_at_file(timed.line)
                    if until_fault and self.faults:
                        self.ended_before = True
                        return
                line = timed.line
                if timed.direction == GAP:
                    seen = gap_sentence(timed.frame)
                    self._add(Fault(timed.line, timed.ns, "", "recorder gap", "every frame", seen))
                    if until_fault:
                        self.ended_before = True
                        return
                if timed.step_ns or timed.gap_ns:
                    self._look_at_time(timed)
                    if until_fault and self.faults:
                        self.ended_before = True
                        return
                self._take(timed)
                if until_fault and self.faults:
                    return
        except RecordingError as error:
            self._add(Fault(line + 1, self.last_ns, "", "damaged file", "a recording", clean_text(error)))
        self._look_at_file(None)
        self.ended_before = until_fault

    def _take(self, timed: Timed) -> None:
        session = self.session
        if not self.frames + self.sent:
            self.first_ns = timed.ns
            session.opened(timed.ns, timed.ns)
            session.take_events()
        else:
            self.silence_ns = max(self.silence_ns, timed.ns - self.last_ns)
        self.last_ns = timed.ns
        self.contents.add(timed.frame, sent=timed.sent)
        if timed.sent:
            self.sent += 1
            return
        if timed.direction == GAP:
            session.interrupted(gap_sentence(timed.frame), timed.ns, timed.ns)
            session.take_events()
            return
        self.frames += 1
        self.made += timed.direction == STATE
        session.frame(timed.frame, timed.ns, timed.ns)
        events = session.take_events()
        if self.finder.ordinary(events):
            return
        self.finder.expects_no_proof = bool(self.recording.shape)
        for fault in self.finder.look(timed, events):
            self._add(fault)
        while self.finder.notes:
            self._add_note(self.finder.notes.pop(0))
        self.fingerprint.take(events)

    def _look_at_time(self, timed: Timed) -> None:
        fault, note = of_time(timed)
        if fault is not None:
            self._add(fault)
        if note is not None:
            self._add_note(note)

    def _look_at_file(self, line: int | None) -> None:
        """Tell of a damaged line once the frames before it are played; None at the end of the file."""
        damage = self.recording.damage
        if damage is not None and self._told is None and (line is None or damage.line < line):
            self._told = damage
            self._add(Fault(damage.line, self.last_ns, "", "damaged file", "a whole line", clean_text(damage.text)))
        if line is None and self.recording.damaged > 1:
            self.kinds["damaged file"] = self.recording.damaged

    def _add(self, fault: Fault) -> None:
        self.kinds[fault.kind] += 1
        if len(self.faults) < FAULTS_SHOWN:
            self.faults.append(fault)

    def _add_note(self, note: Fault) -> None:
        self.note_kinds[note.kind] += 1
        if len(self.notes) < FAULTS_SHOWN:
            self.notes.append(note)

    @property
    def state_hash(self) -> str:
        """SHA-256 of all the feed knows now; see `recording.fingerprint`."""
        return self.fingerprint.state_hash(self.session)


def examine(path: Path, *, until_fault: bool, machine: bool, write: Callable[[str], object]) -> int:
    """Play a recording and print the findings.

    Args:
        path: A file that `recording.reader.open_recording` took.
        until_fault: Stop at the first fault, and also tell the state hash up to the frame before it.
        machine: Print one JSON object instead of tables.
        write: Takes the text.

    Returns:
        The exit code: 0 where no fault was found, else 1.
    """
    begun = time.perf_counter()
    found = Examination(path)
    found.play(until_fault=until_fault)
    found_s = time.perf_counter() - begun
    if not machine:
        write(_text(found, path))
    before = _hash_before(found, path) if until_fault and found.faults else None
    seconds = time.perf_counter() - begun
    if machine:
        write(json.dumps(_document(found, path, before, found_s, seconds), ensure_ascii=True) + "\n")
    else:
        if before is not None:
            write(f"state hash up to the frame before: {before}\n")
        write(_summary(found, seconds, stopped=until_fault) + "\n")
    return int(bool(found.kinds))


def _hash_before(found: Examination, path: Path) -> str:
    """State hash up to the frame before the fault: played again, since a session cannot go back."""
    if found.ended_before:
        return found.state_hash
    again = Examination(path)
    again.play(limit=found.frames - 1)
    return again.state_hash


# -- printing -----------------------------------------------------------------------------------------------------

_HEADS = ("pair", "depth", "state", "proof", "messages", "right", "wrong", "resyncs", "trades", "missing", "state hash")


def _text(found: Examination, path: Path) -> str:
    lines = [f"{name:<20}{value}" for name, value in _facts(found, path)]
    rows = [[str(cell) for cell in pair.values()] for pair in _pairs(found)]
    if rows:
        for row in rows:
            row[-1] = row[-1][:16]
        lines += ["", *_columns([list(_HEADS), *rows])]
    if found.faults:
        lines += ["", *(_sentence(fault) for fault in found.faults)]
        more = found.kinds.total() - len(found.faults)
        if more:
            lines.append(f"and {more:,} more")
    if found.notes:
        lines += ["", *(_sentence(note, "NOTE") for note in found.notes)]
        if more := found.note_kinds.total() - len(found.notes):
            lines.append(f"and {more:,} more notes")
    lines += ["", f"frames hash {found.contents.hexdigest()}", f"state hash  {found.state_hash}"]
    return "\n".join(lines) + "\n"


def _facts(found: Examination, path: Path) -> list[tuple[str, str]]:
    counters = found.session.counters
    span = (found.last_ns - found.first_ns) / SECOND
    ignored = ", ".join(f"{clean_text(kind, 60)} {count:,}" for kind, count in sorted(counters.ignored.items()))
    causes = _causes(found)
    return [
        ("recording", clean_text(path.name, 80)),
        *([("shape", found.recording.shape)] if found.recording.shape else []),
        ("program", f"kraken-tui {__version__}, Python {platform.python_version()}, {platform.system()}"),
        ("frames", f"{found.frames:,} received, {found.sent:,} sent" + _made(found)),
        ("time", f"{_time(found.first_ns)} to {_time(found.last_ns)}, {span:,.1f} s"),
        ("longest silence", f"{found.silence_ns / SECOND:,.1f} s"),
        ("connection changes", f"{counters.reconnects:,}"),
        ("book messages", f"{counters.checks_ok:,} checksums right, {counters.checks_failed:,} wrong"),
        ("proofs lost", ", ".join(f"{cause} {count:,}" for cause, count in sorted(causes.items())) or "0"),
        ("trades missing", f"{counters.trade_gaps:,}"),
        ("unreadable frames", f"{counters.invalid:,}"),
        ("rejected frames", f"{counters.rejected - counters.invalid:,}"),
        ("ignored frames", ignored or "0"),
        ("damaged lines", f"{found.recording.damaged:,}"),
    ]


def _made(found: Examination) -> str:
    return f", {found.made:,} of the received made by the recorder" if found.made else ""


def _pairs(found: Examination) -> list[dict[str, Any]]:
    session = found.session
    return [
        {
            "symbol": symbol,
            "depth": stitcher.book.depth,
            "state": str(stitcher.state),
            "proof": str(stitcher.proof),
            "messages": stitcher.counters.applied,
            "checksums_right": stitcher.counters.checks_ok,
            "checksums_wrong": stitcher.counters.checks_failed,
            "resyncs": found.finder.resyncs.get(symbol, Counter()).total(),
            "trades": found.fingerprint.trades.get(symbol, 0),
            "trades_missing": session.pairs[symbol].trade_gaps,
            "state_hash": found.fingerprint.pair_hash(session, symbol),
        }
        for symbol, stitcher in sorted(session.stitchers.items())
    ]


def _causes(found: Examination) -> Counter[str]:
    causes: Counter[str] = Counter()
    for resyncs in found.finder.resyncs.values():
        causes.update(resyncs)
    return causes


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows with their columns aligned: words to the left, numbers to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    words = {column for column, head in enumerate(rows[0]) if head in ("pair", "state", "proof", "state hash")}
    return [
        "  ".join(
            cell.ljust(width) if column in words else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _sentence(fault: Fault, word: str = "FAULT") -> str:
    where = f"line {fault.line}, {_time(fault.ns)}" + (f", {fault.symbol}" if fault.symbol else "")
    return f"{word} {fault.kind}: {where}: expected {fault.expected}, seen {fault.seen}"


def _summary(found: Examination, seconds: float, *, stopped: bool) -> str:
    total = found.kinds.total()
    if not total:
        verdict = "no fault"
        if found.note_kinds:
            verdict += f"; noted: {_by_kind(found.note_kinds)}"
    elif stopped:
        verdict = f"stopped at the first fault, in line {found.faults[0].line}"
    else:
        verdict = f"{total:,} FAULT{'S' * (total != 1)}: " + _by_kind(found.kinds)
    return f"{counted(found.frames, 'frame')} in {seconds:.1f} s: {verdict}"


def _by_kind(kinds: Counter[str]) -> str:
    return ", ".join(f"{kind} {count:,}" for kind, count in sorted(kinds.items()))


def _document(found: Examination, path: Path, before: str | None, found_s: float, seconds: float) -> dict[str, Any]:
    counters = found.session.counters
    return {
        "kraken_tui": __version__,
        "python": platform.python_version(),
        "system": platform.system(),
        "recording": clean_text(path.name, 80),
        "shape": found.recording.shape,
        "ok": not found.kinds,
        "frames": found.frames,
        "sent": found.sent,
        "made": found.made,
        "first_ns": found.first_ns,
        "last_ns": found.last_ns,
        "longest_silence_ns": found.silence_ns,
        "connection_changes": counters.reconnects,
        "checksums_right": counters.checks_ok,
        "checksums_wrong": counters.checks_failed,
        "resyncs": dict(sorted(_causes(found).items())),
        "trades_missing": counters.trade_gaps,
        "unreadable_frames": counters.invalid,
        "rejected_frames": counters.rejected - counters.invalid,
        "ignored_frames": {clean_text(kind, 60): count for kind, count in sorted(counters.ignored.items())},
        "damaged_lines": found.recording.damaged,
        "pairs": _pairs(found),
        "faults": [{**asdict(fault), "time": _time(fault.ns)} for fault in found.faults],
        "faults_by_kind": dict(sorted(found.kinds.items())),
        "notes": [{**asdict(note), "time": _time(note.ns)} for note in found.notes],
        "notes_by_kind": dict(sorted(found.note_kinds.items())),
        "frames_hash": found.contents.hexdigest(),
        "state_hash": found.state_hash,
        "state_hash_before": before,
        "found_s": round(found_s, 3),
        "seconds": round(seconds, 3),
    }


def _time(ns: int) -> str:
    """A moment; frames without any time of their own begin at 0."""
    if ns < _EPOCH_LIKE:
        return "no time"
    try:
        return format_timestamp(ns, 6)
    except (OverflowError, ValueError):
        return "no time"
