"""Files of the program, made safely: private to their owner, never through a link, locked, replaced as a whole.

Everybody who writes a file of the user's does it through here (RELIABILITY.md X7). Files are made with mode 0600 and
folders with 0700, regardless of the umask.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700

_BUSY = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
_PAUSE_S = 0.01
_LOCKED_BYTE = 2**62
"""Far beyond any data: on Windows others cannot read the bytes that are locked."""


def file_path(name: str) -> Path:
    """A file name as a user writes it: `~` and `~somebody` are home folders.

    Raises:
        ValueError: It cannot be one; the message is a predicate such as "takes a file name".
    """
    # Imported when it is needed: this module is read for every `--help`.
    from pathlib import Path

    if not name or "\0" in name:
        raise ValueError("takes a file name")
    if not name.startswith("~"):
        # A path forgets that "./~" began with a dot.
        return Path(name)
    try:
        return Path(name).expanduser()
    except RuntimeError:
        raise ValueError(
            "takes a file name; there is no such home folder (write ./~ for a file of that name)"
        ) from None


def user_folder(kind: str) -> Path:
    """The user's folder for this program's "config", "state", "data" or "log", or for "pictures" of all programs.

    Raises:
        OSError: This user has no home folder, and no variable says where else.
    """
    from pathlib import Path

    import platformdirs

    folder = getattr(platformdirs, f"user_{kind}_path")
    try:
        found: Path = folder() if kind == "pictures" else folder("kraken-tui", appauthor=False)
    except RuntimeError:
        found = Path("~")
    if not found.is_absolute():
        raise FileNotFoundError(errno.ENOENT, "this user has no home folder; set HOME")
    return found


def make_folder(path: Path) -> None:
    """Make a folder, and those above it, unless they are there.

    Raises:
        OSError: It cannot be made, or a file is in its place.
    """
    # `parents=True` would make those above with the mode of the umask.
    for folder in reversed((path, *path.parents)):
        if not folder.is_dir():
            folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)


def open_private(path: Path, flags: int) -> int:
    """Open a file for writing, and make it if it is missing; a link in its place is not followed.

    Opening a pipe without a reader is an error instead of a wait.

    Args:
        path: The file.
        flags: `os.O_WRONLY` or `os.O_RDWR`, with `os.O_APPEND`, `os.O_TRUNC` or `os.O_EXCL` as needed.

    Returns:
        A file descriptor.

    Raises:
        OSError: It cannot be opened; `errno.ELOOP` if it is a symbolic link.
        ValueError: The path is not a file name.
    """
    for name in ("O_NOFOLLOW", "O_CLOEXEC", "O_NONBLOCK", "O_BINARY"):
        flags |= getattr(os, name, 0)
    return os.open(path, flags | os.O_CREAT, PRIVATE_FILE)


def read_private(path: Path, largest: int) -> bytes:
    """Read a file that only its owner may read, or refuse to.

    Args:
        path: The file; a link in its place is not followed.
        largest: Longest that is read, in bytes.

    Raises:
        OSError: It cannot be read, is too long, belongs to somebody else, or others may read or change it; `strerror`
            says so, and what to do.
    """
    flags = os.O_RDONLY
    for name in ("O_NOFOLLOW", "O_CLOEXEC", "O_NONBLOCK", "O_BINARY"):
        flags |= getattr(os, name, 0)
    with os.fdopen(os.open(path, flags), "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        if os.name != "nt":
            mode = stat.S_IMODE(found.st_mode)
            if found.st_uid != os.getuid():
                raise OSError(errno.EPERM, "it belongs to another user")
            if mode & 0o077:
                raise OSError(errno.EPERM, f"others may use it (mode {mode:03o}); run: chmod 600 {path}")
        data = file.read(largest + 1)
    if len(data) > largest:
        raise OSError(errno.EFBIG, f"it is over {largest} bytes long")
    return data


def lock(descriptor: int, wait_s: float = 0.0) -> bool:
    """Keep other processes from locking the same file; the lock goes with the descriptor, so a crash leaves none.

    Args:
        descriptor: An open file.
        wait_s: Longest time to wait for it.

    Returns:
        Whether no other process holds the lock. True on network file systems without locks.
    """
    end = time.monotonic() + wait_s
    while not _lock_at_once(descriptor):
        if time.monotonic() >= end:
            return False
        time.sleep(_PAUSE_S)
    return True


def _lock_at_once(descriptor: int) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            position = os.lseek(descriptor, 0, os.SEEK_CUR)
            os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
            try:
                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
            finally:
                # Who writes next would write there.
                os.lseek(descriptor, position, os.SEEK_SET)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in _BUSY
    return True


def replace_text(path: Path, text: str) -> None:
    """Write a file as a whole or not at all; a file that is there keeps its mode.

    Raises:
        OSError: It cannot be written, or is a symbolic link, which somebody else may have put there.
        UnicodeEncodeError: The text holds surrogates.
    """
    replace_bytes(path, text.encode("utf-8"))


def replace_bytes(path: Path, data: bytes) -> None:
    """As `replace_text`, for anything.

    Raises:
        OSError: See `replace_text`.
    """
    import tempfile
    from pathlib import Path

    if path.is_symlink():
        raise OSError(errno.ELOOP, "it is a symbolic link")
    descriptor, name = tempfile.mkstemp(prefix=".kraken-tui-", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        if path.exists():
            temporary.chmod(stat.S_IMODE(path.stat().st_mode))
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
