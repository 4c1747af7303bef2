"""`kraken-tui keys`: keep API keys, and look what they may do. The private key is typed unseen or read from a pipe."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from kraken_tui.cli.command import Call, Subcommand
from kraken_tui.cli.console import DONE, FAILED, complain, end_question, need_stdout, print_out
from kraken_tui.errors import ConfigurationError
from kraken_tui.settings.options import Option
from kraken_tui.settings.readers import OneOf, PairList, Text

if TYPE_CHECKING:
    from kraken_tui.keys.key import ApiKey
    from kraken_tui.keys.rights import Rights
    from kraken_tui.settings import Settings
    from kraken_tui.wire.rest_account import ApiKeyInfo

ACTIONS = ("add", "list", "remove", "check")
STORES = ("file", "keyring")
_USUAL = "default"
_LONGEST = 1000

_EPILOG = """\
actions:
  add      keep a key; it is asked for, or read from a pipe as two lines
  list     names of the kept keys, without their secrets
  remove   forget a key here; at Kraken it stays valid until deleted there
  check    ask Kraken what the key may do, and judge its rights

examples:
  kraken-tui keys add --key view
  pass show kraken/view | kraken-tui keys add --key view
  kraken-tui keys check --key view

A key is never given on the command line, where other users and the shell's history could see it. The environment
variables KRAKEN_API_KEY and KRAKEN_API_SECRET are used before kept keys. Which rights a key needs is in
docs/ACCOUNT.md."""

OPTIONS = (
    Option("action", PairList(), "add, list, remove or check", flag="ACTION", choices=lambda: ACTIONS),
    Option(
        "store", Text(), "where add keeps it: {allowed} (default {default})", OneOf(STORES),
        flag="--store", metavar="WHERE", default="file",
    ),
)  # fmt: skip


def _run(call: Call) -> int:
    words = tuple(call.own["action"] or ())
    if len(words) > 1:
        # Not repeated: it may be a key.
        raise ConfigurationError(
            f"keys takes one of {', '.join(ACTIONS)} and no further words; the name of a key follows --key, and a key"
            " itself is asked for, never given on the command line"
        )
    if not words or words[0] not in ACTIONS:
        raise ConfigurationError(f"keys takes one of {', '.join(ACTIONS)}; see kraken-tui keys --help")
    need_stdout()
    from kraken_tui.settings.sources import load

    # What else the settings name, such as a recording, is not looked at.
    settings = load(call.given, os.environ, call.own["config"])
    if settings.demo:
        raise ConfigurationError("keys has nothing to do with the demo, which has a key of its own for play money")
    action = {"add": _add, "list": _list, "remove": _remove, "check": _check}[words[0]]
    return action(call, settings)


# -- keeping ------------------------------------------------------------------------------------------------------


def _add(call: Call, settings: Settings) -> int:
    from kraken_tui.keys.key import FILE, KEYRING, check_name, make_key
    from kraken_tui.keys.store import KeyStore
    from kraken_tui.text import clean_text

    name = check_name(settings.key_name or _USUAL)
    store = KeyStore()
    if name in store.names():
        raise ConfigurationError(f"there is a key {name!r} already; remove it first, or give another name with --key")
    public, private = _ask()
    key = make_key(name, public, private, KEYRING if call.own["store"] == "keyring" else FILE)
    store.add(key)
    where = "the system's keyring" if key.source == KEYRING else clean_text(store.path)
    print_out(f"kept as {name!r} in {where}; see what it may do with: kraken-tui keys check --key {name}\n")
    return DONE


def _ask() -> tuple[str, str]:
    """Both parts of a key, from the terminal or from a pipe.

    Raises:
        ConfigurationError: They are not there, or the terminal would show what is typed.
    """
    if sys.stdin is None or sys.stdin.closed:
        raise ConfigurationError("standard input is closed; run keys add in a terminal, or pipe two lines into it")
    if not sys.stdin.isatty():
        lines = [sys.stdin.readline(_LONGEST) for _ in range(2)]
        if not lines[1].strip():
            raise ConfigurationError("standard input must hold two lines: the API key, then the private key")
        return lines[0], lines[1]
    import getpass
    import warnings

    try:
        with warnings.catch_warnings():
            # It would go on and show what is typed.
            warnings.simplefilter("error", getpass.GetPassWarning)
            return getpass.getpass("API key (not shown): "), getpass.getpass("Private key (not shown): ")
    except getpass.GetPassWarning:
        raise ConfigurationError(
            "this terminal cannot hide what is typed; pipe two lines into keys add instead"
        ) from None
    except (EOFError, KeyboardInterrupt) as ended:
        # The cursor still stands behind the question.
        end_question()
        if isinstance(ended, KeyboardInterrupt):
            raise
        raise ConfigurationError("nothing was typed, so nothing is kept") from None


def _list(_: Call, __: Settings) -> int:
    from kraken_tui.keys.store import KEY_VARIABLE, KeyStore

    names = KeyStore().names()
    if os.environ.get(KEY_VARIABLE):
        print_out(f"(environment)  {KEY_VARIABLE}, used before all others\n")
    if not names:
        print_out("no keys are kept; kraken-tui keys add keeps one\n")
    width = max(map(len, names), default=0)
    for name, where in sorted(names.items()):
        print_out(f"{name:<{width}}  {where}\n")
    return DONE


def _remove(_: Call, settings: Settings) -> int:
    from kraken_tui.keys.store import KeyStore

    if not settings.key_name:
        raise ConfigurationError("keys remove needs --key NAME; kraken-tui keys list names them")
    KeyStore().remove(settings.key_name)
    print_out(f"{settings.key_name!r} is forgotten here; to make it invalid, delete it at Kraken as well\n")
    return DONE


# -- looking ------------------------------------------------------------------------------------------------------


def _check(_: Call, settings: Settings) -> int:
    import asyncio

    from kraken_tui.feed.rest.private import PrivateClient
    from kraken_tui.files import user_folder
    from kraken_tui.keys.rights import judge
    from kraken_tui.keys.store import choose
    from kraken_tui.text import clean_text
    from kraken_tui.wire.refusals import NotSent
    from kraken_tui.wire.rest_account import ApiKeyInfo

    key = choose(settings, os.environ)
    if key is None:
        raise ConfigurationError("there is no key: keep one with kraken-tui keys add (docs/ACCOUNT.md says which)")
    try:
        folder = user_folder("state")
    except OSError:
        folder = None
    client = PrivateClient(settings.rest_url, key, folder)
    info = asyncio.run(client.key_info())
    if isinstance(info, NotSent):
        complain(f"{info.sentence} ({clean_text(settings.rest_url, 100)})")
        return FAILED
    if not isinstance(info, ApiKeyInfo):
        complain(info.sentence)
        return FAILED
    rights = judge(info.permissions, allow_withdraw=settings.allow_withdraw_key)
    print_out(report(key, info, rights))
    if client.problem:
        complain(client.problem)
    if rights.refused:
        complain(rights.refused)
        return FAILED
    return DONE if rights.can_connect else FAILED


def report(key: ApiKey, info: ApiKeyInfo, rights: Rights) -> str:
    """What a key may do, for its owner to read."""
    from kraken_tui.keys.rights import USED, USELESS, WITHDRAWING

    lines = [f"key         {key.name}, from the {key.source}" + (f"; at Kraken {info.name!r}" if info.name else "")]
    words = {**USED, **WITHDRAWING, **USELESS}
    for index, name in enumerate(rights.permissions):
        lines.append(f"{'' if index else 'may':<12}{words.get(name, 'not known here')} ({name})")
    if not rights.permissions:
        lines.append("may         nothing")
    lines.append(f"valid       {'until ' + _day(info.valid_until) if info.valid_until else 'for ever'}")
    if info.query_from or info.query_to:
        since = _day(info.query_from) if info.query_from else "the beginning"
        lines.append(f"history     from {since} to {_day(info.query_to) if info.query_to else 'now'} only")
    allowed = ", ".join(info.ip_allowlist) if info.ip_allowlist else "any address; a list of your own is safer"
    lines.append(f"used from   {allowed}")
    for index, warning in enumerate(rights.warnings):
        lines.append(f"{'' if index else 'warning':<12}{warning}")
    lines.append(f"verdict     {'not used' if rights.refused else _use(rights)}")
    return "\n".join(lines) + "\n"


def _use(rights: Rights) -> str:
    if not rights.can_connect:
        return "of no use without the right to connect"
    if rights.can_trade:
        return "good for level 3, the account and trading"
    if rights.can_see_orders and rights.can_see_past:
        return "good for level 3 and the account" + (", and for cancelling" if rights.can_cancel else ", to look only")
    return "good for level 3; the account needs the rights to see open and closed orders"


def _day(seconds: int) -> str:
    from kraken_tui.units import SECOND
    from kraken_tui.wire.timestamps import format_timestamp

    return format_timestamp(max(0, min(seconds, 10**11)) * SECOND, 0)[:10]


COMMAND = Subcommand(
    name="keys",
    description="Keep API keys of Kraken, and see what they may do.",
    run=_run,
    options=OPTIONS,
    epilog=_EPILOG,
)
