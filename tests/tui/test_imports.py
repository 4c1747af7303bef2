"""The screen starts fast: what is heavy is imported when it is asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import kraken_tui.tui.draw

HEAVY = ("plotext", "numpy", "aiohttp", "pydantic", "websockets", "kraken_tui.feed", "kraken_tui.exchange")


def test_the_screen_imports_nothing_heavy() -> None:
    code = f"import sys, kraken_tui.tui.app; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_drawing_needs_neither_textual_nor_rich() -> None:
    folder = Path(kraken_tui.tui.draw.__file__).parent
    modules = ", ".join(f"kraken_tui.tui.draw.{path.stem}" for path in folder.glob("*.py"))
    code = f"import sys, {modules}; print([name for name in ('textual', 'rich', 'plotext') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
