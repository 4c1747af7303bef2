"""Where keys are kept: the environment, a file that only its owner can read, or the system's keyring.

The file is `keys.json` in the user's configuration folder:
`{"version":1,"keys":{NAME:{"key":...,"secret":...}}}`. A key in the keyring has `{"keyring":true}` there, so that
it can be listed.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any

from kraken_tui.errors import ConfigurationError
from kraken_tui.files import PRIVATE_FILE, lock, make_folder, open_private, read_private, replace_text, user_folder
from kraken_tui.keys.key import ENVIRONMENT, FILE, KEYRING, ApiKey, check_name, make_key
from kraken_tui.settings import Settings
from kraken_tui.text import clean_text

KEY_VARIABLE, SECRET_VARIABLE = "KRAKEN_API_KEY", "KRAKEN_API_SECRET"
"""Environment variables of one key."""

SERVICE = "kraken-tui"
"""What the keys are filed under in a keyring."""

_LARGEST = 65536
_LOCK_S = 2.0
_VERSION = 1


def default_path() -> Path:
    """The file of keys.

    Raises:
        ConfigurationError: This user has no home folder.
    """
    try:
        return user_folder("config") / "keys.json"
    except OSError as error:
        raise ConfigurationError(f"no place for keys: {error.strerror}") from None


def choose(settings: Settings, env: MutableMapping[str, str], *, play: ApiKey | None = None) -> ApiKey | None:
    """Find the key to use; the one of the environment is taken out of it, so that no child process inherits it.

    Args:
        settings: Say whether it is the demo, and which key by name.
        env: The environment; a library, whose program may make a second client, gives a copy of it.
        play: The local exchange's key. With the demo this is the answer, and nothing else is looked at.

    Returns:
        None if there is no key anywhere.

    Raises:
        ConfigurationError: There is one and it cannot be used, or several and none is named.
    """
    if settings.demo:
        return play
    found = take_from_environment(env)
    if settings.key_name:
        return KeyStore().get(settings.key_name)
    if found is not None:
        return found
    store = KeyStore()
    names = store.names()
    if len(names) > 1:
        raise ConfigurationError(f"there are several keys, name one of them with --key: {', '.join(names)}")
    return store.get(next(iter(names))) if names else None


def take_from_environment(env: MutableMapping[str, str]) -> ApiKey | None:
    """The key of the environment, which then no longer holds it.

    Raises:
        ConfigurationError: Only half of it is there, or it cannot be a key.
    """
    public, private = env.pop(KEY_VARIABLE, ""), env.pop(SECRET_VARIABLE, "")
    if not public and not private:
        return None
    if not public or not private:
        there, missing = (KEY_VARIABLE, SECRET_VARIABLE) if public else (SECRET_VARIABLE, KEY_VARIABLE)
        raise ConfigurationError(f"{there} is set and {missing} is not; set both or neither")
    return make_key(ENVIRONMENT, public, private, ENVIRONMENT)


class KeyStore:
    """The stored keys.

    Args:
        path: The file; None for the usual one.

    Attributes:
        path: The same.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path if path is not None else default_path()

    def names(self) -> dict[str, str]:
        """Every key's name, and whether it is in the `FILE` or the `KEYRING`.

        Raises:
            ConfigurationError: The file cannot be read, or others can read it.
        """
        return {name: KEYRING if entry.get("keyring") else FILE for name, entry in self._read().items()}

    def get(self, name: str) -> ApiKey:
        """One key.

        Raises:
            ConfigurationError: There is no such key, or it cannot be read.
        """
        entries = self._read()
        entry = entries.get(check_name(name))
        if entry is None:
            known = f"; there are: {', '.join(entries)}" if entries else ""
            raise ConfigurationError(f"there is no key {name!r}{known}")
        if entry.get("keyring"):
            return make_key(name, *_from_keyring(name), KEYRING)
        return make_key(name, str(entry.get("key", "")), str(entry.get("secret", "")), FILE)

    def add(self, key: ApiKey) -> None:
        """Keep a key, in the keyring if that is its source, else in the file.

        Raises:
            ConfigurationError: There is one of that name, or it cannot be written.
        """
        check_name(key.name)
        with self._changing() as entries:
            if key.name in entries:
                raise ConfigurationError(f"there is a key {key.name!r} already; remove it, or name this one by --key")
            if key.source == KEYRING:
                _into_keyring(key)
                entries[key.name] = {"keyring": True}
            else:
                entries[key.name] = {"key": key.public.reveal(), "secret": key.private.reveal()}

    def remove(self, name: str) -> None:
        """Forget a key; at Kraken it stays valid.

        Raises:
            ConfigurationError: There is no such key, or the file cannot be written.
        """
        check_name(name)
        with self._changing() as entries:
            entry = entries.pop(name, None)
            if entry is None:
                raise ConfigurationError(f"there is no key {name!r}")
            if entry.get("keyring"):
                _out_of_keyring(name)

    def _read(self) -> dict[str, dict[str, Any]]:
        shown = clean_text(self.path)
        try:
            data = read_private(self.path, _LARGEST)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise ConfigurationError(f"the file of keys {shown} is not used: {clean_text(error.strerror)}") from None
        try:
            content = json.loads(data)
        except (ValueError, RecursionError):
            content = None
        keys = content.get("keys") if isinstance(content, dict) and content.get("version") == _VERSION else None
        if not isinstance(keys, dict) or not all(isinstance(entry, dict) for entry in keys.values()):
            raise ConfigurationError(f"the file of keys {shown} cannot be read; remove it and add the keys again")
        return {check_name(name): entry for name, entry in keys.items()}

    @contextlib.contextmanager
    def _changing(self) -> Iterator[dict[str, dict[str, Any]]]:
        """What is in the file, written back as a whole when all has gone well; others wait meanwhile."""
        try:
            make_folder(self.path.parent)
            descriptor = open_private(self.path.parent / f"{self.path.name}.lock", os.O_WRONLY)
            try:
                if not lock(descriptor, _LOCK_S):
                    raise ConfigurationError("another kraken-tui is changing the keys; try again")
                entries = self._read()
                yield entries
                replace_text(self.path, json.dumps({"version": _VERSION, "keys": entries}, indent=1) + "\n")
                self.path.chmod(PRIVATE_FILE)
            finally:
                os.close(descriptor)
        except OSError as error:
            reason = clean_text(error.strerror or "it cannot be written")
            raise ConfigurationError(f"the file of keys {clean_text(self.path)} is unchanged: {reason}") from None


