"""What a command follows of single orders and of the account, and with which key."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from kraken_tui.errors import ConfigurationError

if TYPE_CHECKING:
    from kraken_tui.keys.key import ApiKey
    from kraken_tui.settings import Settings


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
    settings = _trading(settings)
    if settings.level3 or settings.account or not settings.private or settings.replay is not None or settings.kafka:
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


def _trading(settings: Settings) -> Settings:
    """What placing orders needs: the account for real and play money, and no account at all for paper.

    Raises:
        ConfigurationError: There are no orders to be placed where the market comes from.
    """
    if settings.trade and settings.paper:
        raise ConfigurationError("--trade and --paper exclude each other: paper money is kept apart from any account")
    if not (settings.trade or settings.paper):
        return settings
    flag = "--trade" if settings.trade else "--paper"
    if settings.replay is not None or settings.kafka:
        raise ConfigurationError(f"{flag}: only a live feed or --demo takes orders; neither a recording nor Kafka does")
    if settings.paper:
        if settings.account:
            raise ConfigurationError("--account and --paper exclude each other: paper money is kept apart")
        return replace(settings, private=False)
    return replace(settings, account=True, level3=settings.level3 or settings.private)
