"""Files of the program: private, never through a link, locked, replaced as a whole."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from kraken_tui import files

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes and links")


@pytest.fixture(autouse=True)
def careless_umask() -> Iterator[None]:
    """The worst umask there is: modes must not depend on it."""
    former = os.umask(0)
    yield
    os.umask(former)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@posix
def test_files_and_folders_are_their_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    files.make_folder(folder)
    files.make_folder(folder)
    os.close(files.open_private(folder / "file", os.O_WRONLY))
    assert (mode(tmp_path / "a"), mode(folder), mode(folder / "file")) == (0o700, 0o700, 0o600)
    with pytest.raises(OSError, match=r"exists|directory"):
        files.make_folder(folder / "file")


@posix
def test_a_link_is_not_followed(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("mine")
    link.symlink_to(target)
    for flags in (os.O_WRONLY, os.O_WRONLY | os.O_TRUNC, os.O_RDWR | os.O_APPEND):
        with pytest.raises(OSError, match="symbolic link") as caught:
            files.open_private(link, flags)
        assert caught.value.errno == errno.ELOOP
    with pytest.raises(FileExistsError):
        files.open_private(link, os.O_WRONLY | os.O_EXCL)
    with pytest.raises(OSError, match="symbolic link"):
        files.replace_text(link, "theirs")
    assert target.read_text() == "mine"
    assert link.is_symlink()


@posix
def test_opening_waits_for_nobody_and_is_not_inherited(tmp_path: Path) -> None:
    descriptor = files.open_private(tmp_path / "file", os.O_WRONLY)
    # A pipe that nobody reads would otherwise be waited for.
    assert not os.get_blocking(descriptor)
    assert not os.get_inheritable(descriptor)
    os.close(descriptor)


def test_a_folder_that_somebody_else_makes_at_the_same_time_will_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, is_dir = tmp_path / "a", Path.is_dir

    def made_right_after(path: Path) -> bool:
        if path == folder and not folder.exists():
            os.mkdir(folder)  # noqa: PTH102
            return False
        return is_dir(path)

    monkeypatch.setattr(Path, "is_dir", made_right_after)
    files.make_folder(folder)
    assert is_dir(folder)


class Clock:
    """Time that passes only while somebody sleeps, and not for ever."""

    def __init__(self) -> None:
        self.now = 0.0
        self.sleeps: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds
        assert len(self.sleeps) < 1000


def test_a_lock_keeps_others_out_until_its_descriptor_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(files, "time", clock)
    first, second = (files.open_private(tmp_path / "file", os.O_RDWR) for _ in range(2))
    assert files.lock(first) is True
    assert files.lock(second) is False
    assert clock.sleeps == []
    assert files.lock(second, 0.25) is False
    assert clock.sleeps == [0.01] * len(clock.sleeps)
    assert 0.25 <= clock.now < 0.27
    os.close(first)
    assert files.lock(second, 0.25) is True
    os.close(second)


@posix
def test_a_file_system_without_locks_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "time", Clock())
    import fcntl

    def fail(number: int) -> None:
        def flock(*_: object) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(fcntl, "flock", flock)

    descriptor = files.open_private(tmp_path / "file", os.O_RDWR)
    fail(errno.ENOLCK)
    assert files.lock(descriptor)
    for busy in (errno.EACCES, errno.EAGAIN, errno.EDEADLK):
        fail(busy)
        assert not files.lock(descriptor)
    os.close(descriptor)


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "new.svg"
    files.replace_text(path, "first")
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("first", 0o600 if os.name == "posix" else 0o666)
    path.chmod(0o644)
    with pytest.raises(UnicodeEncodeError):
        files.replace_text(path, "x" * 100_000 + "\udcff")
    assert [each.name for each in tmp_path.iterdir()] == ["new.svg"]
    assert path.read_text() == "first"
    files.replace_text(path, "second")
    assert path.read_text() == "second"
    assert path.stat().st_mode & 0o044 == 0o044, "who may read it was the user's choice"


def test_a_name_is_read_as_a_user_writes_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    if os.name != "nt":
        assert files.file_path("~/x") == tmp_path / "x"
    assert str(files.file_path("./~")) == "~"
    with pytest.raises(ValueError, match="no such home folder"):
        files.file_path("~nobody-of-this-name/x")
    for wrong in ("", "a\0b"):
        with pytest.raises(ValueError, match=r"^takes a file name$"):
            files.file_path(wrong)


def test_on_windows_the_lock_lies_far_beyond_the_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """There locked bytes cannot be read by others; its `msvcrt` is played here."""
    monkeypatch.setattr(files, "time", Clock())
    done: list[tuple[object, ...]] = []
    locked: list[object] = []

    def locking(*how: object) -> None:
        done.append(how)
        locked.append(how)
        if len(locked) > 1:
            raise OSError(errno.EACCES, "Permission denied")

    def lseek(descriptor: int, offset: int, whence: int) -> int:
        done.append((descriptor, offset, whence))
        return 7

    monkeypatch.setitem(sys.modules, "msvcrt", SimpleNamespace(locking=locking, LK_NBLCK="at once"))
    with monkeypatch.context() as patch:
        patch.setattr(files.os, "name", "nt")
        patch.setattr(files.os, "lseek", lseek)
        assert files.lock(5)
        assert not files.lock(5)
    once = [(5, 0, os.SEEK_CUR), (5, 2**62, os.SEEK_SET), (5, "at once", 1), (5, 7, os.SEEK_SET)]
    assert done == once * 2, "whoever writes next writes where it would have"


@posix
def test_folders_are_the_users_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("platformdirs.user_state_path", lambda name, appauthor: tmp_path / (appauthor or name))
    monkeypatch.setattr("platformdirs.user_pictures_path", lambda: tmp_path / "Pictures")
    assert files.user_folder("state") == tmp_path / "kraken-tui"
    assert files.user_folder("pictures") == tmp_path / "Pictures"
    monkeypatch.setattr("platformdirs.user_state_path", lambda name, appauthor: Path("~") / name)
    with pytest.raises(FileNotFoundError, match="no home folder; set HOME"):
        files.user_folder("state")

    def nobody() -> Path:
        raise RuntimeError

    monkeypatch.setattr("platformdirs.user_pictures_path", nobody)
    with pytest.raises(FileNotFoundError, match="no home folder; set HOME"):
        files.user_folder("pictures")