# -- the keyring --------------------------------------------------------------------------------------------------


def _keyring() -> Any:
    """The package, which only those need who want it."""
    try:
        import keyring
    except ImportError:
        raise ConfigurationError("the system's keyring needs a package: pip install 'kraken-tui[keyring]'") from None
    return keyring


def _from_keyring(name: str) -> tuple[str, str]:
    found = _ask(lambda keyring: keyring.get_password(SERVICE, name))
    try:
        pair: Mapping[str, Any] = json.loads(found) if found else {}
        return str(pair["key"]), str(pair["secret"])
    except (ValueError, KeyError, TypeError):
        raise ConfigurationError(f"the keyring does not hold the key {name!r}; remove it and add it again") from None


def _into_keyring(key: ApiKey) -> None:
    content = json.dumps({"key": key.public.reveal(), "secret": key.private.reveal()})
    _ask(lambda keyring: keyring.set_password(SERVICE, key.name, content))


def _out_of_keyring(name: str) -> None:
    with contextlib.suppress(ConfigurationError):
        # One that is gone already, or a keyring that is, must not keep the name for ever.
        _ask(lambda keyring: keyring.delete_password(SERVICE, name))


def _ask(question: Any) -> Any:
    keyring = _keyring()
    try:
        return question(keyring)
    except Exception as error:  # Every keyring fails in its own way.
        raise ConfigurationError(f"the system's keyring does not answer: {clean_text(error, 100)}") from None
