"""Connections to the private endpoints: `ws-l3` with level3, `ws-auth` with executions, balances and trading."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass
from decimal import Decimal
from heapq import heappop, heappush
from typing import Any, Protocol

from kraken_tui.exchange import frames
from kraken_tui.exchange.accounts import Account, Event
from kraken_tui.exchange.faults import Frame
from kraken_tui.exchange.frames import NS
from kraken_tui.exchange.keys import ApiKey
from kraken_tui.exchange.level3 import LEVEL3_COST, LEVEL3_COST_PER_S, LEVEL3_DEPTHS, LEVEL3_SYMBOLS
from kraken_tui.exchange.peer import Host, Peer, Refused, flag
from kraken_tui.exchange.private import Private
from kraken_tui.exchange.private_faults import Jumble, MethodFault
from kraken_tui.exchange.trading import Answer, Trading

_CUT = (1006, "")
_BRIEF = ("new", "filled", "canceled", "expired")
_ELSEWHERE = {
    "level3": "Level3 is unavailable on this endpoint. Try ws-l3.kraken.com",
    "executions": "Executions are unavailable on this endpoint. Try ws-auth.kraken.com",
    "balances": "Balances are unavailable on this endpoint. Try ws-auth.kraken.com",
}
_CHANNEL_RIGHTS = {"executions": "query-open-trades", "balances": "query-funds"}


class PrivateHost(Host, Protocol):
    """An exchange with a private side."""

    @property
    def private(self) -> Private:
        """What is behind keys."""


class PrivatePeer(Peer):
    """What both have in common: tokens, and frames that come late.

    Args:
        venue: the exchange.
        connection_id: as told in `status`.
    """

    private = True

    def __init__(self, venue: PrivateHost, connection_id: int) -> None:
        self._late: list[tuple[int, int, Frame]] = []
        self._serial = 0
        self._exchange = venue
        self._home = venue.private
        self._switches = venue.faults.private
        super().__init__(venue, connection_id)

    def decode(self, text: str | bytes) -> Any:
        """See `Peer.decode`: numbers with a point stay apart from those without."""
        return json.loads(text, parse_float=Decimal)

    def push_later(self, frame: Frame, late_s: float) -> None:
        """Queue a frame for later; at once when nothing is late, and never before an earlier one."""
        if late_s <= 0 and not self._late:
            self._outbox.append(frame)
            return
        self._serial += 1
        heappush(self._late, (self._exchange.now_ns + round(late_s * NS), self._serial, frame))

    def collect(self, now_ns: int) -> list[Frame]:
        """See `Peer.collect`."""
        while self._late and self._late[0][0] <= now_ns:
            self._outbox.append(heappop(self._late)[2])
        out = super().collect(now_ns)
        return [] if self.where in self._switches.muted else out

    def owner(self, params: dict[str, Any]) -> ApiKey:
        """Whose token a request carries.

        Raises:
            Refused: none, or one that is not valid.
        """
        token = params.get("token")
        if not isinstance(token, str) or not token:
            raise Refused("Token(s) not found")
        if self._switches.take_tokens_dead():
            self._home.tokens.invalidate()
        key = None if self._switches.spend("token", "") else self._home.tokens.owner(token, self._exchange.now_ns)
        if key is None:
            raise Refused("ESession:Invalid session")
        return key

    def drop_subscriptions(self) -> None:
        """See `Peer.drop_subscriptions`; the token lapses with the last one."""
        super().drop_subscriptions()
        self._home.tokens.release(self.connection_id)


class Level3Peer(PrivatePeer):
    """One connection to `ws-l3`."""

    where = "l3"

    def __init__(self, venue: PrivateHost, connection_id: int) -> None:
        super().__init__(venue, connection_id)
        self._spent: deque[tuple[int, int]] = deque()

    def push(self, frame: Frame) -> None:
        """See `Peer.push`; market data may be late."""
        if isinstance(frame, str) and frame.startswith('{"channel":"level3"'):
            self.push_later(frame, self._switches.level3_late_s)
        else:
            super().push(frame)

    def private_subscription(
        self, method: str, channel: str, params: dict[str, Any], req_id: int | None, now_ns: int
    ) -> None:
        """See `Peer.private_subscription`."""
        if channel != "level3":
            raise Refused(_ELSEWHERE[channel])
        key = self.owner(params)
        if "create-ws-token" not in key.permissions:
            raise Refused("EGeneral:Permission denied")
        symbols = params.get("symbol")
        if symbols is None or symbols == []:
            raise Refused("Symbol(s) not found")
        if not isinstance(symbols, list):
            raise Refused("Symbol field must be an array")
        for symbol in symbols:
            try:
                if method == "subscribe":
                    self._join(symbol, params, req_id, now_ns)
                else:
                    self._leave(symbol, req_id, now_ns)
            except Refused as refused:
                self._answer(frames.refusal_frame(str(refused), method, now_ns, now_ns + 34_000, req_id, symbol))

    def _join(self, symbol: Any, params: dict[str, Any], req_id: int | None, now_ns: int) -> None:
        depth = params.get("depth", 10)
        if type(depth) is not int or depth not in LEVEL3_DEPTHS:
            raise Refused("Subscription depth not supported")
        snapshot = flag(params, "snapshot", True)
        self._check(symbol)
        topic_key = ("level3", symbol, 0)
        if topic_key in self._topics:
            raise Refused("Already subscribed")
        if len(self._topics) >= LEVEL3_SYMBOLS:
            raise Refused("Exceeded maximum number of symbols per connection")
        self._pay(LEVEL3_COST[depth], now_ns)
        market = self._exchange.market(symbol)
        self._topics[topic_key] = ("level3", depth)
        market.join(("level3", depth), self)
        self._home.tokens.hold(str(params["token"]), self.connection_id)
        self._start_heartbeats(now_ns)
        # The real acknowledgement does not name the depth either.
        result = {"channel": "level3", "snapshot": snapshot, "symbol": symbol}
        self._answer(frames.success_frame("subscribe", result, now_ns, now_ns + 38_000, req_id))
        frame = market.level3_snapshot(depth)
        if snapshot and frame is not None:
            self.push(frame)

    def _pay(self, cost: int, now_ns: int) -> None:
        while self._spent and now_ns - self._spent[0][0] >= NS:
            self._spent.popleft()
        if sum(spent for _, spent in self._spent) + cost > LEVEL3_COST_PER_S:
            raise Refused("Exceeded msg rate")
        self._spent.append((now_ns, cost))

    def _leave(self, symbol: Any, req_id: int | None, now_ns: int) -> None:
        self._check(symbol)
        topic = self._topics.pop(("level3", symbol, 0), None)
        if topic is None:
            raise Refused("Subscription Not Found")
        self._exchange.market(symbol).leave(topic, self)
        if not self._topics:
            self._home.tokens.release(self.connection_id)
        result = {"channel": "level3", "symbol": symbol}
        self._answer(frames.success_frame("unsubscribe", result, now_ns, now_ns + 29_000, req_id))


@dataclass(slots=True)
class _Standing:
    """A subscription to a channel of an account."""

    account: Account
    jumble: Jumble
    sequence: int = 0
    brief: bool = False
    counts: bool = False


class AuthPeer(PrivatePeer):
    """One connection to `ws-auth`."""

    where = "auth"

    def __init__(self, venue: PrivateHost, connection_id: int) -> None:
        super().__init__(venue, connection_id)
        self._standing: dict[str, _Standing] = {}
        self._trading = Trading(self._home)

    @property
    def _subscribed(self) -> bool:
        return bool(self._standing)

    def drop_subscriptions(self) -> None:
        """See `Peer.drop_subscriptions`."""
        super().drop_subscriptions()
        for standing in self._standing.values():
            self._deafen(standing.account)
        self._standing.clear()

    def _deafen(self, account: Account) -> None:
        if self in account.listeners:
            account.listeners.remove(self)

    # --- channels

    def private_subscription(
        self, method: str, channel: str, params: dict[str, Any], req_id: int | None, now_ns: int
    ) -> None:
        """See `Peer.private_subscription`."""
        if channel == "level3":
            raise Refused(_ELSEWHERE[channel])
        key = self.owner(params)
        if method == "unsubscribe":
            self._leave(channel, req_id, now_ns)
            return
        if _CHANNEL_RIGHTS[channel] not in key.permissions:
            raise Refused("EGeneral:Permission denied")
        if channel in self._standing:
            raise Refused("Already subscribed")
        account = self._home.account(key)
        standing = _Standing(account, Jumble(self._switches, channel))
        result: dict[str, Any] = {"channel": channel}
        if channel == "executions":
            standing.brief = not flag(params, "order_status", True)
            standing.counts = flag(params, "ratecounter", False)
            orders, trades = flag(params, "snap_orders", True), flag(params, "snap_trades", False)
            result |= {"maxratecount": account.tier.threshold, "snap_orders": orders, "snap_trades": trades}
            rows, wanted = account.snapshot_rows(orders=orders, trades=trades), orders or trades
        else:
            wanted = flag(params, "snapshot", True)
            result |= {"snapshot": wanted}
            rows = account.balance_rows()
        self._standing[channel] = standing
        if self not in account.listeners:
            account.listeners.append(self)
        self._home.tokens.hold(str(params["token"]), self.connection_id)
        self._start_heartbeats(now_ns)
        self._answer(frames.success_frame("subscribe", result, now_ns, now_ns + 38_000, req_id))
        if wanted:
            standing.sequence += 1
            if not self._switches.spend("snapshot", channel):
                self.push(_frame(channel, "snapshot", rows, standing.sequence))

    def _leave(self, channel: str, req_id: int | None, now_ns: int) -> None:
        standing = self._standing.pop(channel, None)
        if standing is None:
            raise Refused("Subscription Not Found")
        if not self._standing:
            self._deafen(standing.account)
            self._home.tokens.release(self.connection_id)
        result = {"channel": channel}
        self._answer(frames.success_frame("unsubscribe", result, now_ns, now_ns + 29_000, req_id))

    def on_executions(self, events: list[Event]) -> None:
        """See `AccountListener`."""
        standing = self._standing.get("executions")
        if standing is None:
            return
        rows = [self._counted(event, standing) for event in events if not standing.brief or event.exec_type in _BRIEF]
        if rows:
            self._send("executions", standing, ",".join(rows), self._switches.executions_late_s)

    def _counted(self, event: Event, standing: _Standing) -> str:
        if not standing.counts:
            return event.row
        count = standing.account.counter.value(event.symbol, self._exchange.now_ns)
        return f'{event.row[:-1]},"ratecount":{round(count)}}}'

    def on_balance(self, row: str) -> None:
        """See `AccountListener`."""
        standing = self._standing.get("balances")
        if standing is not None:
            self._send("balances", standing, row, self._switches.balances_late_s)

    def _send(self, channel: str, standing: _Standing, rows: str, late_s: float) -> None:
        standing.sequence += 1
        for frame in standing.jumble(_frame(channel, "update", rows, standing.sequence)):
            self.push_later(frame, late_s)

    # --- trading

    def trade(self, method: str, params: Any, req_id: int | None, now_ns: int) -> None:
        """See `Peer.trade`."""
        params = params if isinstance(params, dict) else {}
        key = self.owner(params)
        fault = self._switches.take_method(method)
        if fault is not None and not fault.execute:
            if fault.kind == "cut":
                self.closing = _CUT
                return
            raise Refused(fault.error)
        before = len(self._outbox)
        try:
            answers = self._trading.run(method, key, params, now_ns)
        except Refused as refused:
            answers = [Answer(error=str(refused))]
        self._reply(method, answers, fault, before, req_id, now_ns)

    def _reply(
        self,
        method: str,
        answers: list[Answer],
        fault: MethodFault | None,
        before: int,
        req_id: int | None,
        now_ns: int,
    ) -> None:
        kind = "" if fault is None else fault.kind
        if fault is not None and kind == "refuse":
            answers = [Answer(error=fault.error)]
        if kind == "cut":
            # What it set off is cut off too: the connection is gone at once.
            del self._outbox[before:]
            self.closing = _CUT
            return
        if kind == "lose":
            return
        texts = [_answer(method, answer, req_id, now_ns) for answer in answers]
        if kind == "duplicate":
            texts *= 2
        late_s = self._switches.answers_late_s
        if late_s > 0 or self._switches.executions_first or self._exchange.faults.acks != "send":
            for text in texts:
                if late_s > 0:
                    self.push_later(text, late_s)
                else:
                    self._answer(text)
            return
        self._outbox[before:before] = texts


def _answer(method: str, answer: Answer, req_id: int | None, now_ns: int) -> str:
    if answer.error:
        return frames.refusal_frame(answer.error, method, now_ns, now_ns + 100_000, req_id)
    return frames.success_frame(method, answer.result, now_ns, now_ns + 4_000_000, req_id)


def _frame(channel: str, kind: str, rows: str, sequence: int) -> str:
    return f'{{"channel":"{channel}","type":"{kind}","data":[{rows}],"sequence":{sequence}}}'
