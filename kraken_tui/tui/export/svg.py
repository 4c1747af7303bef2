"""Pictures of the screen as SVG files that need nothing from the network."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.app import App

from kraken_tui.files import make_folder, open_private, user_folder
from kraken_tui.text import clean_text, safe_file_stem
from kraken_tui.tui.export.svg_cells import FONT_SIZE, in_cells
from kraken_tui.units import SECOND

if TYPE_CHECKING:
    from kraken_tui.settings import Settings

FONTS = "'DejaVu Sans Mono','Cascadia Mono',Menlo,Consolas,'Liberation Mono',monospace"
"""Common fonts with box drawing. Every run of text carries its `textLength`, so any will line up."""

_POLL_S = 0.02
_FONT_FACE = re.compile(r"@font-face\s*\{[^}]*\}\s*")
_COMMENT = re.compile(r"<!--.*?-->\s*", re.DOTALL)


def screen_svg(app: App[Any], title: str) -> str:
    """The screen as it stands, as SVG text without outside references.

    Args:
        app: A running app.
        title: Shown in the window frame of the picture; cleaned here.
    """
    return without_references(app.export_screenshot(title=clean_text(title, 100)))


def without_references(svg: str) -> str:
    """Take web fonts and comments out of Rich's SVG and name common fonts."""
    svg = _COMMENT.sub("", _FONT_FACE.sub("", svg, count=8), count=8)
    svg = svg.replace("font-family: Fira Code, monospace", f"font-family: {FONTS}")
    svg = svg.replace("font-family: arial", "font-family: sans-serif")
    return in_cells(svg.replace("font-size: 20px", f"font-size: {FONT_SIZE}px"))


def utc_text(ns: int) -> str:
    """A moment (ns since the epoch) as "2026-11-21 14:03:10 UTC"."""
    return datetime.fromtimestamp(ns // SECOND, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def stamped_name(symbol: str, ns: int, suffix: str, prefix: str = "kraken-tui_") -> str:
    """A file name of a pair and a moment, such as "kraken-tui_BTC-USD_20261121T140310Z.svg"."""
    moment = datetime.fromtimestamp(ns // SECOND, UTC).strftime("%Y%m%dT%H%M%SZ")
    return f"{prefix}{safe_file_stem(symbol)}_{moment}{suffix}"


def picture_folder(settings: Settings) -> Path:
    """Where pictures go: the folder the user chose, else "kraken-tui" among the user's pictures.

    Raises:
        OSError: This user has no home folder.
    """
    return settings.svg_dir or user_folder("pictures") / "kraken-tui"


def save(svg: str, folder: Path, name: str) -> Path:
    """Write a picture under a name that is not taken yet; an existing file or link is never written to.

    Args:
        svg: The picture.
        folder: Made if it is missing.
        name: File name; "-2", "-3", ... is put before its suffix while it is taken.

    Raises:
        OSError: The folder or file cannot be made or written, or a hundred names are taken.
    """
    make_folder(folder)
    wanted = Path(name)
    for number in range(1, 101):
        path = folder / (name if number == 1 else f"{wanted.stem}-{number}{wanted.suffix}")
        try:
            descriptor = open_private(path, os.O_WRONLY | os.O_EXCL)
        except FileExistsError:
            continue
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(svg)
        return path
    raise FileExistsError(f"a hundred pictures named {wanted.stem} exist")


def why(error: OSError) -> str:
    """The reason of a file error in words, without path and number."""
    return clean_text((error.strerror or str(error) or type(error).__name__).lower(), 80)
