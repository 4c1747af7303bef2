"""Raw frames to a file, so that every session can be played again; the form is in `recording.format` and `.chunks`."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Iterable
from pathlib import Path

from kraken_tui.errors import RecordingError
from kraken_tui.files import lock, make_folder, open_private
from kraken_tui.recording.chunks import codec_for
from kraken_tui.recording.format import RECEIVED, check_appendable, frame_line, header_line
from kraken_tui.text import clean_text
from kraken_tui.units import SECOND

FLUSH_NS = SECOND
"""Longest time a frame waits in memory, and so the most that a kill can lose (RELIABILITY.md F80)."""

CHUNK_BYTES = 256 * 1024
"""Text that is written at once, before the second is over; compressing it takes a few milliseconds."""

MIN_FREE_BYTES = 500 * 1024 * 1024
MIN_FREE_SHARE = 0.01
"""Recording stops when less than the smaller of the two is free, before other programs suffer."""

_SPACE_CHECK_NS = 10_000_000_000


DELETED, MOVED, EMPTIED, SHARED = "deleted", "moved away", "emptied", "written to by another program"
"""What can happen to the file of a recording while it is written."""


class Recorder:
    """Appends raw frames to one file. Never overwrites, and a disk error stops only the recording.

    Args:
        path: File to append to; .gz and .zst are compressed. Created readable by its owner only.
        wall_ns: Now, ns since the epoch, for the header.
        url: Where the frames come from, for the header.
        pairs: Pairs asked for, for the header.
        playing: Recording that the frames come from, if one is played.

    Attributes:
        path: As given.
        frames: Frames taken so far, this session.
        kept: Those of them that are written.
        bytes: Length of the file as last written.
        problem: "" or the sentence with which recording stopped; frames are then ignored.

    Raises:
        RecordingError: The file cannot be appended to: no such folder, no permission, in use by another recorder,
            not a recording, the one that is played, or the zstandard package is missing for .zst.
    """

    def __init__(
        self, path: Path, *, wall_ns: int, url: str = "", pairs: Iterable[str] = (), playing: Path | None = None
    ) -> None:
        self.path = path
        self.frames = 0
        self.kept = 0
        self.bytes = 0
        self.problem = ""
        self._lines: list[bytes] = []
        self._waiting = 0
        self._due_ns = 0
        self._space_due_ns = 0
        shown = clean_text(path)
        if playing is not None and _same(path, playing):
            # It would read its own output and never end.
            raise RecordingError(f"cannot record to {shown}: it is the recording being played")
        try:
            self._codec = codec_for(path)
            fd = _open(path)
        except RecordingError as error:
            raise RecordingError(f"cannot record to {shown}: {error}") from None
        self._fd: int | None = fd
        try:
            self._repair(fd)
        except (RecordingError, OSError) as error:
            self._release()
            reason = error.strerror or error if isinstance(error, OSError) else error
            raise RecordingError(f"cannot record to {shown}: {clean_text(reason)}") from None
        if not self.bytes:
            self._lines.append(header_line(wall_ns, url, pairs))

    def write(self, frame: bytes, rx_ns: int, direction: str = RECEIVED) -> None:
        """Take one frame; `tick` writes it within a second.

        Args:
            frame: Payload as received or sent.
            rx_ns: Wall clock when it was, ns since the epoch.
            direction: See `recording.format`.
        """
        if self._fd is None:
            return
        self._lines.append(frame_line(frame, rx_ns, direction))
        self.frames += 1
        self._waiting += len(frame)
        if self._waiting >= CHUNK_BYTES:
            self.flush()

    def tick(self, now_ns: int) -> None:
        """Write what has waited for a second; call this a few times a second.

        Args:
            now_ns: Time of any clock; it may be set back.
        """
        if self._fd is None:
            return
        if not 0 < self._due_ns - now_ns <= FLUSH_NS:
            self.flush()
            self._due_ns = now_ns + FLUSH_NS
        if not 0 < self._space_due_ns - now_ns <= _SPACE_CHECK_NS:
            self._space_due_ns = now_ns + _SPACE_CHECK_NS
            self._check_space()

    def close(self) -> None:
        """Write the rest and close; a second call does nothing."""
        if self._fd is not None:
            self.flush()
            self._release()

    def flush(self) -> None:
        """Write what waits."""
        if not self._lines or self._fd is None:
            return
        chunk = self._codec.encode(b"".join(self._lines))
        self._lines.clear()
        self._waiting = 0
        view = memoryview(chunk)
        try:
            while view:
                view = view[os.write(self._fd, view) :]
        except OSError as error:
            self._stop(f"{clean_text(error.strerror or error)}")
            return
        self.bytes += len(chunk)
        self.kept = self.frames

    def look(self) -> str:
        """Compare the file with what was written, and with what its name stands for now; call it before a flush.

        Returns:
            "" where all is well, or `DELETED`, `MOVED` (it lives on under another name), `EMPTIED` (somebody cut it
            short) or `SHARED` (somebody else has written to it).
        """
        if self._fd is None:
            return ""
        named: os.stat_result | None = None
        try:
            ours = os.fstat(self._fd)
            with contextlib.suppress(FileNotFoundError):
                named = self.path.lstat()
        except OSError:
            # If the file system cannot say, the write itself will.
            return ""
        if named is None or (named.st_dev, named.st_ino) != (ours.st_dev, ours.st_ino):
            return MOVED if ours.st_nlink else DELETED
        if ours.st_size != self.bytes:
            return EMPTIED if ours.st_size < self.bytes else SHARED
        return ""

    def abandon(self, problem: str = "") -> None:
        """Let the file go as it is; what waits is not written.

        Args:
            problem: The sentence with which recording stopped, if it did.
        """
        self.problem = self.problem or problem
        self._release()

    def _check_space(self) -> None:
        try:
            usage = shutil.disk_usage(self.path.absolute().parent)
        except OSError:
            # If the file system cannot say, the write itself will.
            return
        if usage.free < min(MIN_FREE_BYTES, usage.total * MIN_FREE_SHARE):
            self.flush()
            self._stop("the disk is almost full")

    def _stop(self, reason: str) -> None:
        """Stop recording; the file ends with its last whole chunk."""
        self.problem = self.problem or f"recording to {clean_text(self.path)} stopped: {reason}"
        if self._fd is not None:
            try:
                os.ftruncate(self._fd, self.bytes)
            except OSError:
                # The next start cuts the torn end off.
                self.problem += "; its end may be torn"
        self._release()

    def _repair(self, fd: int) -> None:
        """Check that an existing file is ours, and cut off an unfinished chunk."""

        def read(offset: int, count: int) -> bytes:
            os.lseek(fd, offset, os.SEEK_SET)
            parts = []
            while count > 0 and (part := os.read(fd, count)):
                parts.append(part)
                count -= len(part)
            return b"".join(parts)

        size = os.fstat(fd).st_size
        if size:
            whole = self._codec.whole_length(read, size)
            if whole:
                check_appendable(self._codec.first_line(read, whole))
            elif not _torn_start(self._codec.head, read(0, 64)):
                raise RecordingError("the file holds something else; choose another name")
            if whole < size:
                os.ftruncate(fd, whole)
            size = whole
        self.bytes = size

    def _release(self) -> None:
        fd, self._fd = self._fd, None
        self._lines.clear()
        if fd is not None:
            try:
                os.close(fd)
            except OSError as error:
                self.problem = self.problem or f"closing {clean_text(self.path)} failed: {clean_text(error.strerror)}"


def _same(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)
    except (OSError, ValueError):
        # One of them is not there.
        return False


def check(path: Path, playing: Path | None = None) -> None:
    """Find out whether a recording could start here, without writing a header.

    Args:
        path: File to append to.
        playing: Recording that the frames would come from, if any.

    Raises:
        RecordingError: As `Recorder` would.
    """
    existed = os.path.lexists(path)
    recorder = Recorder(path, wall_ns=0, playing=playing)
    recorder.abandon()
    if not existed:
        path.unlink(missing_ok=True)


def _torn_start(head: bytes, start: bytes) -> bool:
    """Whether a file without one whole chunk can be the torn beginning of a recording."""
    return start.startswith(head) or head.startswith(start)


def _open(path: Path) -> int:
    """Open for appending, alone."""
    try:
        make_folder(path.parent)
        fd = open_private(path, os.O_RDWR | os.O_APPEND)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise RecordingError("it is a symbolic link, which is not followed; name the file itself") from None
        raise RecordingError(clean_text(error.strerror or error)) from None
    except ValueError:
        raise RecordingError("not a file name") from None
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise RecordingError("not a regular file")
        # Some network file systems know no locks; recording there is better than not recording.
        if not lock(fd):
            raise RecordingError("another recorder is writing to it; choose another name")
    except BaseException:
        os.close(fd)
        raise
    return fd
