"""The last row: its keys can be clicked, keys that have nothing to do say so, and the first start is greeted once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kraken_tui.settings import Settings
from kraken_tui.tui import first_run
from kraken_tui.tui.app import KrakenApp
from kraken_tui.tui.panes import views
from tests.tui.fake_source import FakeSource
from tests.tui.test_app import Clock


def make(keys: dict[str, str] | None = None, *, replay: bool = False) -> KrakenApp:
    return KrakenApp(FakeSource(replay=replay), Settings(keys=keys or {}), clock=Clock(), live=False, ascii_only=False)


def last_row(app: KrakenApp) -> str:
    return app.main._compositor.render_strips()[-1].text


async def test_clicks_on_the_footer_press_its_keys_at_80x24() -> None:
    app = make()
    async with app.run_test(size=(80, 24)) as pilot:
        app.tick(everything=True)
        await pilot.pause()
        for word, view in (("F4", "candles"), ("F5", "tape"), ("health", "health"), ("F2", "book")):
            await pilot.click(offset=(last_row(app).index(word), 23))
            await pilot.pause()
            assert app.main.view == view
        grouping = app.main.control.choices.grouping
        await pilot.click(offset=(last_row(app).index("+- group"), 23))
        assert app.main.control.choices.grouping > grouping
        await pilot.click(offset=(last_row(app).index("+- group") + 1, 23))
        assert app.main.control.choices.grouping == grouping
        await pilot.click(offset=(last_row(app).index("help"), 23))
        await pilot.pause()
        assert app.screen is not app.main


async def test_a_click_beside_the_keys_does_nothing() -> None:
    app = make()
    async with app.run_test(size=(80, 24)) as pilot:
        app.tick(everything=True)
        await pilot.pause()
        row = last_row(app)
        for cell in {0, row.index("F4") - 1, 79}:
            await pilot.click(offset=(cell, 23))
        assert app.main.view == "book"
        assert not app.leaving


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_every_key_of_the_footer_is_understood_where_it_is_offered(size: tuple[int, int]) -> None:
    """No key that is offered answers that it has nothing to do."""
    app = make()
    async with app.run_test(size=size) as pilot:
        for view in views():
            app.main.set_view(view)
            app.tick(everything=True)
            await pilot.pause()
            footer = app.main._panes["footer"]
            commands = {footer.command_at(cell) for cell in range(size[0])} - {None}  # type: ignore[attr-defined]
            assert len(commands) >= 6
            # A view that is shown without what it is of stays named there.
            for name in commands - {f"view.{view}"}:
                command = next(each for each in app.keymap_in_force.keys if each == name)
                assert app.main.keymap.refusal(_command(command), app.main.situation) == ""


def _command(name: str):  # type: ignore[no-untyped-def]
    from kraken_tui.tui.keymap import command_of

    return command_of(name)


@pytest.mark.parametrize(
    ("view", "key", "said"),
    [
        ("charts", "plus", "+ (coarser) is for the book view: F2."),
        ("charts", "k", "Up (cursor up) is for the book view: F2."),
        ("charts", "o", "This view has one pane only."),
        ("charts", "m", "This pane already has all the room there is."),
        ("tape", "left_square_bracket", "[ (shorter candles) is for the book view: F2."),
        ("book", "greater_than_sign", "This is for a recording that is played."),
    ],
)
async def test_a_key_that_has_nothing_to_do_says_so(view: str, key: str, said: str) -> None:
    app = make()
    async with app.run_test(size=(160, 48)) as pilot:
        app.main.set_view(view)
        await pilot.pause()
        choices = app.main.control.choices
        before = (choices.grouping, choices.cursor, app.main.alone, app.main.view)
        await pilot.press(key)
        await pilot.pause()
        assert (choices.grouping, choices.cursor, app.main.alone, app.main.view) == before
        assert said in last_row(app)


async def test_the_first_line_names_the_keys_in_force_until_one_is_pressed() -> None:
    app = make({"view.candles": "b"})
    async with app.run_test(size=(80, 24)) as pilot:
        app.main.greet()
        app.tick(everything=True)
        await pilot.pause()
        assert " ".join(last_row(app).split()) == ("? keys 1-9 pair / find F2 book F3 b F5 F7 q quit")
        await pilot.press("v")
        await pilot.pause()
        assert "keys" not in last_row(app)


def test_the_first_start_of_a_user_is_known_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_run, "user_folder", lambda kind: tmp_path / kind / "kraken-tui")
    assert [first_run.is_first() for _ in range(3)] == [True, False, False]
    (file,) = (tmp_path / "state" / "kraken-tui").iterdir()
    assert os.stat(file).st_mode & 0o777 == 0o600  # noqa: PTH116


def test_where_it_cannot_be_remembered_nobody_is_greeted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "state").touch()
    monkeypatch.setattr(first_run, "user_folder", lambda kind: tmp_path / kind / "kraken-tui")
    assert not first_run.is_first()

    def homeless(kind: str) -> Path:
        raise FileNotFoundError("no home")

    monkeypatch.setattr(first_run, "user_folder", homeless)
    assert not first_run.is_first()
