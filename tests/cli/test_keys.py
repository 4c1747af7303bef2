"""`kraken-tui keys`: nothing it prints holds a key, and what is wrong is said in one sentence."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kraken_tui.cli import main as cli
from kraken_tui.keys.store import KeyStore
from tests.feed.rest.private_rig import PRIVATE, PUBLIC, Account, serving
from tests.reference.private_vectors import KEY_INFO_STRONG, KEY_INFO_VIEW


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for kind in ("CONFIG", "STATE", "DATA"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind.lower()))
    for name in ("KRAKEN_API_KEY", "KRAKEN_API_SECRET"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def exchange() -> Iterator[tuple[Account, str]]:
    account = Account()
    account.results["GetApiKeyInfo"] = KEY_INFO_VIEW["result"]
    with serving(account) as url:
        yield account, url


def run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *argv: str, typed: str = ""
) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    code = cli.main(["keys", *argv])
    out, err = capsys.readouterr()
    assert PUBLIC not in out + err
    assert PRIVATE not in out + err
    assert PUBLIC[:12] not in out + err
    assert "Traceback" not in err
    assert err.count("\n") <= 1
    return code, out, err


def test_a_key_goes_in_by_a_pipe_and_out_by_its_name(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(capsys, monkeypatch, "list")[1] == "no keys are kept; kraken-tui keys add keeps one\n"
    code, out, _ = run(capsys, monkeypatch, "add", "--key", "view", typed=f"{PUBLIC}\n{PRIVATE}\n")
    assert code == 0
    assert out.startswith("kept as 'view' in ")
    assert KeyStore().get("view").private.reveal() == PRIVATE
    assert run(capsys, monkeypatch, "list")[1] == "view  file\n"
    code, _, err = run(capsys, monkeypatch, "add", "--key", "view", typed=f"{PUBLIC}\n{PRIVATE}\n")
    assert (code, "already" in err) == (2, True)
    assert run(capsys, monkeypatch, "remove")[0] == 2
    code, out, _ = run(capsys, monkeypatch, "remove", "--key", "view")
    assert (code, "delete it at Kraken" in out) == (0, True)
    assert run(capsys, monkeypatch, "remove", "--key", "view")[0] == 2


def test_on_a_terminal_nothing_is_echoed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    import getpass
    import warnings

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    typed = iter([PUBLIC, PRIVATE])
    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(getpass, "getpass", lambda prompt: next(typed))
    assert cli.main(["keys", "add"]) == 0
    assert KeyStore().names() == {"default": "file"}

    def cannot_hide(prompt: str) -> str:
        warnings.warn("Can not control echo on the terminal.", getpass.GetPassWarning, stacklevel=1)
        return PRIVATE

    monkeypatch.setattr(getpass, "getpass", cannot_hide)
    assert cli.main(["keys", "add", "--key", "b"]) == 2
    assert "cannot hide what is typed" in capsys.readouterr().err
    assert KeyStore().names() == {"default": "file"}


@pytest.mark.parametrize(
    ("argv", "typed", "words"),
    [
        ((), "", "takes one of add, list, remove, check"),
        (("show",), "", "takes one of"),
        ((PRIVATE,), "", "takes one of"),
        (("add", PUBLIC, PRIVATE), "", "never given on the command line"),
        (("add", f"--secret={PRIVATE}"), "", "unknown option --secret"),
        (("add", "--key", PRIVATE), "", "name of a key"),
        (("add", "--store", "cloud"), "", "--store"),
        (("add",), "", "two lines"),
        (("add",), f"{PUBLIC}\n", "two lines"),
        (("add",), f"{PUBLIC}\n{PRIVATE[:-2]}\n", "not base64"),
        (("add",), f"{PRIVATE}\n{PUBLIC}\n", "too short"),
        (("check",), "", "there is no key"),
        (("check", "--key", "view"), "", "no key 'view'"),
        (("check", "--demo"), "", "unknown option --demo"),
    ],
)
def test_wrong_use_is_one_sentence_without_the_key(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, argv: tuple[str, ...], typed: str, words: str
) -> None:
    code, out, err = run(capsys, monkeypatch, *argv, typed=typed)
    assert (code, out) == (2, "")
    assert words in err
    assert not KeyStore().names()


def test_the_demo_and_keys_are_kept_apart(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KRAKEN_TUI_DEMO", "1")
    code, _, err = run(capsys, monkeypatch, "check")
    assert code == 2
    assert "play money" in err


def test_check_shows_the_rights(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, exchange: tuple[Account, str]
) -> None:
    _, url = exchange
    monkeypatch.setenv("KRAKEN_API_KEY", PUBLIC)
    monkeypatch.setenv("KRAKEN_API_SECRET", PRIVATE)
    code, out, err = run(capsys, monkeypatch, "check", "--rest-url", url)
    assert (code, err) == (0, "")
    assert out == (
        "key         environment, from the environment; at Kraken 'ladder-view'\n"
        "may         see balances (query-funds)\n"
        "            see open orders (query-open-trades)\n"
        "            see closed orders and trades (query-closed-trades)\n"
        "            connect to the private sockets (level 3, account) (create-ws-token)\n"
        "valid       for ever\n"
        "used from   any address; a list of your own is safer\n"
        "verdict     good for level 3 and the account, to look only\n"
    )


def test_check_refuses_a_key_that_may_withdraw_unless_told_otherwise(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, exchange: tuple[Account, str]
) -> None:
    account, url = exchange
    account.results["GetApiKeyInfo"] = {
        **KEY_INFO_STRONG["result"], "validUntil": "1798761600", "queryFrom": "1767225600",
        "ipAllowlist": ["203.0.113.7"],
    }  # fmt: skip
    run(capsys, monkeypatch, "add", "--key", "all", typed=f"{PUBLIC}\n{PRIVATE}\n")
    code, out, err = run(capsys, monkeypatch, "check", "--key", "all", "--rest-url", url)
    assert code == 1
    assert "this key may withdraw money, so it is not used" in err
    assert "verdict     not used\n" in out
    assert "valid       until 2027-01-01\n" in out
    assert "history     from 2026-01-01 to now only\n" in out
    assert "used from   203.0.113.7\n" in out
    code, out, err = run(capsys, monkeypatch, "check", "--key", "all", "--rest-url", url, "--allow-withdraw-key")
    assert (code, err) == (0, "")
    assert "can take all the money" in out


def test_a_key_that_cannot_connect_is_of_no_use_to_a_script_either(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, exchange: tuple[Account, str]
) -> None:
    account, url = exchange
    account.results["GetApiKeyInfo"] = {**KEY_INFO_VIEW["result"], "permissions": ["query-funds", "query-open-trades"]}
    monkeypatch.setenv("KRAKEN_API_KEY", PUBLIC)
    monkeypatch.setenv("KRAKEN_API_SECRET", PRIVATE)
    code, out, err = run(capsys, monkeypatch, "check", "--rest-url", url)
    assert (code, err) == (1, "")
    assert "verdict     of no use without the right to connect\n" in out


def test_check_names_the_address_that_does_not_answer(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KRAKEN_API_KEY", PUBLIC)
    monkeypatch.setenv("KRAKEN_API_SECRET", PRIVATE)
    code, out, err = run(capsys, monkeypatch, "check", "--rest-url", "http://127.0.0.1:1")
    assert (code, out) == (1, "")
    assert err == "kraken-tui: not sent: Connection refused (http://127.0.0.1:1)\n"


@pytest.mark.parametrize(
    "text", ["EAPI:Invalid key", "EAPI:Invalid signature", "EAPI:Invalid nonce", "EGeneral:Temporary lockout"]
)
def test_check_says_what_to_do_about_a_refusal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, exchange: tuple[Account, str], text: str
) -> None:
    account, url = exchange
    account.script = [{"error": [text]}]
    monkeypatch.setenv("KRAKEN_API_KEY", PUBLIC)
    monkeypatch.setenv("KRAKEN_API_SECRET", PRIVATE)
    code, out, err = run(capsys, monkeypatch, "check", "--rest-url", url)
    assert (code, out) == (1, "")
    assert err.startswith(f"kraken-tui: Kraken says {text}: ")
    assert len(account.seen) == 1


def test_check_survives_a_proxys_page(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, exchange: tuple[Account, str]
) -> None:
    account, url = exchange
    account.script = [b"<html>sign in</html>"] * 2
    monkeypatch.setenv("KRAKEN_API_KEY", PUBLIC)
    monkeypatch.setenv("KRAKEN_API_SECRET", PRIVATE)
    code, _, err = run(capsys, monkeypatch, "check", "--rest-url", url)
    assert code == 1
    assert "web page" in err


@pytest.mark.realtime
@pytest.mark.skipif(sys.platform == "win32", reason="needs a terminal of Unix")
def test_a_real_terminal_shows_nothing_of_a_key(home: Path) -> None:
    import os

    import pexpect

    child = pexpect.spawn(
        sys.executable,
        ["-m", "kraken_tui", "keys", "add", "--key", "view"],
        timeout=30,
        env=dict(os.environ),
        echo=True,
    )
    shown = b""
    for prompt, typed in ((b"API key (not shown): ", PUBLIC), (b"Private key (not shown): ", PRIVATE)):
        child.expect_exact(prompt)
        shown += child.before
        assert child.waitnoecho(5)
        child.sendline(typed)
    child.expect(pexpect.EOF)
    shown += child.before
    child.close()
    assert child.exitstatus == 0
    assert b"kept as 'view'" in shown
    assert PUBLIC.encode() not in shown
    assert PRIVATE.encode() not in shown
    assert KeyStore().get("view").private.reveal() == PRIVATE
