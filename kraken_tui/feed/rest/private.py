"""The account over REST: signed requests, one at a time, answers as typed values.

Every call here only reads, or fetches a token; so one that got no answer is tried once more, with a new nonce. Nothing
that places, changes or cancels an order goes this way. A call never raises for what the exchange or the network does:
it returns its value, a `Refusal`, `NotSent` or `OutcomeUnknown`.
"""

from __future__ import annotations

import asyncio
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from kraken_tui._version import __version__
from kraken_tui.errors import ConfigurationError, InvalidMessage
from kraken_tui.feed.rest.http import Failure, Http, in_thread
from kraken_tui.feed.rest.nonce import WAIT_S, Busy, Nonces, Turn
from kraken_tui.keys.key import PLAY, ApiKey
from kraken_tui.secret_log import hide_secrets
from kraken_tui.settings.address import LOOPBACK
from kraken_tui.units import SECOND
from kraken_tui.wire import rest_account as account
from kraken_tui.wire.refusals import Course, Failed, NotSent, OutcomeUnknown, Refusal, judge
from kraken_tui.wire.signing import sign

TIMEOUT_S = 10.0
AGAIN_S = 1.0
"""Pause before a call without an answer is tried a second and last time."""

PAUSE_S = 30.0
"""Nothing is sent for so long after the exchange has called the requests too many."""

_HOST = "kraken.com"
_MOST_BAD_NONCES = 2
_TWO_FACTOR = (
    "this question needs no right, so the key has two-factor authentication on, which a program cannot answer; make a"
    " key without it (that of your sign-in can stay)"
)

T = TypeVar("T")


