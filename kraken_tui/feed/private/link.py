"""The account's connection as seen by whoever sends requests over it; nothing here decides to send one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from kraken_tui.market.orders.account import Account
    from kraken_tui.market.orders.values import AccountEvent
    from kraken_tui.secret import Secret
    from kraken_tui.wire.symbols import PairSpec


class PrivateLink(Protocol):
    """What placing and cancelling needs; used from the engine's thread only.

    Call the account's `sent_…` first and `send` second, so that no event can overtake the request; what follows from
    the answer arrives as the account's events. A request that could not be handed over was not sent: `send` says so.

    Attributes:
        account: Orders, fills and balances of the account, and the requests that wait for answers.
    """

    account: Account

    @property
    def token(self) -> Secret | None:
        """The connection's token, which every request carries; None while there is no standing connection."""
        ...

    @property
    def ready(self) -> bool:
        """Whether a request can leave now: connected, executions subscribed, their snapshot taken."""
        ...

    def next_req_id(self) -> int:
        """A number for a request, which no other request of this run has."""
        ...

    def send(self, text: str) -> bool:
        """Hand a request over to the socket, in order; it leaves at once, or never.

        Returns:
            False where there is no connection: nothing was sent, and nothing will be.
        """
        ...

    @property
    def now_ns(self) -> int:
        """The account's clock, ns since the epoch, which a change of the wall clock does not move: for `sent_…`."""
        ...

    def take(self, events: Sequence[AccountEvent]) -> None:
        """Pass on what the account returned, to the screen and to listeners."""
        ...

    def spec(self, symbol: str) -> PairSpec | None:
        """Reference data of a pair, from the public feed; None while it is not known."""
        ...
