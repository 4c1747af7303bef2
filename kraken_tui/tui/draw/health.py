"""Market health: how fresh, how complete and how proven the feed is, and what the program itself is doing."""

from __future__ import annotations

from itertools import groupby

from kraken_tui.market.events import MarketStatus, Proof
from kraken_tui.market.views import FeedView, KafkaView, LatencyView, Mode, PairView
from kraken_tui.tui.draw.format import bar_right, clock, data_size, duration, eighths, rate
from kraken_tui.tui.draw.mode import progress, replay_word
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import Line, Run, in_cells, shorten, title_line, width_of
from kraken_tui.units import SECOND
from kraken_tui.words import counted, fixed, signed

_STATUS = {
    MarketStatus.ACTIVE: ("●", "ok"),
    MarketStatus.STALE: ("◐", "stale"),
    MarketStatus.HALTED: ("■", "bad"),
    MarketStatus.UNKNOWN: ("○", "muted"),
}
_GOOD_STATES = frozenset({"SUBSCRIBED"})
_LOST_STATES = frozenset({"DISCONNECTED", "COOLDOWN", "CLOSED"})
_LABEL = 10
_TWO_COLUMNS_FROM = 72
_LEFT_COLUMN = 36

# The venue sends a heartbeat every second while anything is subscribed (PROTOCOL.md), so three are a remark.
_QUIET_NS = 3 * SECOND
_SILENT_NS = 10 * SECOND
_WRONG = frozenset({"warn", "bad", "stale"})
_FEW = ("latency", "checksums", "proof", "audit", "ticker", "missed", "engine", "resyncs", "book", "trades")
"""Rows that are kept where there is room for few, the most telling first."""

_MUCH_WAITS = 1_000_000
_OFFSET_REMARK_MS = 1_000.0
_LAG_REMARK_MS = 250.0
_KAFKA_LAG = 1_000


def _row(label: str, *runs: Run) -> Line:
    return ((label.ljust(_LABEL), "muted"), *runs)


def _count(value: int, key: str = "warn") -> Run:
    """A count that should be zero; anything else is marked."""
    return f"{value:,}", f"!{key}" if value else "text"


def milliseconds(value: float) -> str:
    """A latency without its unit: whole from ten on, one decimal below."""
    return fixed(value, 0 if abs(value) >= 9.95 else 1)


def _age(ns: int | None, key: str = "text") -> Run:
    return ("none yet", "muted") if ns is None else (f"{duration(ns)} ago", key)


def _word_and_reason(word: str, key: str, reason: str, width: int) -> list[Line]:
    """A state and why: on one row where both fit; a reason for something wrong gets a row before it is cut."""
    reason = in_cells(reason)
    quiet = "text" if key in ("ok", "muted", "mode") else key
    if len(word) + 2 + len(reason) <= width or quiet == "text":
        return [((word, f"!{key}"), ("  " + shorten(reason, max(0, width - len(word) - 2)), quiet))]
    return [((word, f"!{key}"),), (("  " + shorten(reason, width - 2), quiet),)]


def status_lines(pair: PairView | None, width: int) -> list[Line]:
    """The market's status with its glyph and reason."""
    if pair is None:
        return [(("○ UNKNOWN", "!muted"), ("  no data yet", "muted"))]
    glyph, key = _STATUS[pair.health.status]
    return _word_and_reason(f"{glyph} {pair.health.status.value.upper()}", key, pair.health.reason, width)


def connection_lines(feed: FeedView, width: int, *, past: bool = False) -> list[Line]:
    """Connection state and cause; a further row while a reconnect is planned or the feed has failed for good.

    Args:
        feed: Its newest view.
        width: Cells.
        past: Whether the market beside it is of the past, so that the state must be told to be of now.
    """
    replay = feed.replay
    if feed.mode is Mode.REPLAY and replay is not None and not feed.fatal and not feed.silent_ns:
        # A recording has no connection; what it does is no fault.
        return _word_and_reason(replay_word(replay), "mode", in_cells(replay.path), width)
    if feed.silent_ns:
        # What it said last of the connection is out of date.
        return _word_and_reason(f"○ WAS {in_cells(feed.state)}", "muted", feed.cause, width)
    key = "ok" if feed.state in _GOOD_STATES else "bad" if feed.state in _LOST_STATES or feed.fatal else "warn"
    glyph = {"ok": "●", "warn": "◐", "bad": "○"}[key]
    word = f"{glyph} {'now ' if past else ''}{in_cells(feed.state)}"
    lines = _word_and_reason(word, key, feed.cause, width)
    if feed.fatal:
        lines.append(((shorten(f"✗ {in_cells(feed.fatal)}", width), "!bad"),))
    elif feed.retry_in_s is not None:
        retry = (f"{max(0.0, feed.retry_in_s):.1f} s", "!warn")
        lines.append(_row("retry in", retry, (f"  attempt {feed.attempt}", "text")))
    return lines


