"""`kraken-tui serve`: the screen in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kraken_tui.cli.command import Call, Subcommand
from kraken_tui.cli.console import DONE, SIGNALLED, complain, print_out
from kraken_tui.errors import ConfigurationError
from kraken_tui.settings.options import Option
from kraken_tui.settings.readers import Between, FileName, ListenAddress, Switch, Text, Whole

if TYPE_CHECKING:
    from pathlib import Path

    from kraken_tui.web.serving import Serving

_DEFAULT = "127.0.0.1:8000"
_SHORTEST_TOKEN = 16
_HARD_EXIT_S = 1.8
_LONGEST_TOKEN = 200

OPTIONS = (
    Option(
        "listen", Text(), "address to listen on; others than this computer need --token (default {default})",
        ListenAddress(8000), flag="--listen", metavar="HOST:PORT", default=_DEFAULT,
    ),
    Option(
        "visitors", Whole(), "visitors at one time, each a process of its own (default {default})",
        Between(1, 100), flag="--visitors", metavar="N", default=8,
    ),
    Option(
        "token", Switch(), "let in only who has the address with its token, made at each start",
        flag="--token", default=False,
    ),
    Option(
        "token_file", FileName(), "the same with the token in FILE, which stays as it is",
        flag="--token-file", metavar="FILE",
    ),
    Option(
        "public_url", Text(), "address by which a proxy offers it, such as https://desk.example.org",
        flag="--public-url", metavar="URL", default="",
    ),
)  # fmt: skip

_EPILOG = """\
Open the address that is printed in a browser; Ctrl-C ends the server and all its visitors.
Visitors share one feed: --depth and --interval are the server's. They cannot record or save: these files would be
the server's. Exit codes: 0 done, 1 the address cannot be listened on, 2 wrong use, 128+n signal n."""


def _run(call: Call) -> int:
    serving = _serving(call)
    settings = call.settings()
    _need_packages()
    import asyncio
    import os
    import threading

    from kraken_tui.terminal.signals import Signals
    from kraken_tui.web.guard import is_unspecified
    from kraken_tui.web.serve import serve

    def ready(url: str) -> None:
        print_out(f"{url}\n")
        if is_unspecified(serving.host) and not serving.public:
            complain("it listens on all addresses of this computer; from others open it by one of those, not by a name")

    def stopping() -> bool:
        if signals.number is not None and not ending:
            ending.append(threading.Timer(_HARD_EXIT_S, os._exit, (SIGNALLED + signals.number,)))
            ending[0].daemon = True
            ending[0].start()
        return bool(ending)

    # An exchange or a visitor that does not answer must not keep the server.
    ending: list[threading.Timer] = []
    with Signals() as signals:
        asyncio.run(serve(settings, serving, stopping=stopping, ready=ready, tell=complain))
    return DONE if signals.number is None else SIGNALLED + signals.number


def _need_packages() -> None:
    """Check that the packages are installed.

    Raises:
        ConfigurationError: They are not; says how to install them.
    """
    try:
        import aiohttp  # noqa: F401
        import textual_serve  # noqa: F401
    except ImportError:
        raise ConfigurationError(
            "serve needs the package textual-serve; install it with: pip install 'kraken-tui[web]'"
        ) from None


def _serving(call: Call) -> Serving:
    """Where to listen, and for whom.

    Raises:
        ConfigurationError: An option cannot work.
    """
    import secrets

    from kraken_tui.settings.address import listen_address
    from kraken_tui.web.guard import is_loopback, public_address
    from kraken_tui.web.serving import Serving

    own = call.own
    host, port = listen_address(own["listen"])
    if own["token"] and own["token_file"] is not None:
        raise ConfigurationError("--token and --token-file exclude each other")
    token = secrets.token_urlsafe(24) if own["token"] else ""
    if own["token_file"] is not None:
        token = _token_of(own["token_file"])
    if not token and not is_loopback(host):
        raise ConfigurationError(f"--listen {own['listen']} is open to other computers: add --token")
    try:
        public = public_address(own["public_url"]) if own["public_url"] else ""
    except ConfigurationError as error:
        raise ConfigurationError(f"--public-url: {error}") from None
    return Serving(host, port, public, token, own["visitors"])


def _token_of(path: Path) -> str:
    """The token in a file.

    Raises:
        ConfigurationError: It cannot be read, or is none.
    """
    from kraken_tui.text import clean_text

    shown = clean_text(path)
    try:
        with path.open("rb") as file:
            text = file.read(2 * _LONGEST_TOKEN).decode("ascii").strip()
    except OSError as error:
        raise ConfigurationError(f"--token-file: cannot read {shown}: {error.strerror}") from None
    except UnicodeDecodeError:
        text = ""
    if not _SHORTEST_TOKEN <= len(text) <= _LONGEST_TOKEN or not all(one.isalnum() or one in "-_" for one in text):
        raise ConfigurationError(
            f"--token-file: {shown} must hold {_SHORTEST_TOKEN} to {_LONGEST_TOKEN} letters, digits, - or _"
        )
    return text


COMMAND = Subcommand(
    "serve",
    "Show the screen in a browser, to one or several visitors, out of one feed.",
    _run,
    OPTIONS,
    epilog=_EPILOG,
)