class PrivateClient:
    """Asks one exchange about one account.

    Args:
        base_url: Such as "https://api.kraken.com"; a key is sent to hosts of kraken.com and to this computer only.
        key: The key.
        state_folder: Where the nonce is kept over restarts; None for memory.
        wall: Wall time, ns.
        timeout_s: Longest time for one answer.
        again_s: See `AGAIN_S`.

    Attributes:
        stopped: Why nothing is sent any more, one sentence; "" while all is well.
        requests: Requests sent so far.

    Raises:
        ConfigurationError: The address cannot be used.
    """

    def __init__(
        self,
        base_url: str,
        key: ApiKey,
        state_folder: Path | None,
        *,
        wall: Callable[[], int] = time.time_ns,
        timeout_s: float = TIMEOUT_S,
        again_s: float = AGAIN_S,
    ) -> None:
        # Errors of tasks that nobody awaits are printed by asyncio's log.
        hide_secrets("asyncio")
        self._http = Http(base_url, timeout_s)
        check_host(self._http.base, key)
        self._key = key
        self._nonces = Nonces(state_folder, key.fingerprint, wall)
        self._timeout_s = timeout_s
        self._again_s = again_s
        self._turn = asyncio.Lock()
        self._denied: dict[str, Refusal] = {}
        self._bad_nonces = 0
        self._pause_until = 0.0
        self.stopped = ""
        self.requests = 0

    @property
    def problem(self) -> str:
        """Why the nonce is not kept over restarts, one clause; "" if it is."""
        return self._nonces.problem

    async def token(self) -> account.WebSocketsToken | Failed:
        """A new token for the private sockets; to be used within minutes, on one connection."""
        return await self._call("GetWebSocketsToken", {}, account.read_token)

    async def key_info(self) -> account.ApiKeyInfo | Failed:
        """What the key may do; needs no right."""
        found = await self._call("GetApiKeyInfo", {}, account.read_key_info)
        if isinstance(found, Refusal) and found.course is Course.RIGHT:
            return Refusal(found.text, found.course, _TWO_FACTOR)
        return found

    async def open_orders(
        self, *, cl_ord_id: str = "", userref: int | None = None, trades: bool = False
    ) -> account.RestOrders | Failed:
        """Open orders, all or those with a client's id or tag.

        Args:
            cl_ord_id: The client's id; "" for any.
            userref: The client's tag; None for any.
            trades: Whether to name each order's trades.
        """
        params = _params(trades=trades, cl_ord_id=cl_ord_id, userref=userref)
        return await self._call("OpenOrders", params, lambda result: account.read_orders(result, "open"))

    async def closed_orders(
        self,
        *,
        cl_ord_id: str = "",
        userref: int | None = None,
        trades: bool = False,
        start_s: int | None = None,
        end_s: int | None = None,
        offset: int = 0,
    ) -> account.RestOrders | Failed:
        """Closed orders, newest first, fifty at a time.

        Args:
            cl_ord_id: The client's id; "" for any.
            userref: The client's tag; None for any.
            trades: Whether to name each order's trades.
            start_s: Seconds since the epoch from which on.
            end_s: Until when.
            offset: How many to skip.
        """
        params = _params(
            trades=trades, cl_ord_id=cl_ord_id, userref=userref, start=start_s, end=end_s, ofs=offset or None
        )
        return await self._call("ClosedOrders", params, lambda result: account.read_orders(result, "closed"))

    async def query_orders(self, order_ids: Sequence[str], *, trades: bool = False) -> account.RestOrders | Failed:
        """Orders by Kraken's id, open or closed.

        Args:
            order_ids: Up to 50 of them.
            trades: Whether to name each order's trades.

        Raises:
            ConfigurationError: There are none, or too many.
        """
        if not 1 <= len(order_ids) <= 50:
            raise ConfigurationError(f"QueryOrders takes 1 to 50 ids, not {len(order_ids)}")
        params = _params(txid=",".join(order_ids), trades=trades)
        return await self._call("QueryOrders", params, account.read_orders)

    async def trades_history(
        self, *, start_s: int | None = None, end_s: int | None = None, offset: int = 0
    ) -> account.RestTrades | Failed:
        """Fills of the account, newest first, fifty at a time.

        Args:
            start_s: Seconds since the epoch from which on.
            end_s: Until when.
            offset: How many to skip.
        """
        params = _params(start=start_s, end=end_s, ofs=offset or None)
        return await self._call("TradesHistory", params, account.read_trades)

    async def balances(self) -> Mapping[str, account.Balance] | Failed:
        """Balances by REST's name of the asset, with what open orders hold."""
        return await self._call("BalanceEx", {}, account.read_balances)

    # -- one call -------------------------------------------------------------------------------------------------

    async def _call(self, method: str, params: Mapping[str, str], read: Callable[[Any], T]) -> T | Failed:
        async with self._turn:
            obstacle = self._obstacle(method)
            if obstacle is not None:
                return obstacle
            answer = await self._once(method, params)
            if isinstance(answer, Failure):
                await asyncio.sleep(self._again_s)
                answer = await self._once(method, params)
        if isinstance(answer, Failure):
            return OutcomeUnknown(answer.reason) if answer.sent else NotSent(answer.reason)
        if isinstance(answer, NotSent):
            return answer
        failed = judge(answer.error)
        if failed is not None:
            if isinstance(failed, Refusal):
                self._learn(method, failed)
            return failed
        self._bad_nonces = 0
        try:
            return read(answer.result)
        except InvalidMessage as error:
            return OutcomeUnknown(str(error))

    def _obstacle(self, method: str) -> Failed | None:
        if self._http.obstacle or self.stopped:
            return NotSent(self._http.obstacle or self.stopped)
        wait_s = self._pause_until - time.monotonic()
        if wait_s > 0:
            return NotSent(f"Kraken called the requests too many; possible again in {wait_s:.0f} s")
        return self._denied.get(method)

    async def _once(self, method: str, params: Mapping[str, str]) -> account.Envelope | Failure | NotSent:
        try:
            # The library's own limit does not cover a name server that hangs.
            async with asyncio.timeout(2 * self._timeout_s + WAIT_S):
                return await in_thread(lambda: self._exchange(method, params), Failure)
        except TimeoutError:
            return Failure("no answer in time")

    def _learn(self, method: str, refused: Refusal) -> None:
        """Send nothing more that would be refused again, or that would lock the key."""
        if refused.course is Course.RIGHT:
            self._denied[method] = refused
        elif refused.course in (Course.KEY, Course.LOCKED):
            self.stopped = refused.sentence
        elif refused.course is Course.NONCE:
            self._bad_nonces += 1
            if self._bad_nonces >= _MOST_BAD_NONCES:
                self.stopped = refused.sentence
        elif refused.course is Course.LATER:
            self._pause_until = time.monotonic() + PAUSE_S

    # -- in a thread ----------------------------------------------------------------------------------------------

    def _exchange(self, method: str, params: Mapping[str, str]) -> account.Envelope | Failure | NotSent:
        """Nonce, signature and request in one turn."""
        try:
            with self._nonces.turn() as turn:
                if turn.locked_ns:
                    minutes = -(-turn.locked_ns // (60 * SECOND))
                    return NotSent(
                        f"Kraken has locked this key; wait {minutes} min, and start no other program with it"
                    )
                answer = self._send(method, params, turn)
                if not isinstance(answer, account.Envelope):
                    return answer
                failed = judge(answer.error)
                if isinstance(failed, Refusal) and failed.course is Course.LOCKED:
                    turn.locked()
                return answer
        except Busy:
            return NotSent("another request with this key is under way; give each program a key of its own")

    def _send(self, method: str, params: Mapping[str, str], turn: Turn) -> account.Envelope | Failure | NotSent:
        path = f"/0/private/{method}"
        try:
            nonce = str(turn.take())
        except ValueError as error:
            return NotSent(str(error))
        body = urllib.parse.urlencode({"nonce": nonce, **params})
        headers = {
            "User-Agent": f"kraken-tui/{__version__}",
            "Content-Type": "application/x-www-form-urlencoded",
            "API-Key": self._key.public.reveal(),
            "API-Sign": sign(path, nonce, body, self._key.private.reveal()),
        }
        self.requests += 1
        answer = self._http.send(urllib.request.Request(f"{self._http.base}{path}", body.encode("ascii"), headers))
        if isinstance(answer, Failure):
            return answer
        try:
            return account.decode_envelope(answer)
        except InvalidMessage as error:
            return Failure(str(error))


def check_host(base_url: str, key: ApiKey) -> None:
    """Check where a key is sent: to Kraken, or to this computer, for tests; play money's to this computer only.

    Raises:
        ConfigurationError: Somewhere else.
    """
    host = (urllib.parse.urlsplit(base_url).hostname or "").lower()
    ours = host in LOOPBACK
    if key.source == PLAY and not ours:
        raise ConfigurationError("the key of the play money is for the local exchange only")
    if not ours and host != _HOST and not host.endswith(f".{_HOST}"):
        raise ConfigurationError(f"an API key is sent to {_HOST} and to this computer only, not to another rest_url")


def _params(**values: str | int | bool | None) -> dict[str, str]:
    """The parameters that are given; a flag that is off is left out, since its text would be taken for on."""
    told: dict[str, str] = {}
    for name, value in values.items():
        if value is True:
            told[name] = "true"
        elif value is not None and value is not False and value != "":
            told[name] = str(value)
    return told
