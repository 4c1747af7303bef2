"""`kraken-tui export`: recordings as files of rows, for data frames and databases."""

from __future__ import annotations

import gc
import glob
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from kraken_tui.cli.command import Call, Subcommand, check_recording, is_path
from kraken_tui.cli.console import DONE, FAILED, SIGNALLED, Bar, complain, need_stdout, print_bytes, print_out
from kraken_tui.errors import ConfigurationError, OutputFailed
from kraken_tui.settings import INTERVALS
from kraken_tui.settings.options import Option
from kraken_tui.settings.readers import Between, FileName, OneOf, PairCount, PairList, Text, Whole, WrongValue
from kraken_tui.text import clean_text
from kraken_tui.units import SECOND
from kraken_tui.words import counted

if TYPE_CHECKING:
    from pathlib import Path

    from kraken_tui.outputs.recorded import Player
    from kraken_tui.outputs.sink import Sink

FORMATS = ("parquet", "csv")
SHAPES = ("updates", "levels", "trades", "candles", "flow")
_SUFFIXES = {".parquet": "parquet", ".csv": "csv", ".csv.gz": "csv"}
_STANDARD_OUTPUT = "-"
_EPOCH_S, _EPOCH_END_S = 10**8, 10**11
_BAR_CELLS = 24
_SHOW_EVERY_S = 0.2

_EPILOG = """\
shapes:
  updates   a row for each changed level, with the proof of its message
            (tardis.dev: incremental_book_L2)
  levels    the best levels a side, a row for each message that changed them
            (book_snapshot_N)
  trades    a row for each trade
  candles   a row for each candle of --interval
  flow      a row for each wall, pull, sweep and large print

examples:
  kraken-tui export day.jsonl.zst --to parquet
  kraken-tui export 'day-*.jsonl.zst' --shape trades --pairs BTC/USD \\
      --output trades.csv.gz
  kraken-tui export day.jsonl.zst --to csv --from 2026-11-28T12:00 \\
      --until 2026-11-28T13:00 --output - | head"""


