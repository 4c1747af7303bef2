"""The thin asyncio shell of an audit: a second connection that fetches snapshots and closes. Decides nothing."""

from __future__ import annotations

import asyncio
import contextlib

from kraken_tui.feed.clock import Clock
from kraken_tui.feed.connection.budget_file import BudgetFile
from kraken_tui.feed.connection.failures import explain, is_ban
from kraken_tui.feed.connection.sockets import close_socket, open_socket
from kraken_tui.feed.session import Session


class Auditing:
    """Runs audits when the session wants them, one at a time, beside the live connection.

    Args:
        session: Whose books are audited.
        url: Checked address, the same as the live connection's.
        clock: Clocks.
        budget: The file of all processes' dials.
        wake: Wakes the live shell, so that it acts on an audit's findings at once.
    """

    def __init__(self, session: Session, url: str, clock: Clock, budget: BudgetFile, wake: asyncio.Event) -> None:
        self._session = session
        self._url = url
        self._clock = clock
        self._budget = budget
        self._wake = wake
        self._task: asyncio.Task[None] | None = None

    def start_if_due(self, proxy: str | None, proxy_shown: str) -> None:
        """Begin an audit if one is due; a defect that ended an earlier one is raised here.

        Args:
            proxy: Address of the proxy, or None.
            proxy_shown: The same without credentials.
        """
        if self._task is not None:
            if not self._task.done():
                return
            task, self._task = self._task, None
            task.result()
        if self._session.wants_audit(self._clock.now()):
            self._task = asyncio.create_task(self._run(proxy, proxy_shown), name="audit")

    def _begin(self) -> bool:
        """Count the dial, unless other processes have spent the budget meanwhile."""
        session, now = self._session, self._clock.now()
        if not session.wants_audit(now):
            return False
        session.auditor.begin(now)
        return True

    async def stop(self) -> None:
        """End a running audit."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self, proxy: str | None, proxy_shown: str) -> None:
        limits = self._session.limits
        if not await self._budget.settle(self._session, self._begin):
            return
        try:
            async with asyncio.timeout(limits.audit_limit_s):
                await self._ask(proxy)
        except Exception as error:
            failure = explain(error, self._url, proxy=proxy_shown)
            if failure is None:
                raise
            banned = is_ban(failure.http_status, failure.cause)
            self._end(failure.cause, banned=banned, retry_after_s=failure.retry_after_s)
        else:
            self._end()
        await self._budget.settle(self._session)

    async def _ask(self, proxy: str | None) -> None:
        auditor = self._session.auditor
        socket = await open_socket(self._url, proxy, self._session.limits.open_s)
        try:
            for text in auditor.opened():
                await socket.send(text)
            while auditor.asking:
                auditor.frame(await socket.recv(decode=False), self._clock.now())
                self._wake.set()
        finally:
            await close_socket(socket)

    def _end(self, cause: str = "", *, banned: bool = False, retry_after_s: float | None = None) -> None:
        now, wall = self._clock.now(), self._clock.wall()
        self._session.audit_ended(now, wall, cause, banned=banned, retry_after_s=retry_after_s)
        self._wake.set()
