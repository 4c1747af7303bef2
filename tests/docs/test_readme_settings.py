"""The README's settings file works as it is written (case C22)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kraken_tui.settings.options import OPTIONS
from kraken_tui.settings.sources import load
from kraken_tui.tui.app import KrakenApp
from kraken_tui.tui.keymap import effective
from tests.tui.fake_source import FakeSource

README = Path(__file__).resolve().parents[2] / "README.md"


def example() -> str:
    (block,) = re.findall(r"^```toml\n(.*?)^```$", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return str(block)


@pytest.mark.parametrize("text", [example(), re.sub(r"^# ?(?=\w+ = )", "", example(), flags=re.MULTILINE)])
async def test_the_program_starts_with_the_example(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    settings = load({}, {}, path)
    assert effective(settings.keys).problems == ()
    source = FakeSource()
    app = KrakenApp(source, settings, live=False)
    async with app.run_test(size=(100, 40)) as pilot:
        await pilot.pause()
        assert not app._notifications
    assert not [asked for asked in source.asked if asked[0] == "note" and asked[1] != "info"]
    assert app.keymap_in_force.keys["book.centre"] == ("x",)


def test_the_comments_name_settings_that_exist() -> None:
    names = set(re.findall(r"^(\w+) = ", example().partition("[keys]")[0], re.MULTILINE))
    assert names <= {row.name for row in OPTIONS}


async def test_a_clash_is_said_and_logged() -> None:
    from kraken_tui.settings import Settings

    source = FakeSource()
    app = KrakenApp(source, Settings(keys={"feed.pause": "q"}), live=False)
    async with app.run_test(size=(100, 40)) as pilot:
        await pilot.pause()
        (toast,) = app._notifications
    logged = [text for name, *rest in source.asked if name == "note" for text in [rest[1]]]
    assert [text for text in logged if "both want q" in str(text)] == [toast.message]
