"""A small exchange of our own that checks signatures and nonces, written without the program's own code for either."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

from kraken_tui.keys.key import ApiKey, make_key

PUBLIC = "dGVzdEtleU9mVGhlUmVzdFRlc3RzMTIzNDU2Nzg5MA=="
PRIVATE = base64.b64encode(b"the private key of the REST tests, sixty-four bytes long, surely").decode()
TOKEN = "V1NUb2tlbk9mVGhlUmVzdFRlc3RzMTIzNDU2Nzg5MDEyMzQ1Njc4OTA"


def a_key() -> ApiKey:
    """The key this exchange knows."""
    return make_key("test", PUBLIC, PRIVATE, "file")


class Account:
    """The exchange's side.

    Attributes:
        seen: (method, parameters) of every request.
        script: Answers for the next requests, before any check: bytes, a dictionary, or None to hang up.
        results: Result by method.
        overlaps: Requests that came while another was being answered.
    """

    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.script: list[Any] = []
        self.results: dict[str, Any] = {"GetWebSocketsToken": {"token": TOKEN, "expires": 900}}
        self.overlaps = 0
        self.last = 0
        self.before: Callable[[], None] = lambda: None
        self._busy = threading.Lock()

    def answer(self, path: str, headers: Any, body: str) -> Any:
        """What is sent back."""
        if not self._busy.acquire(blocking=False):
            self.overlaps += 1
            self._busy.acquire()
        try:
            self.before()
            told = dict(parse_qsl(body))
            method = path.removeprefix("/0/private/")
            self.seen.append((method, told))
            error = self._check(path, headers, body, told)
            if self.script:
                return self.script.pop(0)
            if error:
                return {"error": [error]}
            return {"error": [], "result": self.results[method]}
        finally:
            self._busy.release()

    def _check(self, path: str, headers: Any, body: str, told: dict[str, str]) -> str:
        if headers["API-Key"] != PUBLIC:
            return "EAPI:Invalid key"
        inner = hashlib.sha256((told["nonce"] + body).encode()).digest()
        expected = hmac.new(base64.b64decode(PRIVATE), path.encode() + inner, hashlib.sha512).digest()
        if headers["API-Sign"] != base64.b64encode(expected).decode():
            return "EAPI:Invalid signature"
        if int(told["nonce"]) <= self.last:
            return "EAPI:Invalid nonce"
        self.last = int(told["nonce"])
        return ""


@contextmanager
def serving(account: Account) -> Iterator[str]:
    """The exchange at work; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            answer = account.answer(self.path, self.headers, body)
            if answer is None:
                self.close_connection = True
                return
            status, sent = (502, answer[1:]) if isinstance(answer, bytes) and answer[:1] == b"5" else (200, answer)
            content = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
