"""What placing and cancelling needs of a connection to an account: the exchange's, or the paper one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from kraken_tui.market.orders.account import Account
    from kraken_tui.market.orders.values import AccountEvent
    from kraken_tui.secret import Secret
    from kraken_tui.wire.symbols import PairSpec


class Link(Protocol):
    """A connection; the account's `sent_…` is called first and `send` second, so that no event overtakes a request.

    Attributes:
        account: Its orders and fills, and the requests that wait for answers.
    """

    account: Account

    @property
    def token(self) -> Secret | None:
        """What every request carries; None while there is no standing connection."""
        ...

    @property
    def ready(self) -> bool:
        """Whether a request can leave now."""
        ...

    def next_req_id(self) -> int:
        """A number that no other request of this run has."""
        ...

    def send(self, text: str) -> bool:
        """Hand a request over; False where nothing was sent, and nothing will be."""
        ...

    @property
    def now_ns(self) -> int:
        """The clock that the account goes by, ns."""
        ...

    def take(self, events: Sequence[AccountEvent]) -> None:
        """Pass on what the account returned, to the screen and to listeners."""
        ...

    def spec(self, symbol: str) -> PairSpec | None:
        """Reference data of a pair; None while it is not known."""
        ...
