"""Pictures need nothing from outside, parse as XML and stand in exact cells."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest

from kraken_tui.tui.export import svg
from kraken_tui.tui.export.svg_cells import in_cells
from tests.tui import samples

NAMESPACE = "http://www.w3.org/2000/svg"
SIZES = [(80, 24), (120, 36), (160, 48), (220, 60)]


def test_blocks_become_rectangles_and_gaps_cut_runs() -> None:
    run = (
        '<text class="a" x="12.2" y="20" textLength="109.8" clip-path="url(#c)">'
        "&#160;&#160;a&#160;&lt;b&#160;&#160;██▌</text>"
    )
    assert in_cells(run) == (
        '<text class="a" x="36.6" y="20" textLength="48.8" lengthAdjust="spacingAndGlyphs" clip-path="url(#c)">'
        "a\N{NO-BREAK SPACE}&lt;b</text>"
        '<rect class="a" x="109.8" y="1.50" width="30.5" height="24.65" shape-rendering="crispEdges"/>'
    )
    lower = '<text class="a" x="0" y="20" textLength="24.4" clip-path="url(#c)">▂▄</text>'
    assert in_cells(lower) == (
        '<rect class="a" x="0" y="19.80" width="12.2" height="6.35" shape-rendering="crispEdges"/>'
        '<rect class="a" x="12.2" y="13.70" width="12.2" height="12.45" shape-rendering="crispEdges"/>'
    )


async def test_wide_characters_keep_their_cells() -> None:
    run = '<text class="a" x="0" y="20" textLength="48.8" clip-path="url(#c)">日本&#160;x</text>'
    assert 'textLength="73.2"' in in_cells(run)


def test_saving_never_follows_or_overwrites(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    (folder / "x.svg").symlink_to(victim)
    path = svg.save("<svg/>", folder, "x.svg")
    assert path.name == "x-2.svg"
    assert path.read_text() == "<svg/>"
    assert stat.S_IMODE(path.stat().st_mode) & 0o022 == 0
    assert victim.read_text() == "precious"


def test_a_hundred_names_are_enough(tmp_path: Path) -> None:
    for _ in range(100):
        svg.save("", tmp_path, "x.svg")
    with pytest.raises(FileExistsError):
        svg.save("", tmp_path, "x.svg")


def test_names_are_made_of_safe_characters() -> None:
    assert svg.stamped_name("BTC/USD", samples.NOW, ".svg") == "kraken-tui_BTC-USD_20261121T140310Z.svg"
    hostile = svg.stamped_name("../../etc/\x1b", samples.NOW, ".svg", prefix="")
    assert re.fullmatch(r"etc_[0-9a-f]{16}_20261121T140310Z\.svg", hostile)
