"""Where keys are kept, and which one is used."""

from __future__ import annotations

import json
import os
import stat
import sys
import threading
from base64 import b64encode
from pathlib import Path
from types import ModuleType

import pytest

from kraken_tui.errors import ConfigurationError
from kraken_tui.keys.key import ENVIRONMENT, FILE, KEYRING, PLAY, make_key
from kraken_tui.keys.store import KeyStore, choose
from kraken_tui.settings import Settings
from tests.feed.rest.private_rig import PRIVATE, PUBLIC

OTHER = PUBLIC.replace("dGVz", "b3Ro")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path / "kraken-tui" / "keys.json"


def test_a_key_is_kept_so_that_only_its_owner_reads_it(home: Path) -> None:
    old = os.umask(0)
    try:
        KeyStore().add(make_key("view", PUBLIC, PRIVATE, FILE))
    finally:
        os.umask(old)
    assert stat.S_IMODE(home.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.parent.stat().st_mode) == 0o700
    key = KeyStore().get("view")
    assert (key.name, key.public.reveal(), key.private.reveal(), key.source) == ("view", PUBLIC, PRIVATE, FILE)
    assert KeyStore().names() == {"view": FILE}
    KeyStore().remove("view")
    assert KeyStore().names() == {}
    assert PRIVATE not in home.read_text()
    assert {path.name for path in home.parent.iterdir()} == {"keys.json", "keys.json.lock"}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610, 0o601, 0o777])
def test_a_file_that_others_may_use_is_refused_in_one_sentence_that_mends_it(home: Path, mode: int) -> None:
    KeyStore().add(make_key("view", PUBLIC, PRIVATE, FILE))
    home.chmod(mode)
    for use in (
        lambda: KeyStore().names(),
        lambda: KeyStore().get("view"),
        lambda: KeyStore().add(make_key("b", OTHER, PRIVATE, FILE)),
        lambda: KeyStore().remove("view"),
    ):
        with pytest.raises(ConfigurationError, match=f"mode {mode:o}.*chmod 600 {home}") as caught:
            use()
        assert "\n" not in str(caught.value)
    home.chmod(0o400)
    assert KeyStore().names() == {"view": FILE}


def test_links_pipes_and_folders_in_its_place_are_refused(home: Path, tmp_path: Path) -> None:
    home.parent.mkdir()
    target = tmp_path / "target"
    target.write_text('{"version":1,"keys":{}}')
    target.chmod(0o600)
    home.symlink_to(target)
    with pytest.raises(ConfigurationError, match="not used"):
        KeyStore().names()
    with pytest.raises(ConfigurationError):
        KeyStore().add(make_key("view", PUBLIC, PRIVATE, FILE))
    assert PRIVATE not in target.read_text()
    home.unlink()
    os.mkfifo(home, 0o600)
    with pytest.raises(ConfigurationError, match="not a regular file"):
        KeyStore().names()
    home.unlink()
    home.mkdir()
    with pytest.raises(ConfigurationError, match="not used"):
        KeyStore().names()


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"version":2,"keys":{}}', '{"version":1}', '{"version":1,"keys":[]}',
     '{"version":1,"keys":{"a":5}}',
     "[" * 10_000, '{"version":1,"keys":{"a":{}},"x":"' + "y" * 70_000 + '"}'],
)  # fmt: skip
def test_a_broken_file_is_said_and_never_overwritten(home: Path, content: str) -> None:
    home.parent.mkdir()
    home.write_text(content)
    home.chmod(0o600)
    with pytest.raises(ConfigurationError):
        KeyStore().add(make_key("view", PUBLIC, PRIVATE, FILE))
    assert home.read_text() == content


def test_a_name_is_taken_once_and_is_never_a_key(home: Path) -> None:
    store = KeyStore()
    store.add(make_key("view", PUBLIC, PRIVATE, FILE))
    with pytest.raises(ConfigurationError, match="already"):
        store.add(make_key("view", OTHER, PRIVATE, FILE))
    assert store.get("view").public.reveal() == PUBLIC
    for name in (PUBLIC, PRIVATE, "", "a b", "../x", "-x", "x" * 41):
        for use in (store.get, store.remove):
            with pytest.raises(ConfigurationError) as caught:
                use(name)
            assert len(name) < 10 or name not in str(caught.value)
    with pytest.raises(ConfigurationError, match="there are: view"):
        store.get("trade")


