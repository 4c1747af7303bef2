"""What a server hands over to a visitor's process: the settings, and the relay to dial. It goes by the environment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from kraken_tui.engine.options import Relay
from kraken_tui.settings import Settings, options
from kraken_tui.settings.options import OPTIONS, option

VARIABLE = "KRAKEN_TUI_VISIT"
"""Name in the environment of a visitor's process."""

_WITHHELD = frozenset(
    row.name for row in OPTIONS if row.section in (options.RECORDING, options.OUTPUT, options.ACCOUNT, options.TRADING)
)
"""Settings that write on this machine, listen there, or are about an account: no visitor has them."""


def pack(settings: Settings, relay: Relay | None) -> str:
    """Write down what a visitor's process is to run."""
    defaults = Settings()
    chosen = {
        field.name: value
        for field in fields(Settings)
        if field.name not in _WITHHELD and (value := getattr(settings, field.name)) != getattr(defaults, field.name)
    }
    keys = dict(chosen.pop("keys", {}))
    address = None if relay is None else [relay.url, relay.rest_url, relay.shown]
    found = {"settings": chosen, "keys": keys, "relay": address}
    return json.dumps(found, default=_plain)


def _plain(value: object) -> str:
    # A visitor's process may run in another folder one day.
    if isinstance(value, Path):
        return str(value.absolute())
    raise TypeError(f"{type(value).__name__} cannot be handed over")


def unpack(environment: Mapping[str, str]) -> tuple[Settings, Relay | None]:
    """Read it again.

    Raises:
        KeyError: There is none.
    """
    found: dict[str, Any] = json.loads(environment[VARIABLE])
    chosen = {name: option(name).reader.value(value) for name, value in found["settings"].items()}
    relay = found["relay"]
    return Settings(**chosen, keys=found["keys"]), None if relay is None else Relay(*relay)