def _latency_runs(latency: LatencyView, width: int) -> tuple[Run, ...]:
    if latency.p50 is None or latency.p99 is None or latency.worst is None:
        return (("none yet", "muted"),)
    text = f"{milliseconds(latency.p50)} / {milliseconds(latency.p99)} / {milliseconds(latency.worst)} ms"
    for unit in ("  p50 / p99 / max, 5 min", "  p50/p99/max", "  5 min"):
        if _LABEL + len(text) + len(unit) <= width:
            return ((text, "text"), (unit, "muted"))
    return ((text, "text"),)


def engine_rows(feed: FeedView, step: str, width: int) -> list[Line]:
    """Whether the engine answers, and the worst delay of its rounds; where it does not, what it hangs in."""
    if feed.silent_ns:
        rows = [_row("engine", (f"silent {feed.silent_ns // SECOND} s", "!bad"))]
        return [*rows, _row("in", (shorten(step, width - _LABEL), "bad"))] if step else rows
    lag_ms = feed.loop_lag_ns / 1e6
    key = "!warn" if lag_ms >= _LAG_REMARK_MS else "text"
    text, unit = f"{milliseconds(lag_ms)} ms", "  worst delay, 10 s"
    return [_row("engine", (text, key), (unit if _LABEL + len(text) + len(unit) <= width else "", "muted"))]


def _pair_rows(pair: PairView | None) -> list[Line]:
    if pair is None:
        return []
    trade_age = None if pair.last_trade_ns is None else pair.now_ns - pair.last_trade_ns
    return [
        _row("book", _age(pair.age_ns, "!stale" if pair.stale else "text"), (f"  {rate(pair.book_rate)}", "muted")),
        _row("trades", _age(trade_age), (f"  {rate(pair.trade_rate)}", "muted")),
    ]


def _output_rows(feed: FeedView, width: int) -> list[Line]:
    """The recorder and the replay, where active."""
    rows: list[Line] = []
    recording, replay = feed.recording, feed.replay
    if recording is not None and recording.problem:
        rows.append(_row("recorder", (shorten(f"✗ {in_cells(recording.problem)}", width - _LABEL), "!bad")))
    elif recording is not None:
        size, frames = data_size(recording.bytes), f"  {counted(recording.frames, 'frame')}"
        fits = _LABEL + 2 + len(size) + len(frames) <= width
        rows.append(_row("recorder", ("● ", "!bad"), (size, "text"), (frames if fits else "", "muted")))
        if recording.warning:
            rows.append(_row("", (shorten(f"! {in_cells(recording.warning)}", width - _LABEL), "!warn")))
        if recording.waiting_bytes > _MUCH_WAITS:
            waits = f"{counted(recording.waiting, 'frame')} waiting ({data_size(recording.waiting_bytes)})"
            rows.append(_row("", (shorten(waits, width - _LABEL), "warn")))
    rows += _kafka_rows(feed, width)
    if replay is not None:
        rows.append(_row("position", (progress(replay), "text")))
    return rows


def _kafka_rows(feed: FeedView, width: int) -> list[Line]:
    """How far Kafka was read, what is missing there, and publishers that fell silent."""
    kafka = feed.kafka
    if kafka is None:
        return []
    lines = f"  {counted(kafka.lines, 'line')}"
    lag = f"lag {kafka.lag:,}"
    fits = _LABEL + len(lag) + len(lines) <= width
    rows = [_row("kafka", (lag, "!warn" if kafka.lag >= _KAFKA_LAG else "text"), (lines if fits else "", "muted"))]
    if kafka.missing:
        text = f"{counted(kafka.missing, 'line')} missing, {counted(kafka.gaps, 'gap')}"
        rows.append(_row("", (shorten(text, width - _LABEL), "!warn")))
    if kafka.left_out:
        rows.append(_row("", (f"{counted(kafka.left_out, 'line')} unusable", "!warn")))
    if kafka.silent or not kafka.publishers:
        text = counted(kafka.silent, "silent publisher") if kafka.silent else "no publisher heard"
        rows.append(_row("", (shorten(text, width - _LABEL), "!bad")))
    return rows


