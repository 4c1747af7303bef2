"""Pictures for comparison: `pytest tests/tui --snapshot-update` rewrites them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

SNAPSHOTS = Path(__file__).parent / "__snapshots__"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--snapshot-update", action="store_true", help="rewrite the SVG snapshots")


def normalise_svg(svg: str) -> str:
    """Take out Rich's content hash and what follows from the rest; one element a line for diffs."""
    svg = re.sub(r"terminal-\d+", "terminal", svg)
    svg = re.sub(r'<clipPath id="terminal-line-.*?</clipPath>\s*', "", svg, flags=re.DOTALL)
    svg = re.sub(r' (textLength|lengthAdjust|clip-path|shape-rendering)="[^"]*"', "", svg)
    return svg.replace('class="terminal-', 'class="').replace(".terminal-", ".").replace("><", ">\n<")


@pytest.fixture
def compare(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a picture with the one of that name under `__snapshots__`."""

    def with_kept(svg: str, name: str) -> None:
        path = SNAPSHOTS / f"{name}.svg"
        new = normalise_svg(svg)
        if request.config.getoption("--snapshot-update", default=False):
            SNAPSHOTS.mkdir(exist_ok=True)
            path.write_text(new, encoding="utf-8")
            return
        assert path.exists(), f"no picture {path.name} yet; look at it, then run with --snapshot-update"
        old = path.read_text(encoding="utf-8")
        changed = [f"{a}\n  is now {b}" for a, b in zip(old.split("\n"), new.split("\n"), strict=False) if a != b]
        assert new == old, f"{path.name} changed in {len(changed)} places, first:\n" + "\n".join(changed[:3])

    return with_kept