def test_two_programs_that_add_at_once_lose_nothing(home: Path) -> None:
    names = [f"key-{number}" for number in range(12)]
    threads = [
        threading.Thread(target=lambda name=name: KeyStore().add(make_key(name, PUBLIC, PRIVATE, FILE)))
        for name in names
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(KeyStore().names()) == sorted(names)


@pytest.mark.parametrize(
    ("public", "private", "words"),
    [
        ("", PRIVATE, "the key is empty"),
        (PUBLIC, "  \n", "the private key is empty"),
        ("a b c d e f g h i j k l", PRIVATE, "API key is not one of Kraken's"),
        ("short", PRIVATE, "API key is not one of Kraken's"),
        (PUBLIC, PRIVATE[:-3], "not base64"),
        (PUBLIC, PRIVATE[:20], "too short"),
        (PUBLIC, "clé" * 30, "not base64"),
        (PRIVATE, PRIVATE, "too short"),
        # As long as Kraken's own: the shorter one could be a private key by itself.
        (PRIVATE, b64encode(bytes(range(42))).decode(), "perhaps swapped"),
    ],
)
def test_what_cannot_be_a_key_is_refused_and_not_repeated(public: str, private: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        make_key("x", public, private, FILE)
    for text in (public, private):
        assert len(text) < 5 or text not in str(caught.value)


def test_blanks_around_a_pasted_key_are_dropped() -> None:
    key = make_key("x", f" {PUBLIC}\r\n", f"\t{PRIVATE}\n", FILE)
    assert (key.public.reveal(), key.private.reveal()) == (PUBLIC, PRIVATE)
    assert key.shown == f"{PUBLIC[:4]}…"
    assert key.fingerprint not in PUBLIC
    assert PUBLIC not in repr(key) + str(key)
    assert PRIVATE not in repr(key) + str(key)


def test_the_environment_counts_first_and_is_emptied(home: Path) -> None:
    KeyStore().add(make_key("view", OTHER, PRIVATE, FILE))
    env = {"KRAKEN_API_KEY": PUBLIC, "KRAKEN_API_SECRET": PRIVATE, "PATH": "/bin"}
    key = choose(Settings(), env)
    assert key is not None
    assert (key.public.reveal(), key.source) == (PUBLIC, ENVIRONMENT)
    assert env == {"PATH": "/bin"}
    named = choose(Settings(key_name="view"), {"KRAKEN_API_KEY": PUBLIC, "KRAKEN_API_SECRET": PRIVATE})
    assert named is not None
    assert named.public.reveal() == OTHER
    for half in ("KRAKEN_API_KEY", "KRAKEN_API_SECRET"):
        with pytest.raises(ConfigurationError, match="set both or neither"):
            choose(Settings(), {half: PUBLIC})


def test_the_only_key_is_used_and_several_need_a_name(home: Path) -> None:
    assert choose(Settings(), {}) is None
    KeyStore().add(make_key("view", PUBLIC, PRIVATE, FILE))
    only = choose(Settings(), {})
    assert only is not None
    assert only.name == "view"
    KeyStore().add(make_key("trade", OTHER, PRIVATE, FILE))
    with pytest.raises(ConfigurationError, match="name one of them with --key: view, trade"):
        choose(Settings(), {})
    assert choose(Settings(key_name="trade"), {}).public.reveal() == OTHER  # type: ignore[union-attr]


def test_the_demo_never_looks_at_a_key_of_the_users(home: Path) -> None:
    home.parent.mkdir()
    home.write_text("not even readable")
    env = {"KRAKEN_API_KEY": PUBLIC, "KRAKEN_API_SECRET": PRIVATE}
    assert choose(Settings(demo=True), env) is None
    play = make_key("demo", OTHER, PRIVATE, PLAY)
    assert choose(Settings(demo=True, key_name="view"), env, play=play) is play
    assert env == {"KRAKEN_API_KEY": PUBLIC, "KRAKEN_API_SECRET": PRIVATE}


def test_the_keyring_is_imported_only_where_it_is_used(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    KeyStore().add(make_key("view", PUBLIC, PRIVATE, FILE))
    with pytest.raises(ConfigurationError, match=r"pip install 'kraken-tui\[keyring\]'"):
        KeyStore().add(make_key("ring", PUBLIC, PRIVATE, KEYRING))
    assert KeyStore().names() == {"view": FILE}


def test_a_key_in_the_keyring_is_nowhere_else(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held: dict[tuple[str, str], str] = {}
    fake = ModuleType("keyring")
    fake.set_password = lambda service, name, value: held.update({(service, name): value})  # type: ignore[attr-defined]
    fake.get_password = lambda service, name: held.get((service, name))  # type: ignore[attr-defined]
    fake.delete_password = lambda service, name: held.pop((service, name))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", fake)
    KeyStore().add(make_key("ring", PUBLIC, PRIVATE, KEYRING))
    assert KeyStore().names() == {"ring": KEYRING}
    assert json.loads(home.read_text()) == {"version": 1, "keys": {"ring": {"keyring": True}}}
    key = KeyStore().get("ring")
    assert (key.public.reveal(), key.private.reveal(), key.source) == (PUBLIC, PRIVATE, KEYRING)
    held.clear()
    with pytest.raises(ConfigurationError, match="does not hold the key 'ring'"):
        KeyStore().get("ring")
    KeyStore().remove("ring")
    assert KeyStore().names() == {}

    def broken(*_: str) -> str:
        raise RuntimeError(f"no backend for {PRIVATE}")

    fake.set_password = broken  # type: ignore[attr-defined]
    with pytest.raises(ConfigurationError, match="does not answer: no backend for") as caught:
        KeyStore().add(make_key("ring", PUBLIC, PRIVATE, KEYRING))
    assert PRIVATE not in str(caught.value)
