"""Frames of the channel `balances`: what the account holds (PRIVATE.md section 4)."""

from __future__ import annotations

from typing import Any

import msgspec

from kraken_tui.wire.messages import Kind, WireNumber


class WireWallet(msgspec.Struct, gc=False):
    """One wallet of an asset: type "spot" or "earn", id such as "main" or "flex"."""

    type: str = ""
    id: str = ""
    balance: WireNumber = None


class BalanceRow(msgspec.Struct, gc=False):
    """One asset of a snapshot (with `wallets`), or one entry of the ledger (with `ledger_id`).

    Attributes:
        balance: What is held, all wallets together; in an update after the entry and its fee.
        amount: What the entry moved, without the fee.
    """

    asset: str
    balance: WireNumber
    asset_class: str = ""
    wallets: list[WireWallet] | None = None
    amount: WireNumber = None
    fee: WireNumber = None
    ledger_id: str | None = None
    ref_id: str | None = None
    timestamp: str | None = None
    type: str = ""
    subtype: str | None = None
    category: str | None = None
    wallet_type: str | None = None
    wallet_id: str | None = None
    user: Any = None


class BalancesMessage(msgspec.Struct, tag_field="channel", tag="balances", gc=False):
    """Snapshot or update; `sequence` and `unreadable` as in `executions`."""

    type: Kind
    data: list[BalanceRow]
    sequence: int | None = None
    unreadable: int = msgspec.field(default=0, name="(unreadable)")


def read_rows(kind: Kind, fields: object) -> BalancesMessage | None:
    """A frame with the rows that can be read; how many could not is in `unreadable`."""
    if not isinstance(fields, list):
        return None
    rows: list[BalanceRow] = []
    for row in fields:
        try:
            rows.append(msgspec.convert(row, BalanceRow))
        except msgspec.ValidationError:
            continue
    return BalancesMessage(kind, rows, unreadable=len(fields) - len(rows))
