"""Private sessions wired straight to the local exchange on one virtual clock: no network and no threads."""

from __future__ import annotations

import random
from typing import Any

from kraken_tui.exchange.venue import Venue
from kraken_tui.feed.private.account import AccountSession
from kraken_tui.feed.private.events import TokenWanted
from kraken_tui.feed.private.level3 import Level3Session
from kraken_tui.feed.private.session import PrivateSession
from kraken_tui.market.orders.account import Account
from kraken_tui.secret import Secret
from kraken_tui.wire.refusals import OutcomeUnknown, judge
from kraken_tui.wire.rest_account import WebSocketsToken
from kraken_tui.wire.symbols import PairSpec
from tests.exchange.private_client import Trader
from tests.exchange.reference import Clock
from tests.rig.clock import CLIENT_START, SECOND

SPECS = {
    "BTC/USD": PairSpec("BTC/USD", "BTC", "USD", 1, 8),
    "ETH/USD": PairSpec("ETH/USD", "ETH", "USD", 2, 8),
}


class PrivateBench:
    """Sessions and one venue; `run` lets time pass in small steps.

    Attributes:
        events: What each session told, by its name.
        dials: Times of dials, ns, by name.
        tokens: Tokens given so far.
        token_failure: What a call for a token ends with instead.
        refusal: By name: what a dial is refused with.
        sent: Requests by name.
    """

    STEP = SECOND // 10

    def __init__(self, *, profile: str = "lively", account: str = "still", key: str = "", **venue: Any) -> None:
        self.clock = Clock()
        self.venue = Venue(clock=self.clock, pairs=["BTC/USD", "ETH/USD"], profile=profile, account=account, **venue)
        self.trader = Trader(self.venue, self.clock)
        if key:
            from kraken_tui.exchange.keys import KEYS

            self.trader.use(KEYS[key])
        self.now = CLIENT_START
        self.sessions: list[PrivateSession] = []
        self.events: dict[str, list[Any]] = {}
        self.dials: dict[str, list[int]] = {}
        self.sent: dict[str, list[str]] = {}
        self.tokens = 0
        self.token_failure: Any = None
        self.token_delay_s = 0.0
        self.refusal: dict[str, dict[str, Any]] = {}
        self.specs: dict[str, PairSpec] = dict(SPECS)
        self._far: dict[str, Any] = {}
        self._due_tokens: list[tuple[int, PrivateSession]] = []

    def add(self, session: PrivateSession) -> Any:
        """Run a session too."""
        self.sessions.append(session)
        for table in (self.events, self.dials, self.sent):
            table[session.name] = []  # type: ignore[assignment]
        return session

    def level3(self, *symbols: str, depth: int = 10, **options: Any) -> Level3Session:
        session = Level3Session(self.specs.get, depth, rng=random.Random(1), **options)
        session.want(symbols or ("BTC/USD",), self.now, self.wall)
        return self.add(session)  # type: ignore[no-any-return]

    def account(self, account: Account | None = None, **options: Any) -> AccountSession:
        session = AccountSession(account or Account(), self.specs.get, rng=random.Random(2), **options)
        return self.add(session)  # type: ignore[no-any-return]

    @property
    def wall(self) -> int:
        return self.clock()

    def of(self, session: PrivateSession, kind: type) -> list[Any]:
        return [event for event in self.events[session.name] if isinstance(event, kind)]

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + round(seconds * SECOND)
        while self.now < end:
            self.now = min(end, self.now + self.STEP)
            self.clock.ns += self.STEP
            self.venue.advance(self.wall)
            for session in self.sessions:
                self._step(session)

    def _step(self, session: PrivateSession) -> None:
        far = self._far.get(session.name)
        if far is not None:
            self._deliver(session, far.collect(self.wall))
        session.tick(self.now, self.wall)
        for due in [each for each in self._due_tokens if each[1] is session and self.now >= each[0]]:
            self._due_tokens.remove(due)
            session.token_came(self._token(), self.now, self.wall)
        self._pump(session)
        if session.wants_dial(self.now):
            self._dial(session)

    def _dial(self, session: PrivateSession) -> None:
        session.dialling(self.now, self.wall)
        self.dials[session.name].append(self.now)
        where = "l3" if isinstance(session, Level3Session) else "auth"
        refused = self.venue.faults.private.take_refusal(where)
        if refused is not None:
            session.disconnected(f"HTTP {refused.status}", self.now, self.wall, http_status=refused.status)
        elif session.name in self.refusal:
            session.disconnected("refused", self.now, self.wall, **self.refusal[session.name])
        else:
            self._far[session.name] = far = self.venue.connect(where)
            session.opened(self.now, self.wall)
            self._deliver(session, far.collect(self.wall))
        self._pump(session)

    def _deliver(self, session: PrivateSession, frames: Any) -> None:
        for frame in frames:
            if session.name not in self._far or session.wants_close() is not None:
                return
            session.frame(frame, self.now, self.wall)
            self._take(session)

    def _take(self, session: PrivateSession) -> None:
        for event in session.take_events():
            self.events[session.name].append(event)
            if isinstance(event, TokenWanted):
                self._due_tokens.append((self.now + round(self.token_delay_s * SECOND), session))

    def _pump(self, session: PrivateSession) -> None:
        for _ in range(100):
            self._take(session)
            far = self._far.get(session.name)
            if far is not None and (session.wants_close() is not None or far.closing is not None):
                if session.wants_close() is None:
                    code, reason = far.closing
                    session.disconnected(f"closed {code} {reason}", self.now, self.wall, close_code=code)
                self.venue.disconnect(far)
                del self._far[session.name]
                continue
            due = [each for each in self._due_tokens if each[1] is session and self.now >= each[0]]
            for each in due:
                self._due_tokens.remove(each)
                session.token_came(self._token(), self.now, self.wall)
            sends = session.take_sends()
            if not sends and not due:
                return
            for text in sends:
                self.sent[session.name].append(text)
                if far is not None:
                    self._deliver(session, far.on_message(text))

    def _token(self) -> Any:
        if self.token_failure is not None:
            return self.token_failure
        answer = self.trader.post("GetWebSocketsToken")
        if answer["error"]:
            return judge(answer["error"])
        self.tokens += 1
        token = answer["result"]["token"]
        return WebSocketsToken(Secret(token, lasting=False), 900) if token else OutcomeUnknown("nothing")
