"""How an engine comes to follow single orders and the account: which addresses, which key, and the start of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from kraken_tui.errors import ConfigurationError, UnknownPair
from kraken_tui.settings import LIVE_ACCOUNT_URL, LIVE_LEVEL3_URL, Settings
from kraken_tui.settings.address import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal
    from pathlib import Path

    from kraken_tui.engine.options import EngineOptions
    from kraken_tui.engine.private_side import Addresses, PrivateSide
    from kraken_tui.feed.clock import Clock
    from kraken_tui.feed.session import Session
    from kraken_tui.keys.key import ApiKey


class Host(Protocol):
    """What it asks of the engine's worker."""

    @property
    def session(self) -> Session:
        """The public feed."""

    def price_of(self, asset: str) -> Decimal | None:
        """Price of an asset in US dollars."""

    def venue_now(self) -> int:
        """The exchange's time, ns since the epoch."""

    def tell(self, event: object) -> None:
        """Tell listeners of an event."""

    def note(self, level: str, text: str) -> None:
        """Add to the log."""


Where = tuple[str, str, str]
"""Addresses of REST, level 3 and the account."""


def demo_key() -> ApiKey:
    """The key of the demo's play money."""
    from kraken_tui.exchange import DEMO_KEY, DEMO_SECRET
    from kraken_tui.keys.key import PLAY, make_key

    return make_key("demo", DEMO_KEY, DEMO_SECRET, PLAY)


def addresses_of(settings: Settings) -> Where:
    """Where a live engine finds the private side.

    With a server of this computer in place of Kraken, only the addresses that the user gave are used: a key is not to
    be sent to Kraken for a feed that is not Kraken's.
    """
    local = (urlsplit(settings.url).hostname or "") in LOOPBACK
    level3 = settings.level3_url or ("" if local else LIVE_LEVEL3_URL)
    return settings.rest_url, level3, settings.account_url or ("" if local else LIVE_ACCOUNT_URL)


def begin(
    worker: Host,
    settings: Settings,
    options: EngineOptions,
    clock: Clock,
    key: ApiKey,
    where: Where,
    stop: asyncio.Event,
    budget_path_for: Callable[[str], Path | None],
) -> tuple[PrivateSide, asyncio.Task[None]]:
    """Begin to follow what the settings say.

    Args:
        worker: The engine's.
        settings: What is followed.
        options: How much of it is told.
        clock: The machine's clocks.
        key: Of the account.
        where: Addresses.
        stop: Ends the connections.
        budget_path_for: Where dials to an address are counted over restarts.

    Returns:
        The private side, and the task that runs it; a defect that ends it is said, and ends nothing else.
    """
    from kraken_tui.engine.private_side import Addresses, PrivateSide, Public

    session = worker.session

    def symbol_of(name: str) -> str | None:
        try:
            return session.symbols.resolve(name)
        except UnknownPair:
            return None

    public = Public(
        session.specs.get,
        symbol_of,
        worker.price_of,
        worker.venue_now,
        worker.tell,
        worker.note,
        session.dialler.budget,
    )
    private = PrivateSide(settings, clock, public, key, stop=stop, lines=options.level3_lines, trade=settings.trade)
    rest, level3, account = where
    addresses = Addresses(rest, level3 if settings.level3 else "", account if settings.account else "")
    dialled = addresses.level3 or addresses.account
    path = budget_path_for(dialled) if dialled else None
    task = asyncio.create_task(_run(private, addresses, path, worker), name="private side")
    return private, task


async def _run(private: PrivateSide, addresses: Addresses, budget_path: Path | None, worker: Host) -> None:
    try:
        if not (addresses.level3 or addresses.account):
            private.fail("no address is known for it; with a local url, give level3_url and account_url")
        else:
            await private.run(addresses, _folder(private.play), budget_path)
    except ConfigurationError as error:
        private.fail(str(error))
    except Exception as error:
        worker.note("error", f"the private side ended: {type(error).__name__}: {error}")


def _folder(play: bool) -> Path | None:
    """Where the key's nonce is kept over restarts; play money begins again each time."""
    if play:
        return None
    from kraken_tui.files import user_folder

    try:
        return user_folder("state")
    except OSError:
        return None
