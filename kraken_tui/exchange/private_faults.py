"""Faults of the private side on request: `faults.private`. Every method may be called from any thread."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TypeVar

from kraken_tui.exchange.reply import Refusal

BAD_GATEWAY = "<html><head><title>502 Bad Gateway</title></head><body><center>cloudflare</center></body></html>"
ANY = "*"

_Fault = TypeVar("_Fault")


@dataclass(frozen=True, slots=True)
class RestFault:
    """What happens to one private REST request.

    Attributes:
        refusal: the HTTP answer; None cuts the connection without one.
        error: an error in the envelope instead.
        execute: whether the request is carried out all the same.
    """

    refusal: Refusal | None = None
    error: str = ""
    execute: bool = False


@dataclass(frozen=True, slots=True)
class MethodFault:
    """What happens to one websocket request: see `PrivateFaults.refuse_method` and its neighbours."""

    kind: str
    error: str = ""
    execute: bool = True


class PrivateFaults:
    """The switchboard of the private side. `where` is `auth` or `l3`; `method` names a request or is `*`.

    Attributes:
        answers_late_s: seconds by which answers to trading methods come late; what they did is told in time.
        executions_late_s: seconds by which `executions` come late. balances_late_s, level3_late_s likewise; with the
            first or the last the two sockets tell the same thing in swapped order.
        executions_first: True tells `executions` before the answer to the request.
        engine_delay_s: age that each request is taken to have when its deadline is checked.
        rest_late_s: seconds by which private REST answers come late.
        rest_lag_s: seconds by which REST order queries are behind.
        muted: of `auth` and `l3`, those that send nothing and keep their sockets.
    """

    def __init__(self) -> None:
        self.answers_late_s = 0.0
        self.executions_late_s = 0.0
        self.balances_late_s = 0.0
        self.level3_late_s = 0.0
        self.executions_first = False
        self.engine_delay_s = 0.0
        self.rest_late_s = 0.0
        self.rest_lag_s = 0.0
        self.muted: set[str] = set()
        self._counts: dict[tuple[str, str], int] = {}
        self._methods: dict[str, deque[MethodFault]] = {}
        self._rest: dict[str, deque[RestFault]] = {}
        self._refusals: dict[str, deque[Refusal]] = {}
        self._closing: deque[tuple[str, int, str]] = deque()
        self._tokens_dead = False

    # --- trading methods on the websocket

    def lose_answers(self, method: str = ANY, count: int = 1) -> None:
        """Do the next `count` requests and never answer."""
        self._arm_method(method, MethodFault("lose"), count)

    def duplicate_answers(self, method: str = ANY, count: int = 1) -> None:
        """Answer the next `count` requests twice."""
        self._arm_method(method, MethodFault("duplicate"), count)

    def cut(self, method: str = ANY, count: int = 1, *, execute: bool = True) -> None:
        """Cut the connection between request and answer; with `execute` False the request is lost too."""
        self._arm_method(method, MethodFault("cut", execute=execute), count)

    def refuse_method(self, method: str, error: str, count: int = 1, *, execute: bool = False) -> None:
        """Answer the next `count` requests with an error; with `execute` they are done all the same, as behind
        `EService:Unavailable`.
        """
        self._arm_method(method, MethodFault("refuse", error, execute), count)

    # --- channels: `executions`, `balances`

    def drop(self, channel: str, count: int = 1) -> None:
        """Lose the next `count` updates: a gap in `sequence`."""
        self._arm("drop", channel, count)

    def duplicate(self, channel: str, count: int = 1) -> None:
        """Send the next `count` updates twice, the same `sequence` on both."""
        self._arm("duplicate", channel, count)

    def swap(self, channel: str, count: int = 1) -> None:
        """Exchange the next `count` pairs of neighbouring updates."""
        self._arm("swap", channel, count)

    def withhold_snapshots(self, channel: str, count: int = 1) -> None:
        """Acknowledge the next `count` subscriptions (`level3` too) and send no snapshot."""
        self._arm("snapshot", channel, count)

    def corrupt_level3(self, symbol: str, count: int = 1) -> None:
        """Send a wrong checksum in the next `count` level3 messages, snapshots included."""
        self._arm("checksum", symbol, count)

    def drop_level3(self, symbol: str, count: int = 1) -> None:
        """Lose the next `count` level3 updates."""
        self._arm("drop", f"level3 {symbol}", count)

    def duplicate_level3(self, symbol: str, count: int = 1) -> None:
        """Send the next `count` level3 updates twice."""
        self._arm("duplicate", f"level3 {symbol}", count)

    def swap_level3(self, symbol: str, count: int = 1) -> None:
        """Exchange the next `count` pairs of neighbouring level3 updates."""
        self._arm("swap", f"level3 {symbol}", count)

    # --- tokens and connections

    def invalidate_tokens(self) -> None:
        """Forget every token; subscriptions that stand go on."""
        self._tokens_dead = True

    def refuse_tokens(self, count: int = 1) -> None:
        """Answer the next `count` private requests with `ESession:Invalid session`."""
        self._arm("token", "", count)

    def refuse_connections(self, where: str, status: int, count: int = 1, body: str = "") -> None:
        """Answer the next `count` websocket connections to one private path with an HTTP status."""
        content_type = "text/html" if body.startswith("<") else "text/plain"
        self._refusals.setdefault(where, deque()).extend([Refusal(status, body, content_type)] * count)

    def close(self, where: str, code: int = 1001, reason: str = "") -> None:
        """Close every connection to one private path; 1006 cuts them."""
        self._closing.append((where, code, reason))

    # --- REST

    def fail_rest(
        self,
        method: str = ANY,
        status: int = 502,
        body: str = BAD_GATEWAY,
        content_type: str = "text/html",
        count: int = 1,
        *,
        execute: bool = False,
    ) -> None:
        """Answer the next `count` private REST requests with an HTTP status; 200 with HTML is a proxy's page."""
        fault = RestFault(Refusal(status, body, content_type), execute=execute)
        self._rest.setdefault(method, deque()).extend([fault] * count)

    def rest_error(self, method: str, error: str, count: int = 1) -> None:
        """Answer the next `count` private REST requests with an error in the envelope."""
        self._rest.setdefault(method, deque()).extend([RestFault(error=error)] * count)

    def lose_rest(self, method: str = ANY, count: int = 1, *, execute: bool = True) -> None:
        """Cut the next `count` private REST connections without an answer."""
        self._rest.setdefault(method, deque()).extend([RestFault(execute=execute)] * count)

    # --- for the exchange

    def _arm(self, kind: str, what: str, count: int) -> None:
        self._counts[kind, what] = count

    def _arm_method(self, method: str, fault: MethodFault, count: int) -> None:
        self._methods.setdefault(method, deque()).extend([fault] * count)

    def spend(self, kind: str, what: str) -> bool:
        """Whether a counted fault is to happen now."""
        left = self._counts.get((kind, what), 0)
        if left <= 0:
            return False
        self._counts[kind, what] = left - 1
        return True

    def take_method(self, method: str) -> MethodFault | None:
        """The fault of one websocket request."""
        return _first(self._methods, method)

    def take_rest(self, method: str) -> RestFault | None:
        """The fault of one REST request."""
        return _first(self._rest, method)

    def take_refusal(self, where: str) -> Refusal | None:
        """The answer to one new connection, if it is to be refused."""
        waiting = self._refusals.get(where)
        return waiting.popleft() if waiting else None

    def take_closing(self) -> list[tuple[str, int, str]]:
        """Which connections to close."""
        taken = []
        while self._closing:
            taken.append(self._closing.popleft())
        return taken

    def take_tokens_dead(self) -> bool:
        """Whether every token is to be forgotten now."""
        dead, self._tokens_dead = self._tokens_dead, False
        return dead


def _first(table: dict[str, deque[_Fault]], name: str) -> _Fault | None:
    for key in (name, ANY):
        if table.get(key):
            return table[key].popleft()
    return None


class Jumble:
    """One stream of frames and what faults make of it.

    Args:
        faults: asked for each frame.
        what: the stream's name there.
    """

    def __init__(self, faults: PrivateFaults, what: str) -> None:
        self._faults = faults
        self._what = what
        self._held: str | None = None

    def __call__(self, frame: str) -> tuple[str, ...]:
        """What to send in place of one frame."""
        spend, what = self._faults.spend, self._what
        if spend("drop", what):
            return ()
        held, self._held = self._held, None
        if held is not None:
            return (frame, held)
        if spend("swap", what):
            self._held = frame
            return ()
        return (frame, frame) if spend("duplicate", what) else (frame,)
