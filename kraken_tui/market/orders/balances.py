"""What the account holds, from the channel `balances` (PRIVATE.md section 4)."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from decimal import Decimal

from msgspec.structs import replace

from kraken_tui.errors import WireError
from kraken_tui.market.orders.sequence import Sequence, Verdict
from kraken_tui.market.orders.values import (
    AccountEvent,
    Ask,
    AskKind,
    Balance,
    BalanceChanged,
    StreamChanged,
    Wallet,
)
from kraken_tui.text import clean_text
from kraken_tui.wire.balances import BalanceRow, BalancesMessage
from kraken_tui.wire.digits import to_decimal
from kraken_tui.wire.symbols import MAX_SYMBOL
from kraken_tui.wire.timestamps import parse_timestamp

_CHANNEL = "balances"
_KEPT_ENTRIES = 10_000


class Balances:
    """Totals by asset. A total is taken as given: it is after the entry and its fee, and is never computed here.

    Attributes:
        verified: Whether nothing is missing since the last snapshot.
        reason: Why not; "" where it is.
    """

    def __init__(self) -> None:
        self.sequence = Sequence()
        self.verified = False
        self.reason = "waiting for the snapshot"
        self.duplicates = 0
        self._asked = False
        self._assets: dict[str, Balance] = {}
        self._entries: dict[str, None] = {}
        self._halves: deque[str] = deque(maxlen=64)

    @property
    def all(self) -> tuple[Balance, ...]:
        """Every asset, sorted by name."""
        return tuple(self._assets[asset] for asset in sorted(self._assets))

    def of(self, asset: str) -> Balance | None:
        """One asset; None where nothing is known of it."""
        return self._assets.get(asset)

    @property
    def settled(self) -> bool:
        """Whether both halves of every trade have come: between them, the totals do not go together."""
        return not self._halves

    def on_message(self, message: BalancesMessage) -> tuple[AccountEvent, ...]:
        """Take one frame."""
        verdict = self.sequence.take(message.type, message.sequence)
        if verdict is Verdict.REPEATED:
            return ()
        events: list[AccountEvent] = []
        if message.type == "snapshot":
            before = self._assets
            self._assets = {}
            self._halves.clear()
            self._asked = False
        unreadable = message.unreadable
        for row in message.data:
            try:
                asset = clean_text(row.asset, MAX_SYMBOL)
                if message.type == "snapshot":
                    old = before.get(asset)
                    self._assets[asset] = balance = _of_snapshot(asset, row, old)
                    events.append(BalanceChanged(balance, live=False))
                elif (entry := self._entry(asset, row)) is not None:
                    events.append(BalanceChanged(entry))
            except WireError:
                unreadable += 1
        if unreadable:
            events += self._doubt("a row that cannot be read")
        elif verdict is Verdict.GAP:
            events += self._doubt(self.sequence.reason)
        elif message.type == "snapshot":
            self.verified, self.reason = True, ""
            events.append(StreamChanged(_CHANNEL, True, "", self.sequence.last))
        return tuple(events)

    def on_free(self, free: Mapping[str, Decimal], now_ns: int) -> tuple[AccountEvent, ...]:
        """Take what REST says can be used: balance + credit - credit_used - hold_trade, by asset."""
        events: list[AccountEvent] = []
        for asset, amount in free.items():
            if asset in self._assets:
                self._assets[asset] = balance = replace(self._assets[asset], free=amount, free_ns=now_ns)
                events.append(BalanceChanged(balance, live=False))
        return tuple(events)

    def on_disconnected(self, reason: str = "the connection is gone") -> tuple[AccountEvent, ...]:
        """Stop trusting the totals; the feed subscribes again by itself."""
        self.sequence.reset()
        self._asked = False
        if not self.verified:
            return ()
        self.verified, self.reason = False, reason
        return (StreamChanged(_CHANNEL, False, reason, None),)

    def _doubt(self, reason: str) -> tuple[AccountEvent, ...]:
        self.verified, self.reason = False, reason
        changed = StreamChanged(_CHANNEL, False, reason, self.sequence.last)
        if self._asked:
            return (changed,)
        self._asked = True
        return (changed, Ask(AskKind.RESUBSCRIBE, reason, channel=_CHANNEL))

    def _entry(self, asset: str, row: BalanceRow) -> Balance | None:
        if row.ledger_id is not None:
            if row.ledger_id in self._entries:
                self.duplicates += 1
                return None
            self._entries[row.ledger_id] = None
            if len(self._entries) > _KEPT_ENTRIES:
                del self._entries[next(iter(self._entries))]
        if row.type == "trade" and row.ref_id is not None:
            if row.ref_id in self._halves:
                self._halves.remove(row.ref_id)
            else:
                self._halves.append(row.ref_id)
        total = to_decimal(row.balance)
        old = self._assets.get(asset)
        wallets: tuple[Wallet, ...] = ()
        if old is not None and len(old.wallets) == 1 and old.wallets[0].id == row.wallet_id:
            wallets = (replace(old.wallets[0], balance=total),)
        balance = Balance(
            asset,
            total,
            wallets,
            free=None,
            ns=parse_timestamp(row.timestamp) if row.timestamp else None,
            entry=clean_text(row.type, 40),
            amount=None if row.amount is None else to_decimal(row.amount),
            fee=None if row.fee is None else to_decimal(row.fee),
        )
        self._assets[asset] = balance
        return balance


def _of_snapshot(asset: str, row: BalanceRow, old: Balance | None) -> Balance:
    wallets = tuple(
        Wallet(clean_text(wallet.type, 40), clean_text(wallet.id, 40), to_decimal(wallet.balance))
        for wallet in row.wallets or ()
    )
    total = to_decimal(row.balance)
    # What could be used is known for this total only.
    known = old is not None and old.total == total
    return Balance(asset, total, wallets, old.free if known and old else None, old.free_ns if known and old else None)
