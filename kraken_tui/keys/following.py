"""Whether single orders and the account can be followed, and with which key."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import replace

from kraken_tui.errors import ConfigurationError
from kraken_tui.keys.key import ApiKey
from kraken_tui.keys.store import choose
from kraken_tui.settings import Settings

NO_KEY = (
    "there is no API key: add one by `kraken-tui keys add`, or set KRAKEN_API_KEY and KRAKEN_API_SECRET;"
    " with --demo none is needed"
)


def needed_key(settings: Settings, env: MutableMapping[str, str]) -> ApiKey | None:
    """The key for what is to be followed.

    Args:
        settings: Say what is to be followed, and from where.
        env: As for `keys.store.choose`.

    Returns:
        None where nothing is to be followed, and with the demo, which brings its own.

    Raises:
        ConfigurationError: It cannot be followed, or there is no key.
    """
    what = [name for name, asked in (("--level3", settings.level3), ("--account", settings.account)) if asked]
    if not what:
        return None
    asked = " and ".join(what)
    if settings.replay is not None or settings.kafka:
        raise ConfigurationError(f"{asked}: only a live feed or --demo has it; neither a recording nor Kafka does")
    if settings.demo:
        return None
    key = choose(settings, env)
    if key is None:
        raise ConfigurationError(f"{asked}: {NO_KEY}")
    return key


def with_trading(settings: Settings) -> Settings:
    """The settings with what placing orders needs: the account for real and play money, none for paper.

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
