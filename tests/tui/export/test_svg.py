"""Pictures need nothing from outside, parse as XML and stand in exact cells."""

from __future__ import annotations

import re
import stat
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from kraken_tui.errors import FeedFailed
from kraken_tui.market.events import Proof
from kraken_tui.settings import Settings
from kraken_tui.tui.draw.themes import PALETTES
from kraken_tui.tui.export import svg
from kraken_tui.tui.export.svg_cells import CELL_WIDTH, in_cells
from tests.tui import samples
from tests.tui.fake_source import FakeSource

NAMESPACE = "http://www.w3.org/2000/svg"
SIZES = [(80, 24), (120, 36), (160, 48), (220, 60)]


async def draw(size: tuple[int, int] = (80, 24), view: str = "book", **settings: object) -> str:
    chosen = Settings(**settings)  # type: ignore[arg-type]
    return await svg.picture(FakeSource(), chosen, size=size, view=view, until=None)


@pytest.mark.parametrize("theme", PALETTES)
async def test_a_picture_is_xml_without_references(theme: str) -> None:
    picture = await draw(theme=theme)
    root = ElementTree.fromstring(picture)
    assert root.tag == f"{{{NAMESPACE}}}svg"
    rest = picture.replace(NAMESPACE, "")
    for foreign in ("http", "@font-face", "@import", "href", "<script", "<image", "Fira", "file:"):
        assert foreign not in rest
    assert set(re.findall(r"url\(([^)]*)\)", rest)) <= set(re.findall(r"url\((#[^)]*)\)", rest))
    assert "DejaVu Sans Mono" in picture


async def test_every_run_of_text_says_how_long_it_is() -> None:
    root = ElementTree.fromstring(await draw((160, 48)))
    runs = [node for node in root.iter(f"{{{NAMESPACE}}}text") if "title" not in node.attrib["class"]]
    assert len(runs) > 300
    for node in runs:
        text = node.text or ""
        assert text.strip("\N{NO-BREAK SPACE} \n")
        assert float(node.attrib["textLength"]) == pytest.approx(len(text) * CELL_WIDTH, abs=0.01)
        assert float(node.attrib["x"]) / CELL_WIDTH == pytest.approx(round(float(node.attrib["x"]) / CELL_WIDTH))
        assert not set(text) & set("█▉▊▋▌▍▎▏▁▂▃▄▅▆▇▀")


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


async def test_hostile_text_stays_text() -> None:
    source = FakeSource()
    hostile = replace(source.feed_view.tabs[0], symbol='<script>"&\x1b[31m', problem="]]><image href='http://x'/>")
    source.feed_view = replace(source.feed_view, tabs=(hostile,))
    source.views[hostile.symbol] = replace(samples.pair(), symbol=hostile.symbol)
    picture = await svg.picture(source, Settings(), size=(120, 36), view="book", until=lambda feed: True)
    ElementTree.fromstring(picture)
    assert "<script" not in picture
    assert "<image" not in picture
    assert "\x1b" not in picture


async def test_a_picture_waits_for_proof_and_gives_up_with_the_feed() -> None:
    source = FakeSource()
    proven = source.feed_view
    reads = 0

    class Slow(FakeSource):
        @property
        def feed_view(self) -> svg.FeedView:  # type: ignore[override,name-defined]
            nonlocal reads
            reads += 1
            return proven if reads > 12 else replace(proven, tabs=())

        @feed_view.setter
        def feed_view(self, value: object) -> None:
            pass

    assert "64,250" in await svg.picture(Slow(), Settings(), size=(80, 24), view="book", until=None)
    assert reads > 12
    source.feed_view = replace(proven, fatal="kraken refused every pair")
    with pytest.raises(FeedFailed, match="kraken refused every pair"):
        await svg.picture(source, Settings(), size=(80, 24), view="book", until=None)
    with pytest.raises(ValueError, match="heatmap"):
        await svg.picture(source, Settings(), size=(80, 24), view="heatmap", until=None)


async def test_a_picture_turns_to_a_pair_that_is_proven() -> None:
    source = FakeSource()
    first, *others = source.feed_view.tabs
    refused = replace(first, symbol="NO/PAIR", proof=Proof.UNVERIFIED, problem="no such pair")
    source.feed_view = replace(source.feed_view, tabs=(refused, *others))
    picture = await svg.picture(source, Settings(), size=(120, 36), view="book", until=None)
    assert "ETH/BTC\N{NO-BREAK SPACE}\N{NO-BREAK SPACE}2026" in picture.replace("&#160;", "\N{NO-BREAK SPACE}")


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


@pytest.mark.parametrize("size", SIZES)
async def test_the_book_looks_as_it_did(size: tuple[int, int], snapshot: Callable[[str, str], None]) -> None:
    snapshot(await draw(size), f"book_{size[0]}x{size[1]}")
