"""What commands follow of the account by themselves, and with which key."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest
from msgspec.structs import replace

from kraken_tui.cli import private
from kraken_tui.cli.private import of_picture
from kraken_tui.cli.watch import Watch
from kraken_tui.engine.engine import Engine
from kraken_tui.market.private_views import AccountView, StreamView
from kraken_tui.settings import Settings


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """Settings for which a key was asked for."""
    calls: list[Settings] = []
    monkeypatch.setattr(private, "asked_key", lambda settings: calls.append(settings))
    return calls


def test_a_picture_of_the_demo_shows_what_its_screen_shows(asked: list[Settings]) -> None:
    settings, key = of_picture(Settings(demo=True))
    assert (settings.level3, settings.account, key) == (True, True, None)
    assert not asked
    plain = Settings(demo=True, private=False)
    assert of_picture(plain) == (plain, None)
    one = Settings(demo=True, level3=True)
    assert of_picture(one)[0] == one


def test_a_picture_of_the_market_shows_no_account_that_was_not_asked_for(
    asked: list[Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KRAKEN_API_KEY", "k")
    assert of_picture(Settings()) == (Settings(), None)
    both = Settings(account=True)
    assert of_picture(both)[0] == both
    assert asked == [Settings(), both]


def waits(account: AccountView | None, *, followed: bool = True) -> bool:
    engine = SimpleNamespace(
        settings=Settings(demo=True, account=followed),
        published=lambda: SimpleNamespace(account=account),
        listen=lambda wants: None,
    )
    return not Watch(cast(Engine, engine), (), None)._has_account()


def test_a_picture_waits_for_the_account_it_shows() -> None:
    streams = (StreamView("executions", True), StreamView("balances", True))
    known = AccountView(1, streams=streams)
    assert not waits(known)
    assert not waits(None, followed=False)
    assert waits(None)
    assert waits(replace(known, streams=()))
    assert waits(replace(known, streams=(streams[0], StreamView("balances", False))))
    # One that will not come is not waited for.
    assert not waits(replace(known, streams=(), problem="The exchange refused the key."))
