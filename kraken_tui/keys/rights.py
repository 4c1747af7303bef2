"""What a key may do, in words, and whether it is too strong (ACCOUNT.md section 2).

Pure: takes the permissions that the exchange names, returns a judgement.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

TOKEN, ORDERS, PAST, FUNDS = "create-ws-token", "query-open-trades", "query-closed-trades", "query-funds"
MODIFY, CLOSE = "modify-trades", "close-trades"

USED = {
    TOKEN: "connect to the private sockets (level 3, account)",
    ORDERS: "see open orders",
    PAST: "see closed orders and trades",
    FUNDS: "see balances",
    MODIFY: "place and change orders",
    CLOSE: "cancel orders",
}
"""Rights the program has a use for."""

WITHDRAWING = {
    "withdraw-funds": "withdraw money",
    "add-withdraw-address": "add addresses that money is withdrawn to",
    "update-withdraw-address": "change addresses that money is withdrawn to",
}
"""Rights that let whoever has the key take the money; a key with one of them is refused."""

USELESS = {
    "add-funds": "make deposit addresses",
    "earn-funds": "move money into Earn",
    "export-data": "export the account's history",
}
"""Rights the program has no use for; they are warned of."""


@dataclass(frozen=True, slots=True)
class Rights:
    """What a key may do, and what is to be said about it.

    Attributes:
        permissions: As the exchange names them.
        refused: Why the key must not be used, one sentence; "" if it may.
        warnings: What its owner should know, a sentence each.
    """

    permissions: tuple[str, ...]
    refused: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def can_connect(self) -> bool:
        """Whether it gets a token for the private sockets."""
        return TOKEN in self.permissions

    @property
    def can_see_orders(self) -> bool:
        """Whether open orders can be asked for."""
        return ORDERS in self.permissions

    @property
    def can_see_past(self) -> bool:
        """Whether closed orders and trades can be asked for, which every reconciliation needs."""
        return PAST in self.permissions

    @property
    def can_see_funds(self) -> bool:
        """Whether balances can be asked for."""
        return FUNDS in self.permissions

    @property
    def can_cancel(self) -> bool:
        """Whether orders can be cancelled: either right is enough."""
        return CLOSE in self.permissions or MODIFY in self.permissions

    @property
    def can_trade(self) -> bool:
        """Whether orders can be placed, changed and cancelled, and their fate be followed."""
        return {TOKEN, ORDERS, PAST, MODIFY, CLOSE} <= set(self.permissions)


def judge(permissions: Iterable[str], *, trade: bool = False, allow_withdraw: bool = False) -> Rights:
    """Judge a key by its permissions.

    Args:
        permissions: As `GetApiKeyInfo` names them.
        trade: Whether it is to place orders.
        allow_withdraw: The setting `allow_withdraw_key`.
    """
    held = tuple(dict.fromkeys(permissions))
    strong = [WITHDRAWING[name] for name in held if name in WITHDRAWING]
    refused = ""
    warnings = []
    if strong:
        able = f"this key may {_and(strong)}"
        if allow_withdraw:
            warnings.append(f"{able}: whoever gets hold of it can take all the money; make one without that right")
        else:
            refused = f"{able}, so it is not used; make one without that right (docs/ACCOUNT.md)"
    spare = [USELESS[name] for name in held if name in USELESS]
    if not trade:
        spare += [USED[name] for name in (MODIFY, CLOSE) if name in held]
    if spare:
        warnings.append(f"this key may also {_and(spare)}, which is not needed; a key with fewer rights is safer")
    unknown = [name for name in held if name not in USED and name not in WITHDRAWING and name not in USELESS]
    if unknown:
        warnings.append(f"this key has rights that are not known here: {', '.join(unknown)}")
    if TOKEN not in held:
        warnings.append(
            'this key lacks the right "Access WebSockets API": neither level 3 nor the account can be followed'
        )
    missing = [USED[name] for name in (ORDERS, PAST, FUNDS, *((MODIFY, CLOSE) if trade else ())) if name not in held]
    if missing:
        warnings.append(f"this key may not {_and(missing)}")
    return Rights(held, refused, tuple(warnings))


def _and(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