class Moment:
    """A point in time, read as ns since the epoch."""

    def text(self, text: str) -> int:
        """See `Reader`."""
        from datetime import UTC, datetime, timedelta

        wrong = WrongValue("takes a time in UTC, such as 2026-11-28T12:00:00, or seconds since 1970")
        if text.isascii() and text.isdigit():
            seconds = int(text[:20])
            if not _EPOCH_S <= seconds < _EPOCH_END_S:
                raise wrong
            return seconds * SECOND
        try:
            found = datetime.fromisoformat(text)
            found = found.replace(tzinfo=UTC) if found.tzinfo is None else found
            return (found - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000
        except (ValueError, OverflowError):
            raise wrong from None

    toml = value = text


OPTIONS = (
    Option("files", FileName(), "recordings, or patterns such as 'day-*.jsonl.zst'; played in the order of their times",
           flag="FILE"),
    Option("to", Text(), "{allowed} (default: by the name of --output)", OneOf(FORMATS), flag="--to", metavar="FORMAT"),
    Option("shape", Text(), "{allowed} (default {default})", OneOf(SHAPES, near=True), flag="--shape", metavar="SHAPE",
           default="updates"),
    Option("levels", Whole(), "levels a side of the shape levels (default {default})", Between(1, 1000),
           flag="--levels", metavar="N", default=10),
    Option("interval", Whole(), "minutes of the shape candles: {allowed} (default {default})", OneOf(INTERVALS),
           flag="--interval", metavar="MIN", default=1),
    Option("only", PairList(), "only these pairs, separated by commas", PairCount(1, 1000),
           flag="--pairs", metavar="PAIR,PAIR"),
    Option("begin", Moment(), "from this time of receipt on, UTC; books then begin as they stood", flag="--from",
           metavar="TIME"),
    Option("until", Moment(), "up to this time, UTC", flag="--until", metavar="TIME"),
    Option("output", Text(), "file to write, .csv.gz is compressed, - is standard output for CSV; an existing one is"
           " replaced (default: FILE.SHAPE.FORMAT in this folder)", flag="--output", metavar="FILE"),
)  # fmt: skip


def _run(call: Call) -> int:
    own = call.own
    paths = _files(own["files"] or ())
    name = own["output"]
    kind = _format(own["to"], name)
    if own["begin"] is not None and own["until"] is not None and own["begin"] >= own["until"]:
        raise ConfigurationError("--from must be before --until")
    path = None if name == _STANDARD_OUTPUT else _output(name, paths, own["shape"], kind)
    for each in paths:
        check_recording(each)
        if path is not None and path.exists() and path.samefile(each):
            raise ConfigurationError(f"{clean_text(path)} is the recording itself; name another file with --output")
    need_stdout()
    with _opened(path) as (write, keep):
        return _export(own, paths, path, kind, write, keep)


def _export(
    own: dict[str, Any],
    paths: list[Path],
    path: Path | None,
    kind: str,
    write: Callable[[bytes], None],
    keep: Callable[[], int],
) -> int:
    from kraken_tui.outputs import SINKS
    from kraken_tui.outputs.recorded import Player, Wanted
    from kraken_tui.terminal.signals import Signals

    shape = own["shape"]
    wanted = Wanted(
        pairs=own["only"] or (),
        levels=own["levels"] if shape == "levels" else 0,
        derived=shape in ("candles", "flow"),
        books=shape != "candles",
        begin_ns=own["begin"],
        end_ns=own["until"],
        interval=own["interval"],
    )
    begun = time.monotonic()
    sink: Sink
    player = Player(paths, wanted, lambda event: sink.write(event))
    sink = SINKS[kind].make(player.spec_of, write, shape=shape, levels=own["levels"], clock=lambda: player.now_ns)
    # Rows are freed as soon as they are written; looking for cycles among the waiting ones takes a fifth of the time.
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)
    progress = _Progress(player, lambda: sink.counts.written, begun)
    with Signals() as signals:
        sink.open()
        try:
            for _ in player.play():
                sink.flush()
                progress.show()
                if signals.number is not None:
                    return SIGNALLED + signals.number
            sink.close()
        finally:
            progress.clear()
    for note in player.notes:
        complain(note)
    if left_out := sink.counts.left_out:
        complain(f"{counted(left_out, 'event')} left out because the precisions of the pair were not known")
    rows = sink.counts.written
    if not rows:
        written = "no file was written" if path is not None else "only the header was written"
        complain(f"{_named(paths)} has no rows of the shape {shape}{_matching(own)}; {written}")
        return FAILED
    size = keep()
    if path is not None:
        seconds = max(1e-9, time.monotonic() - begun)
        print_out(
            f"{clean_text(path)}: {counted(rows, 'row')} of {counted(len(player.session.pairs), 'pair')},"
            f" {size / 1e6:,.1f} MB, in {seconds:,.1f} s ({rows / seconds:,.0f} rows/s)\n"
        )
    return DONE


# -- what is read, and where it goes --------------------------------------------------------------------------------


def _files(names: tuple[str, ...] | list[str]) -> list[Path]:
    """The recordings, patterns filled in, each once."""
    if not names:
        raise ConfigurationError("export takes the recordings to read: kraken-tui export FILE ... --to parquet")
    found: dict[Path, None] = {}
    for name in names:
        try:
            path = FileName().text(name)
        except WrongValue as wrong:
            raise ConfigurationError(f"FILE {wrong}") from None
        matches = [path]
        if not is_path(path, "exists") and glob.has_magic(str(path)):
            matches = sorted(type(path)(each) for each in glob.glob(str(path)))  # noqa: PTH207 - patterns of any depth
            if not matches:
                raise ConfigurationError(f"no recording matches {clean_text(name, 80)}")
        found |= dict.fromkeys(matches)
    return list(found)


def _format(to: str | None, output: str | None) -> str:
    named = next((kind for suffix, kind in _SUFFIXES.items() if output and output.lower().endswith(suffix)), None)
    kind = to or named
    if kind is None:
        raise ConfigurationError("say which format: --to parquet or --to csv")
    if kind == "parquet" and output == _STANDARD_OUTPUT:
        raise ConfigurationError("a Parquet file cannot be written to standard output; name it with --output")
    return kind


