"""The recorder as the engine's thread sees it: begun and ended on command, fed, and looked at once a publish."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from kraken_tui.market.views import RecordingView
from kraken_tui.recording.background import BackgroundRecorder, Opening
from kraken_tui.settings import Rotation
from kraken_tui.text import clean_text
from kraken_tui.units import SECOND
from kraken_tui.words import counted

END_BY_S = 1.0
"""When a recording must be ended, counted from the order to stop; a silent peer is given as long."""

END_S = 0.15
"""What it is given at least."""

CLOSING_S = 2.0
"""How long a recording that was stopped stays on the screen while its rest is being written."""


class Recordings:
    """At most one recording at a time; nothing here waits for a disk, but `end` for up to a second.

    Args:
        note: Called with (level, text) for the log.
        opening: Makes the state a file begins with, from the number of frames lost before it in the same file.
        rotate: When to begin the next part.
        playing: Recording that is being played, if one is.
    """

    def __init__(
        self,
        note: Callable[[str, str], None],
        opening: Callable[[int], Opening],
        *,
        rotate: Rotation | None = None,
        playing: Path | None = None,
    ) -> None:
        self._note = note
        self._opening = opening
        self._rotate = rotate
        self._playing = playing
        self._recorder: BackgroundRecorder | None = None
        self._closing: list[tuple[BackgroundRecorder, int]] = []
        self._told = ""

    def write(self, frame: bytes, wall_ns: int, direction: str) -> None:
        """Take one frame."""
        if self._recorder is not None:
            self._recorder.write(frame, wall_ns, direction)

    def start(self, path: Path, now_ns: int) -> None:
        """Begin a recording; whether that works is seen later, in `view` and in the log."""
        self.stop(now_ns)
        self._told = ""
        after = self._closing[-1][0] if self._closing else None
        self._recorder = BackgroundRecorder(
            path, self._opening(0), rotate=self._rotate, playing=self._playing, after=after
        )

    @property
    def running(self) -> bool:
        """Whether frames are being recorded."""
        return self._recorder is not None

    def stop(self, now_ns: int) -> None:
        """End the recording, if there is one."""
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            recorder.close()
            self._closing.append((recorder, now_ns))

    def poll(self, now_ns: int) -> None:
        """Tell what happened; call this a few times a second.

        Args:
            now_ns: The machine's monotonic clock.
        """
        recorder = self._recorder
        if recorder is not None:
            recorder.poll(self._opening)
            self._tell(recorder)
        for closing in list(self._closing):
            if closing[0].close():
                self._closing.remove(closing)
                self._tell_ended(closing[0])
            elif now_ns - closing[1] >= CLOSING_S * SECOND:
                closing[0].give_up()
                self._tell(closing[0])

    def end(self, wait_s: float) -> None:
        """The engine ends: write the rest, as far as the disk lets it.

        Args:
            wait_s: Longest to wait for the disk; at least `END_S`.
        """
        recorder = self._recorder
        if recorder is not None:
            recorder.close(max(END_S, wait_s))
            self._tell(recorder)

    @property
    def load(self) -> tuple[int, int]:
        """(frames waiting, room)."""
        return (0, 0) if self._recorder is None else self._recorder.load

    def view(self, now_ns: int) -> RecordingView | None:
        """The recording for the screen; None where there is none."""
        shown = self._recorder
        if shown is None and self._closing and now_ns - self._closing[-1][1] < CLOSING_S * SECOND:
            shown = self._closing[-1][0]
        if shown is None:
            return None
        told = shown.progress
        return RecordingView(
            path=clean_text(told.path),
            bytes=told.bytes,
            frames=told.frames,
            problem=told.problem,
            waiting=told.waiting,
            waiting_bytes=told.waiting_bytes,
            dropped=told.dropped,
            lost=told.lost,
            warning=told.warning,
        )

    def _tell(self, recorder: BackgroundRecorder) -> None:
        while recorder.notices:
            self._note(*recorder.notices.popleft())
        problem = recorder.progress.problem
        if problem and problem != self._told:
            self._told = problem
            self._note("error", problem)

    def _tell_ended(self, recorder: BackgroundRecorder) -> None:
        self._tell(recorder)
        told = recorder.progress
        if not told.problem:
            self._note("info", f"recording stopped: {clean_text(told.path)} ({counted(told.frames, 'frame')})")
