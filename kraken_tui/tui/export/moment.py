"""A moment to hand to somebody else: the picture, the raw frames around it, and one line of text about it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from kraken_tui.errors import RecordingError, TimedOut
from kraken_tui.files import make_folder, open_private
from kraken_tui.market.views import PairView
from kraken_tui.tui.draw.format import price
from kraken_tui.tui.export.svg import stamped_name, utc_text
from kraken_tui.units import SECOND
from kraken_tui.wire.timestamps import format_timestamp
from kraken_tui.words import counted

FRAMES = "frames.jsonl.gz"
PICTURE = "picture.svg"
TEXT = "moment.txt"


class Shared(msgspec.Struct, frozen=True):
    """What was written.

    Attributes:
        folder: Holds `PICTURE`, `FRAMES` and `TEXT`.
        line: The line of text for a chat.
        problem: "" or why there are no frames, a sentence.
    """

    folder: Path
    line: str
    problem: str = ""


def share_moment(folder: Path, view: PairView, ns: int, svg: str, write_frames: Callable[[Path, int], int]) -> Shared:
    """Write a moment into a new folder; blocks while it writes.

    Args:
        folder: Where the new folder is made.
        view: The pair on screen.
        ns: The moment shown, ns since the epoch.
        svg: The picture.
        write_frames: Writes the frames around a moment (ns) into a new file and returns their number.

    Raises:
        OSError: Something cannot be written, or a hundred folders of this moment exist.
    """
    made = _new_folder(folder, stamped_name(view.symbol, ns, ""))
    _write(made / PICTURE, svg)
    line = moment_line(view, ns)
    try:
        count = write_frames(made / FRAMES, ns)
    except (RecordingError, TimedOut) as error:
        # The picture is worth having without them.
        (made / FRAMES).unlink(missing_ok=True)
        _write(made / TEXT, f"{line}\nwithout frames: {error}\n")
        return Shared(made, line, str(error))
    digest = hashlib.sha256((made / FRAMES).read_bytes()).hexdigest()
    at = format_timestamp(ns, 9)
    text = f"{line}\n{counted(count, 'frame')}, sha256 {digest}\nPlay it: kraken-tui --replay {FRAMES} --at {at}\n"
    _write(made / TEXT, text)
    return Shared(made, f"{line}, frames sha256 {digest[:16]}")


def moment_line(view: PairView, ns: int) -> str:
    """A moment in one line: pair, time, prices, and whether the book was proven."""
    parts = [view.symbol, f"{utc_text(ns)[:-4]}.{ns % SECOND // 1_000_000:03d} UTC"]
    if view.spec is not None:
        precision = view.spec.price_precision
        if view.bids and view.asks:
            parts.append(f"bid {price(view.bids[0][0], precision)} ask {price(view.asks[0][0], precision)}")
        if view.last is not None:
            parts.append(f"last {price(view.last, precision)}")
    parts.append(str(view.proof))
    return "  ".join(parts)


def _new_folder(folder: Path, name: str) -> Path:
    make_folder(folder)
    for number in range(1, 101):
        path = folder / (name if number == 1 else f"{name}-{number}")
        try:
            path.mkdir(mode=0o700)
        except FileExistsError:
            continue
        return path
    raise FileExistsError(f"a hundred folders named {name} exist")


def _write(path: Path, text: str) -> None:
    with os.fdopen(open_private(path, os.O_WRONLY | os.O_EXCL), "w", encoding="utf-8") as file:
        file.write(text)
