"""The site: a page, its terminal (xterm.js, from the package textual-serve), and a WebSocket for each visitor."""

from __future__ import annotations

import asyncio
import contextlib
import html
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from importlib.resources import files
from pathlib import Path

from aiohttp import web

from kraken_tui.web.guard import Guard
from kraken_tui.web.visit import LARGEST_MESSAGE, Visit

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_TICKETS = 256
_HEADERS = {
    # Nothing of any other server is loaded, and no other server's page may show this one.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; "
        "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    # The address may hold the token.
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_OWN = {"page.css": "text/css", "page.js": "text/javascript"}
_THEIRS = {
    "textual.js": ("js/textual.js", "text/javascript"),
    "xterm.css": ("css/xterm.css", "text/css"),
    "mono.ttf": ("fonts/RobotoMono-VariableFont_wght.ttf", "font/ttf"),
}
_PATIENCE_S = 1.5


class Site:
    """Serves visitors.

    Args:
        guard: Who may visit.
        most: Visitors at one time.
        hand_over: What their processes run.
        tell: Takes a sentence for whoever runs the server.

    Attributes:
        visits: Those that are on.
    """

    def __init__(self, guard: Guard, most: int, hand_over: str, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._guard, self._most, self._hand_over = guard, most, hand_over
        self.visits: set[asyncio.Task[None]] = set()
        self._left = asyncio.Event()
        # Visits that were offered a page: None while they are to come or are on, then why they ended.
        self._tickets: OrderedDict[str, str | None] = OrderedDict()
        self._unused: set[str] = set()
        self._files = {name: (_own(name), kind) for name, kind in _OWN.items()}
        self._files |= {name: (_theirs(path), kind) for name, (path, kind) in _THEIRS.items()}
        self._page = _own("page.html").decode()

    def application(self) -> web.Application:
        """What a runner serves."""
        site = web.Application(middlewares=[self._checked], client_max_size=4096)
        site.on_response_prepare.append(_nameless)
        site.add_routes(
            [
                web.get("/", self._index),
                web.get("/static/{name}", self._static),
                web.get("/visit/{ticket}", self._visit),
                web.get("/ended/{ticket}", self._ended),
            ]
        )
        return site

    async def close(self) -> None:
        """End all visits."""
        for task in list(self.visits):
            task.cancel()
        await asyncio.gather(*self.visits, return_exceptions=True)

    @web.middleware
    async def _checked(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let in only what may come in."""
        is_visit = request.path.startswith("/visit/")
        refusal = self._guard.refusal(
            request.headers.get("Host", ""), request.headers.get("Origin"), needs_origin=is_visit
        )
        if refusal:
            return _sentence(403, refusal)
        try:
            answer: web.StreamResponse = await handler(request)
        except web.HTTPMethodNotAllowed as error:
            allowed = ", ".join(sorted(error.allowed_methods))
            answer = _sentence(error.status, f"pages are read here and nothing is sent; allowed: {allowed}")
            answer.headers["Allow"] = allowed
        except web.HTTPException as error:
            return _sentence(error.status, f"there is nothing at {request.path[:60]}")
        return answer

    # -- pages --------------------------------------------------------------------------------------------------

    async def _index(self, request: web.Request) -> web.Response:
        if not self._guard.knows(request.query.get("token", "")):
            return _sentence(403, "the address lacks its token; open the one that kraken-tui serve names")
        # Whether there is a place is asked by its visit: a page that is loaded again gives up its own only after this.
        ticket = secrets.token_urlsafe(18)
        self._tickets[ticket] = None
        self._unused.add(ticket)
        while len(self._tickets) > _TICKETS:
            self._unused.discard(self._tickets.popitem(last=False)[0])
        return web.Response(text=self._page.replace("TICKET", ticket), content_type="text/html", headers=_HEADERS)

    @property
    def _is_full(self) -> bool:
        return len(self.visits) >= self._most

    async def _has_place(self) -> bool:
        """Whether there is a place, at once or in a moment: the process of a page that was left takes one to end."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_S):
                while self._is_full:
                    self._left.clear()
                    await self._left.wait()
        return not self._is_full

    @property
    def _full(self) -> str:
        places = "the only place is" if self._most == 1 else f"all {self._most} places are"
        return f"{places} taken; try again later, or start kraken-tui serve with more --visitors"

    async def _static(self, request: web.Request) -> web.Response:
        found = self._files.get(request.match_info["name"])
        if found is None:
            raise web.HTTPNotFound
        body, kind = found
        return web.Response(body=body, content_type=kind, headers={**_HEADERS, "Cache-Control": "max-age=3600"})

    async def _ended(self, request: web.Request) -> web.Response:
        """Why a visit is over, for its page."""
        reason = self._tickets.get(request.match_info["ticket"])
        if self._is_full and not reason:
            reason = self._full
        return web.Response(text=reason or "", content_type="text/plain", headers=_HEADERS)

    # -- visits -------------------------------------------------------------------------------------------------

    async def _visit(self, request: web.Request) -> web.StreamResponse:
        ticket = request.match_info["ticket"]
        if ticket not in self._unused:
            return _sentence(403, "this page is used up; load it again")
        if not await self._has_place():
            self._tickets[ticket] = self._full
            return _sentence(503, self._full)
        self._unused.discard(ticket)
        task = asyncio.current_task()
        assert task is not None
        self.visits.add(task)
        try:
            socket = web.WebSocketResponse(autoping=False, max_msg_size=LARGEST_MESSAGE, compress=False, timeout=0.5)
            await socket.prepare(request)
            visit = Visit(self._hand_over)
            try:
                await visit.show(socket, _size(request))
            finally:
                if ticket in self._tickets:
                    self._tickets[ticket] = visit.problem
                if visit.problem:
                    self._tell(f"a visitor's screen ended: {visit.problem}")
            with contextlib.suppress(ConnectionError, TimeoutError):
                await asyncio.wait_for(socket.close(), 1.0)
            return socket
        finally:
            self.visits.discard(task)
            self._left.set()


async def _nameless(_: web.Request, answer: web.StreamResponse) -> None:
    """Nobody needs to know which versions answer."""
    answer.headers["Server"] = "kraken-tui"


def _size(request: web.Request) -> tuple[int, int]:
    def number(name: str, default: int) -> int:
        text = request.query.get(name, "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 5 else default

    return number("width", 80), number("height", 24)


def _sentence(status: int, text: str) -> web.Response:
    """A page of one sentence."""
    shown = html.escape(f"kraken-tui: {text}.")
    body = '<!DOCTYPE html><html lang="en"><title>kraken-tui</title><link rel="stylesheet" href="/static/page.css">'
    body += f'<body class="sentence"><p>{shown}</p></body></html>\n'
    return web.Response(status=status, text=body, content_type="text/html", headers=_HEADERS)


def _own(name: str) -> bytes:
    return Path(str(files("kraken_tui.web"))).joinpath(name).read_bytes()


def _theirs(path: str) -> bytes:
    return Path(str(files("textual_serve"))).joinpath("static", path).read_bytes()
