"""The screen starts fast: what is heavy is imported when it is asked for."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("plotext", "numpy", "aiohttp", "pydantic", "websockets", "kraken_tui.feed", "kraken_tui.exchange")


def test_the_screen_imports_nothing_heavy() -> None:
    code = f"import sys, kraken_tui.tui.app; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