def _offset_rows(kafka: KafkaView, width: int) -> list[Line]:
    """The next offset of every partition that is read, a row for each topic; +n is what lies beyond it."""
    rows: list[Line] = []
    for topic, places in groupby(kafka.positions, key=lambda place: place.topic):
        name = topic.rpartition(".")[2]
        parts = [f"{place.partition}: {place.offset:,}" + (f" +{place.lag:,}" if place.lag else "") for place in places]
        rows.append(_row(in_cells(name)[: _LABEL - 1], (shorten("  ".join(parts), width - _LABEL), "text")))
    return [(("offsets in Kafka, by partition", "muted"),), *rows] if rows else []


def _queue_rows(feed: FeedView) -> list[Line]:
    """How full the fullest queue of a listener is; nothing where nobody listens."""
    if not feed.queue_limit and not feed.dropped:
        return []
    waits = (f"{feed.queue:,}/{feed.queue_limit:,}", "!warn" if 2 * feed.queue > feed.queue_limit else "text")
    return [_row("queue", waits, ("  dropped ", "muted"), _count(feed.dropped))]


def essential_rows(picture: Picture, width: int) -> list[Line]:
    """What the pane is about, most urgent first: 12 to 17 rows, 32 cells suffice."""
    feed, pair = picture.feed, picture.pair
    beat = feed.heartbeat_age_ns
    beat_key = "text" if beat is None or beat < _QUIET_NS else "!warn" if beat < _SILENT_NS else "!bad"
    latency = feed.latency
    offset, trip = latency.clock_offset_ms, latency.round_trip_ms
    clock_text = "not measured yet" if offset is None else f"{signed(offset, 0)} ms"
    offset_key = "muted" if offset is None else "!warn" if abs(offset) >= _OFFSET_REMARK_MS else "text"
    return [
        *status_lines(pair, width),
        *connection_lines(feed, width, past=picture.moment_ns is not None),
        *engine_rows(feed, picture.step, width),
        *_pair_rows(pair),
        _row("heartbeat", _age(beat, beat_key)),
        _row("latency", *_latency_runs(latency, width)),
        _row(
            "checksums",
            (f"{feed.checks_ok:,} ok", "text"),
            ("  ", "text"),
            _count(feed.checks_failed, "bad"),
            (" failed", "text"),
        ),
        _row("resyncs", _count(feed.resyncs), ("  reconnects ", "muted"), _count(feed.reconnects)),
        *_output_rows(feed, width),
        *_queue_rows(feed),
        _row("messages", (rate(feed.message_rate), "text"), (f"  {feed.messages:,} total", "muted")),
        _row("invalid", _count(feed.invalid), ("  frames", "muted")),
        _row(
            "clock",
            (clock_text, offset_key),
            ("" if trip is None else f"  ping {milliseconds(trip)} ms", "muted"),
        ),
        *history_rows(picture),
    ]


def history_rows(picture: Picture) -> list[Line]:
    """The memory of the past that is held of the pair, since when, and that of all pairs."""
    past = picture.history
    if past is None or past.since_ns is None:
        return []
    rows = [_row("history", (data_size(past.size), "text"), (f" since {clock(past.since_ns)}", "muted"))]
    if picture.held_bytes > past.size:
        rows.append(_row("", (data_size(picture.held_bytes), "text"), (" of all pairs", "muted")))
    return rows


def further_rows(picture: Picture, width: int) -> list[Line]:
    """What a larger pane adds: venue, proof of this pair, source, unknown kinds, the latency histogram."""
    feed, pair = picture.feed, picture.pair
    rows: list[Line] = [_row("system", (feed.system, "text" if feed.system == "online" else "!warn"))]
    if pair is not None:
        rows.append(_row("venue", (pair.venue, "text" if pair.venue == "ONLINE" else "!warn")))
        key = {Proof.VERIFIED: "ok", Proof.CHECKING: "warn"}.get(pair.proof, "bad")
        reason = in_cells(pair.proof_reason) or f"{pair.checks_ok:,} ok"
        word = f"{pair.proof.value}  "
        rows.append(_row("proof", (word, f"!{key}"), (shorten(reason, max(0, width - _LABEL - len(word))), "text")))
        rows += _evidence_rows(pair, width)
        if pair.stale_reason:
            rows.append(_row("stale", (shorten(in_cells(pair.stale_reason), width - _LABEL), "!stale")))
    if feed.latency.p999 is not None:
        rows.append(_row("p99.9", (f"{milliseconds(feed.latency.p999)} ms", "text"), ("  latency, 5 min", "muted")))
    rows.append(_row("mode", (feed.mode.value, "text")))
    rows.append(_row("source", (shorten(in_cells(feed.url), width - _LABEL), "text")))
    if feed.kafka is not None:
        rows += _offset_rows(feed.kafka, width)
    return rows + histogram_rows(feed.latency, width, picture.ascii_only)


