"""When a private connection fetches a token, and what it does about a refusal (ACCOUNT.md section 6).

Pure. One object for one connection's whole life: a token is fetched right after the exchange's first frame, used at
once, and forgotten with the connection. There is no timer that renews it, and no token is ever used twice.
"""

from __future__ import annotations

from dataclasses import dataclass

from kraken_tui.secret import Secret
from kraken_tui.units import SECOND
from kraken_tui.wire.refusals import Course, NotSent, OutcomeUnknown, Refusal, refusal
from kraken_tui.wire.rest_account import WebSocketsToken

FIRST_S, CAP_S = 2.0, 120.0
"""Waits after failures double from the first to the second figure."""

FETCH_S, ANSWER_S = 60.0, 15.0
"""Longest time a token may be under way (the client has its own, shorter limits), and a subscription unanswered."""

TURN_NS = SECOND // 10
"""How soon it is asked again whether another connection has used its token."""

STABLE_S = 60.0
"""A subscription that has stood for so long has proven its token."""


@dataclass(frozen=True, slots=True)
class FetchToken:
    """Fetch a token now; the answer goes to `fetched`."""


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Subscribe with this token now; the answer goes to `accepted` or `refused`."""

    token: Secret


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing until then; `tick` says when it is over.

    Attributes:
        until: Monotonic ns.
        sentence: Why, for the user.
    """

    until: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop trying: only the user can cure it.

    Attributes:
        sentence: What is wrong and what to do.
    """

    sentence: str


Step = FetchToken | Subscribe | Wait | Stop

CLOSED, FETCHING, SUBSCRIBING, STANDING, WAITING, STOPPED = (
    "closed", "fetching", "subscribing", "standing", "waiting", "stopped",
)  # fmt: skip
"""States."""


class TokenTurn:
    """Whose turn it is to fetch a token, among the connections of one key.

    Whether a second token ends a first one that is not yet used is not documented; so a token is used before the next
    is fetched.
    """

    def __init__(self) -> None:
        self.holder: Authentication | None = None


class Authentication:
    """The token's part of one private connection.

    Args:
        turn: Shared with the other connections of the same key; None for a single one.

    Attributes:
        state: One of the states above.
        sentence: Why it waits or has stopped; "" otherwise.
        tokens: Tokens fetched so far.
        refusals: Tokens the exchange has not accepted.
    """

    def __init__(self, turn: TokenTurn | None = None) -> None:
        self._turn = turn if turn is not None else TokenTurn()
        self.state = CLOSED
        self.sentence = ""
        self.tokens = 0
        self.refusals = 0
        self._token: Secret | None = None
        self._retried = False
        self._failures = 0
        self._due: int | None = None
        self._since = 0

    @property
    def token(self) -> Secret | None:
        """The connection's token, which every private request carries; None before there is one and after the end."""
        return self._token

    @property
    def due(self) -> int | None:
        """When `tick` has something to say, monotonic ns; None for never."""
        return self._due

    @property
    def waits(self) -> bool:
        """Whether it waits after a failure."""
        return self.state == WAITING

    def opened(self, now: int) -> Step:
        """The exchange's first frame has come on a new connection."""
        if self.state == STOPPED:
            return Stop(self.sentence)
        if self._due is not None and now < self._due:
            # The connection broke during a wait, which it must not cut short.
            self.state = WAITING
            return Wait(self._due, self.sentence)
        self._retried = False
        return self._fetch(now)

    def fetched(self, answer: WebSocketsToken | Refusal | OutcomeUnknown | NotSent, now: int) -> Step | None:
        """The answer to `FetchToken`; one that comes too late, for a connection that is gone, is dropped."""
        if self.state != FETCHING:
            return None
        if isinstance(answer, WebSocketsToken):
            self.tokens += 1
            self._token = answer.token
            self.state, self._due = SUBSCRIBING, now + int(ANSWER_S * SECOND)
            return Subscribe(answer.token)
        if isinstance(answer, Refusal) and answer.course in _FINAL:
            return self._stop(answer.sentence)
        return self._wait(now, answer.sentence)

    def accepted(self, now: int) -> None:
        """The subscription stands; the token does not expire while it does."""
        if self.state == SUBSCRIBING:
            self.state, self.sentence, self._due, self._since = STANDING, "", None, now
            self._release()

    def refused(self, text: str, now: int) -> Step | None:
        """The exchange refused a private subscription or request.

        Returns:
            What to do about the token; None if the refusal is about something else.
        """
        found = refusal(text)
        if self.state not in (SUBSCRIBING, STANDING):
            return None
        if found.course is Course.NEW_TOKEN:
            if self.state == STANDING and now - self._since >= STABLE_S * SECOND:
                # An acknowledgement alone proves nothing: the exchange could take and refuse in turn.
                self._failures, self._retried = 0, False
            self.refusals += 1
            self._token = None
            if not self._retried:
                self._retried = True
                return self._fetch(now)
            return self._wait(now, found.sentence)
        if self.state == SUBSCRIBING and found.course in _FINAL:
            return self._stop(found.sentence)
        return None

    def tick(self, now: int) -> Step | None:
        """Call this now and then."""
        if self._due is None or now < self._due:
            return None
        if self.state == WAITING:
            return self._fetch(now)
        if self.state in (FETCHING, SUBSCRIBING):
            fetching = self.state == FETCHING
            what = (
                f"no token came in {FETCH_S:.0f} s"
                if fetching
                else f"no answer to the subscription in {ANSWER_S:.0f} s"
            )
            return self._wait(now, what)
        return None

    def closed(self) -> None:
        """The connection is gone, and its token with it."""
        self._token = None
        self._release()
        if self.state not in (STOPPED, WAITING):
            self.state, self._due = CLOSED, None

    def resume(self) -> None:
        """The user has changed something: try once more from the next connection on."""
        self.state, self.sentence, self._failures, self._due = CLOSED, "", 0, None

    def _fetch(self, now: int) -> FetchToken | Wait:
        self._token = None
        if self._turn.holder not in (None, self):
            self.state, self.sentence, self._due = WAITING, "another connection gets its token first", now + TURN_NS
            return Wait(self._due, self.sentence)
        self._turn.holder = self
        self.state, self._due = FETCHING, now + int(FETCH_S * SECOND)
        return FetchToken()

    def _wait(self, now: int, sentence: str) -> Wait:
        wait_s = min(CAP_S, FIRST_S * 2.0 ** min(self._failures, 16))
        self._failures += 1
        self._token = None
        self._release()
        self.state, self.sentence, self._due = WAITING, sentence, now + int(wait_s * SECOND)
        return Wait(self._due, sentence)

    def _release(self) -> None:
        if self._turn.holder is self:
            self._turn.holder = None

    def _stop(self, sentence: str) -> Stop:
        self._token = None
        self._release()
        self.state, self.sentence, self._due = STOPPED, sentence, None
        return Stop(sentence)


_FINAL = (Course.KEY, Course.RIGHT, Course.LOCKED, Course.NONCE)
