"""What a command follows of single orders and of the account, and with which key."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from kraken_tui.errors import ConfigurationError

if TYPE_CHECKING:
    from kraken_tui.keys.key import ApiKey
    from kraken_tui.settings import Settings


_NOT_RECORDED = "neither single orders nor the account can be followed here: recordings and Kafka do not hold them"


def asked_key(settings: Settings) -> ApiKey | None:
    """The key for what the user asked for in so many words; it is taken out of the environment.

    Raises:
        ConfigurationError: See `keys.following.needed_key`.
    """
    if not (settings.level3 or settings.account):
        return None
    from kraken_tui.keys.following import needed_key

    return needed_key(settings, os.environ)


def of_screen(settings: Settings) -> tuple[Settings, ApiKey | None, str]:
    """What a screen follows by itself: with the demo, and where there is a key.

    Returns:
        The settings with that switched on, the key, and why a key that is there is not used, one sentence.

    Raises:
        ConfigurationError: It was asked for, and cannot be.
    """
    if settings.trade or settings.paper:
        from kraken_tui.keys.following import with_trading

        settings = with_trading(settings)
    if settings.replay is not None or settings.kafka:
        # A settings file may ask for both; a recording is still to be played.
        asked = settings.level3 or settings.account
        return replace(settings, level3=False, account=False), None, _NOT_RECORDED if asked else ""
    if settings.level3 or settings.account or not settings.private:
        return settings, asked_key(settings), ""
    both = replace(settings, level3=True, account=True)
    if settings.demo:
        return both, None, ""
    from kraken_tui.keys.store import choose

    try:
        key = choose(settings, os.environ)
    except ConfigurationError as error:
        return settings, None, f"the account is not followed: {error}"
    return (settings, None, "") if key is None else (both, key, "")


def of_picture(settings: Settings) -> tuple[Settings, ApiKey | None]:
    """What a single picture follows by itself: with the demo both, as the screen; otherwise what was asked for.

    Raises:
        ConfigurationError: As `of_screen`.
    """
    if settings.demo:
        settings, key, _ = of_screen(settings)
        return settings, key
    if settings.replay is not None or settings.kafka:
        return of_screen(settings)[:2]
    return settings, asked_key(settings)