def _evidence_rows(pair: PairView, width: int) -> list[Line]:
    """What proves the book besides its checksum: audit, second witness, complete trades."""
    covered = pair.covered_levels
    if pair.depth <= covered:
        audit = (f"all {pair.depth} levels in the checksum", "text")
    elif pair.audited_ns is None:
        audit = (f"not yet; top {covered} proven", "!warn")
    else:
        audit = (f"{duration(max(0, pair.now_ns - pair.audited_ns))} ago, {pair.depth} levels", "text")
    rows = [_row("audit", (shorten(audit[0], width - _LABEL), audit[1]))]
    if pair.witness:
        doubtful = "differs" in pair.witness or "silent" in pair.witness
        rows.append(_row("ticker", (shorten(pair.witness, width - _LABEL), "!warn" if doubtful else "text")))
    noun = "trade" if pair.trade_gaps == 1 else "trades"
    return [*rows, _row("missed", _count(pair.trade_gaps), (f" {noun}, by their numbers", "muted"))]


def histogram_rows(latency: LatencyView, width: int, ascii_only: bool = False) -> list[Line]:
    """Latency counts by bucket as bars, buckets without a count at either end left out."""
    counts = [count for _, count in latency.histogram]
    filled = [index for index, count in enumerate(counts) if count]
    if not filled or width < 24:
        return []
    rows: list[Line] = [(("feed latency, ms", "muted"),)]
    room = width - 18
    for bound, count in latency.histogram[filled[0] : filled[-1] + 1]:
        label = "more" if bound == float("inf") else f"≤ {bound:,g}"
        bar = bar_right(eighths(count, max(counts), room), room, "accent", ascii_only)
        rows.append(((label.rjust(8) + " ", "muted"), bar, (f"{count:,}".rjust(9), "text")))
    return rows


def draw_health(picture: Picture, width: int, height: int) -> list[Line]:
    """Draw the pane; where not all rows fit, what is wrong comes before what is in order."""
    symbol = in_cells(picture.pair.symbol) if picture.pair else ""
    if picture.moment_ns is not None:
        symbol += f" at {clock(picture.moment_ns)}"
    title = title_line("Market health", symbol, width)
    if width >= _TWO_COLUMNS_FROM:
        left = most_urgent(essential_rows(picture, _LEFT_COLUMN), height - 1)
        right = most_urgent(further_rows(picture, width - _LEFT_COLUMN - 2), height - 1)
        rows = [
            (
                *_fitted(left[y] if y < len(left) else (), _LEFT_COLUMN),
                ("  ", "text"),
                *(right[y] if y < len(right) else ()),
            )
            for y in range(max(len(left), len(right)))
        ]
    else:
        rows = most_urgent(essential_rows(picture, width), height - 1)
        if height - 1 > len(rows) + 1:
            rows = [*rows, (), *further_rows(picture, width)]
    return [title, *(_cut(row, width) for row in rows[: max(0, height - 1)])]


def most_urgent(rows: list[Line], room: int) -> list[Line]:
    """As many rows as there is room for, in their order: states and whatever is wrong first, then what tells most."""
    if len(rows) <= room:
        return rows

    def rank(at: int) -> tuple[int, int]:
        row = rows[at]
        label, key = row[0]
        if key != "muted" or any(each.lstrip("!") in _WRONG for _, each in row):
            return 0, at
        label = label.strip()
        return 1 + (_FEW.index(label) if label in _FEW else len(_FEW)), at

    kept = sorted(range(len(rows)), key=rank)[: max(0, room)]
    return [rows[at] for at in sorted(kept)]


def _fitted(line: Line, width: int) -> Line:
    """A line cut or padded to `width` cells."""
    cut = _cut(line, width)
    return (*cut, (" " * (width - width_of(cut)), "text"))


def _cut(line: Line, width: int) -> Line:
    """A line of at most `width` cells; an ellipsis stands for what is missing, or half a number would look whole."""
    if width_of(line) <= width:
        return line
    runs: list[Run] = []
    left = width - 1
    for text, key in line:
        runs.append((text[:left], key))
        left -= len(runs[-1][0])
    return (*runs, ("…" if width > 0 else "", "muted"))
