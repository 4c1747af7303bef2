"""A very small HTTP server for one document: a thread of its own, bounded in every way.

It answers GET and HEAD on one path. However many connect and say nothing, at most `MOST` connections are kept, the
oldest silent one making room, so that a scraper always gets in; nobody costs a thread or more than a few kilobytes.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus

MOST = 32
"""Connections at one time."""

HEADER_BYTES = 8192
"""Longest request."""

REQUEST_S, ANSWER_S, LINGER_S = 5.0, 10.0, 1.0
"""Longest time for a request to come, for an answer to be taken, and for the other side to close then."""

_BITE = 65_536

Answer = Callable[[str], tuple[bytes, str]]
"""Makes the document for an `Accept` header: (body, content type)."""


@dataclass(slots=True, eq=False)
class _Connection:
    socket: socket.socket
    until: float
    heard: bytes = b""
    answer: memoryview = field(default_factory=lambda: memoryview(b""))
    answered: bool = False

    def fileno(self) -> int:
        return self.socket.fileno()


class Server:
    """One listening socket and its thread.

    Args:
        host: IP address of this machine to listen on.
        port: Port; 0 for any that is free.
        path: The path that is answered.
        answer: Makes the document; called in the server's thread.
        failed: Told of a defect in `answer`, which is answered with 500.
        clock: Monotonic seconds.

    Attributes:
        port: The port it listens on.

    Raises:
        OSError: The address cannot be listened on, such as a port that is taken.
    """

    def __init__(
        self,
        host: str,
        port: int,
        path: str,
        answer: Answer,
        failed: Callable[[Exception], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path, self._answer, self._failed, self._clock = path, answer, failed, clock
        self._listening = socket.create_server((host, port), family=_family(host), backlog=MOST)
        self._listening.setblocking(False)
        self.port: int = self._listening.getsockname()[1]
        self._connections: list[_Connection] = []
        self._selector = selectors.DefaultSelector()
        self._waker, self._woken = socket.socketpair()
        self._woken.setblocking(False)
        self._selector.register(self._listening, selectors.EVENT_READ)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="kraken-tui-metrics", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening and drop what is connected; returns within a second. A second call does nothing."""
        if self._closing.is_set():
            return
        self._closing.set()
        with contextlib.suppress(OSError):
            self._waker.send(b"x")
        self._thread.join(1.0)

    # -- the thread ---------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while not self._closing.is_set():
                for key, _ in self._selector.select(self._wait_s()):
                    if key.fileobj is self._listening:
                        self._accept()
                    elif isinstance(key.fileobj, _Connection):
                        self._serve(key.fileobj)
                now = self._clock()
                for connection in [each for each in self._connections if each.until <= now]:
                    self._drop(connection)
        finally:
            for connection in list(self._connections):
                self._drop(connection)
            self._selector.close()
            for each in (self._listening, self._waker, self._woken):
                each.close()

    def _wait_s(self) -> float | None:
        if not self._connections:
            return None
        return max(0.0, min(each.until for each in self._connections) - self._clock())

    def _accept(self) -> None:
        try:
            accepted, _ = self._listening.accept()
        except OSError:
            # It went away again, or no more files are allowed: those that wait stay in the backlog.
            if not self._make_room():
                time.sleep(0.01)
            return
        accepted.setblocking(False)
        if len(self._connections) >= MOST:
            self._make_room()
        connection = _Connection(accepted, self._clock() + REQUEST_S)
        self._connections.append(connection)
        self._selector.register(connection, selectors.EVENT_READ)

    def _make_room(self) -> bool:
        """Drop the oldest connection, rather one that is not being answered."""
        silent = [each for each in self._connections if not each.answer]
        for connection in (silent or self._connections)[:1]:
            self._drop(connection)
            return True
        return False

    def _drop(self, connection: _Connection) -> None:
        if connection in self._connections:
            self._connections.remove(connection)
            self._selector.unregister(connection)
            connection.socket.close()

    def _serve(self, connection: _Connection) -> None:
        if connection not in self._connections:
            return
        try:
            if connection.answer:
                self._send(connection)
            else:
                self._receive(connection)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._drop(connection)

    def _receive(self, connection: _Connection) -> None:
        data = connection.socket.recv(HEADER_BYTES)
        if not data:
            self._drop(connection)
        elif not connection.answered:
            # What comes after the request is not looked at.
            connection.heard += data
            if b"\r\n\r\n" in connection.heard or len(connection.heard) > HEADER_BYTES:
                connection.answer = memoryview(self._reply(connection.heard))
                connection.until = self._clock() + ANSWER_S
                self._send(connection)

    def _send(self, connection: _Connection) -> None:
        try:
            sent = connection.socket.send(connection.answer[:_BITE])
        except (BlockingIOError, InterruptedError):
            sent = 0
        connection.answer = connection.answer[sent:]
        if connection.answer:
            self._selector.modify(connection, selectors.EVENT_WRITE)
            return
        # Closing at once, with bytes of theirs unread, would make the system throw the end of the answer away.
        connection.answered, connection.heard = True, b""
        connection.until = self._clock() + LINGER_S
        connection.socket.shutdown(socket.SHUT_WR)
        self._selector.modify(connection, selectors.EVENT_READ)

    # -- one request --------------------------------------------------------------------------------------------

    def _reply(self, request: bytes) -> bytes:
        if b"\r\n\r\n" not in request[:HEADER_BYTES]:
            return _response(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        first, *lines = request.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
        method, target, *version = first.split(" ")[:3] if first.count(" ") == 2 else ("", "")
        if not version or not version[0].startswith("HTTP/1."):
            return _response(HTTPStatus.BAD_REQUEST)
        if method not in ("GET", "HEAD"):
            return _response(HTTPStatus.METHOD_NOT_ALLOWED, headers="Allow: GET, HEAD\r\n")
        if target.partition("?")[0] != self._path:
            return _response(HTTPStatus.NOT_FOUND, f"the metrics are at {self._path}\n".encode())
        accept = next((line.partition(":")[2] for line in lines if line.lower().startswith("accept:")), "")
        try:
            body, kind = self._answer(accept.strip())
        except Exception as error:
            self._failed(error)
            return _response(HTTPStatus.INTERNAL_SERVER_ERROR)
        return _response(HTTPStatus.OK, body, kind, bare=method == "HEAD")


def _response(
    status: HTTPStatus,
    body: bytes = b"",
    kind: str = "text/plain; charset=utf-8",
    *,
    headers: str = "",
    bare: bool = False,
) -> bytes:
    body = body or f"{status.phrase}\n".encode()
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        f"{headers}Connection: close\r\n\r\n"
    )
    return head.encode("latin-1") + (b"" if bare else body)


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
