"""Pictures without a terminal: whole in themselves, valid XML, in exact cells, and the same as before."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from kraken_tui.errors import FeedFailed
from kraken_tui.market.events import Proof
from kraken_tui.market.views import FeedView
from kraken_tui.settings import Settings
from kraken_tui.tui import snapshot
from kraken_tui.tui.draw.themes import PALETTES
from kraken_tui.tui.export.svg_cells import CELL_WIDTH
from tests.tui import accounts, samples
from tests.tui.fake_source import FakeSource

NAMESPACE = "http://www.w3.org/2000/svg"
SIZES = [(80, 24), (120, 36), (160, 48), (220, 60)]


async def draw(size: tuple[int, int] = (80, 24), view: str = "book", **settings: object) -> str:
    chosen = Settings(**settings)  # type: ignore[arg-type]
    return await snapshot.picture(FakeSource(), chosen, size=size, view=view, until=None)


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


async def test_hostile_text_stays_text() -> None:
    source = FakeSource()
    hostile = replace(source.feed_view.tabs[0], symbol='<script>"&\x1b[31m', problem="]]><image href='http://x'/>")
    source.feed_view = replace(source.feed_view, tabs=(hostile,))
    source.views[hostile.symbol] = replace(samples.pair(), symbol=hostile.symbol)
    picture = await snapshot.picture(source, Settings(), size=(120, 36), view="book", until=lambda feed: True)
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
        def feed_view(self) -> FeedView:  # type: ignore[override]
            nonlocal reads
            reads += 1
            return proven if reads > 12 else replace(proven, tabs=())

        @feed_view.setter
        def feed_view(self, value: object) -> None:
            pass

    assert "64,250" in await snapshot.picture(Slow(), Settings(), size=(80, 24), view="book", until=None)
    assert reads > 12
    source.feed_view = replace(proven, fatal="kraken refused every pair")
    with pytest.raises(FeedFailed, match="kraken refused every pair"):
        await snapshot.picture(source, Settings(), size=(80, 24), view="book", until=None)
    with pytest.raises(ValueError, match="footprints"):
        await snapshot.picture(source, Settings(), size=(80, 24), view="footprints", until=None)


async def test_a_picture_turns_to_a_pair_that_is_proven() -> None:
    source = FakeSource()
    first, *others = source.feed_view.tabs
    refused = replace(first, symbol="NO/PAIR", proof=Proof.UNVERIFIED, problem="no such pair")
    source.feed_view = replace(source.feed_view, tabs=(refused, *others))
    picture = await snapshot.picture(source, Settings(), size=(120, 36), view="book", until=None)
    assert "ETH/BTC\N{NO-BREAK SPACE}\N{NO-BREAK SPACE}2026" in picture.replace("&#160;", "\N{NO-BREAK SPACE}")


@pytest.mark.parametrize("size", SIZES)
async def test_the_book_looks_as_it_did(size: tuple[int, int], compare: Callable[[str, str], None]) -> None:
    compare(await draw(size), f"book_{size[0]}x{size[1]}")


def with_account() -> FakeSource:
    source = FakeSource()
    view = samples.pair()
    source.account = accounts.account(view)
    source.views[view.symbol] = accounts.pair(view, source.account)
    tabs = tuple(replace(tab, last=view.last) if tab.symbol == view.symbol else tab for tab in source.feed_view.tabs)
    source.feed_view = replace(source.feed_view, tabs=tabs, now_ns=view.now_ns)
    return source


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_the_account_looks_as_it_did(size: tuple[int, int], compare: Callable[[str, str], None]) -> None:
    made = await snapshot.picture(with_account(), Settings(), size=size, view="account", until=None)
    compare(made, f"account_{size[0]}x{size[1]}")


async def test_the_queue_on_the_large_desk_looks_as_it_did(compare: Callable[[str, str], None]) -> None:
    made = await snapshot.picture(with_account(), Settings(), size=(220, 60), view="book", until=None)
    compare(made, "book_with_account_220x60")
