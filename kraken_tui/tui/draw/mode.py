"""What is shown when it is not the live market: DEMO, REPLAY, PAUSED, END, HISTORY.

States of the viewer, never faults. Pure.
"""

from __future__ import annotations

from kraken_tui.market.views import FeedView, Mode, ReplayView
from kraken_tui.tui.draw.format import clock
from kraken_tui.tui.draw.runs import Run
from kraken_tui.units import SECOND


def span(ns: int) -> str:
    """A position in a recording: "02:13", from an hour on "1:02:13"."""
    minutes, seconds = divmod(max(0, ns) // SECOND, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes:02d}:{seconds:02d}"


def progress(replay: ReplayView) -> str:
    """Position (while one is sought, how far that has come) and length, if that is known: "02:13 / 15:00"."""
    position = span(replay.position_ns if replay.reached_ns is None else replay.reached_ns)
    return position if replay.length_ns is None else f"{position} / {span(replay.length_ns)}"


def replay_word(replay: ReplayView) -> str:
    """What the recording does: "END", "PAUSED", "REPLAY x2", "REPLAY x max"."""
    if replay.finished:
        return "END"
    if replay.paused:
        return "PAUSED"
    return f"REPLAY x{replay.speed:g}" if replay.speed else "REPLAY x max"


def distance(ns: int) -> str:
    """How far in the past a moment lies: "-12.0 s", from ten minutes on "-12:30", from an hour on "-1:02:13"."""
    return f"-{max(0, ns) / SECOND:.1f} s" if ns < 600 * SECOND else f"-{span(ns)}"


def history_badge(moment_ns: int, now_ns: int) -> Run:
    """The badge of a moment of the past, with its time and its distance; as wide while the distance grows."""
    return f" HISTORY {clock(moment_ns)} {distance(now_ns - moment_ns).rjust(8)} ", "!badge/mode"


def mode_badge(feed: FeedView, *, short: bool = False) -> tuple[Run, ...]:
    """The badge of the mode; empty for the live market.

    Args:
        feed: Its mode and replay.
        short: Without the position in the recording.
    """
    if feed.mode is Mode.DEMO:
        return ((" DEMO ", "badge/mode"),)
    if feed.mode is not Mode.REPLAY:
        return ()
    replay = feed.replay
    if replay is None:
        return ((" REPLAY ", "badge/mode"),)
    badge: Run = (f" {replay_word(replay)} ", "badge/mode")
    return (badge,) if short else ((f"{progress(replay)} ", "text"), badge)