def _output(name: str | None, paths: list[Path], shape: str, kind: str) -> Path:
    if name is not None:
        try:
            return FileName().text(name)
        except WrongValue as wrong:
            raise ConfigurationError(f"--output {wrong}") from None
    first = paths[0].name
    for suffix in (".gz", ".zst", ".jsonl", ".ndjson", ".json"):
        first = first.removesuffix(suffix)
    path = type(paths[0])(f"{first or 'recording'}.{shape}.{kind}")
    if is_path(path, "exists"):
        raise ConfigurationError(f"{clean_text(path)} is there already; name it with --output to replace it")
    return path


@contextmanager
def _opened(path: Path | None) -> Iterator[tuple[Callable[[bytes], None], Callable[[], int]]]:
    """(what takes the file's bytes, what ends it and returns its length).

    The file is written beside its place and moved there at the end: nobody sees half of it.

    Raises:
        OutputFailed: It cannot be written.
    """
    if path is None:
        yield print_bytes, lambda: 0
        return
    from kraken_tui.files import lock, open_private

    part = path.with_name(f"{path.name}.part")
    try:
        descriptor = open_private(part, os.O_WRONLY)
    except (OSError, ValueError) as error:
        raise OutputFailed(_why(part, error)) from None
    kept = False
    try:
        with os.fdopen(descriptor, "wb", buffering=1 << 20) as file:
            if not lock(descriptor):
                kept = True
                raise OutputFailed(f"{clean_text(part)} is being written by another export")
            file.truncate(0)
            packed = _packer(path, file)

            def keep() -> int:
                nonlocal kept
                if packed is not file:
                    packed.close()
                file.flush()
                os.fsync(descriptor)
                length = os.fstat(descriptor).st_size
                # Windows moves no file that is open.
                file.close()
                part.replace(path)
                kept = True
                return length

            yield packed.write, keep
    except OSError as error:
        raise OutputFailed(_why(path, error)) from None
    finally:
        if not kept:
            part.unlink(missing_ok=True)


def _packer(path: Path, file: Any) -> Any:
    if path.suffix.lower() != ".gz":
        return file
    import gzip

    return gzip.GzipFile(filename="", mode="wb", fileobj=file, compresslevel=6, mtime=0)


def _why(path: Path, error: OSError | ValueError) -> str:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"cannot write {clean_text(path)}: {clean_text(reason, 80)}"


def _named(paths: list[Path]) -> str:
    return clean_text(paths[0].name, 80) if len(paths) == 1 else counted(len(paths), "recording")


def _matching(own: dict[str, Any]) -> str:
    limits = [word for word, name in (("--from", "begin"), ("--until", "until"), ("--pairs", "only")) if own[name]]
    if len(limits) < 2:
        return f" that match {limits[0]}" if limits else ""
    return f" that match {', '.join(limits[:-1])} and {limits[-1]}"


# -- progress -------------------------------------------------------------------------------------------------------


class _Progress:
    """A bar on a terminal, on standard error; nothing anywhere else."""

    def __init__(self, player: Player, rows: Callable[[], int], begun: float) -> None:
        self._player = player
        self._rows = rows
        self._begun = begun
        self._next = begun + _SHOW_EVERY_S
        self._bar = Bar()

    def show(self) -> None:
        """Draw it, a few times a second."""
        now = time.monotonic()
        if self._bar.visible and now >= self._next:
            self._next = now + _SHOW_EVERY_S
            self._bar.show(progress_line(self._player.share, self._rows(), now - self._begun))

    def clear(self) -> None:
        """Take it away."""
        self._bar.clear()


def progress_line(share: float, rows: int, seconds: float) -> str:
    """How far it is, how fast, and how long it will take.

    Args:
        share: Part that is done, 0 to 1.
        rows: Rows written.
        seconds: Time taken.
    """
    full = round(share * _BAR_CELLS)
    left = f"{_clock(seconds * (1 - share) / share)} left" if share > 0.01 and seconds > 1 else ""
    rate = rows / seconds if seconds > 0 else 0
    bar = "#" * full + "." * (_BAR_CELLS - full)
    return f"{share:4.0%} [{bar}] {counted(rows, 'row')}, {rate:,.0f}/s  {left}".rstrip()


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


COMMAND = Subcommand(
    "export",
    "Write recordings as Parquet or CSV. They are played through the feed itself, so that every row says whether it"
    " was proven.",
    _run,
    OPTIONS,
    epilog=_EPILOG,
)
