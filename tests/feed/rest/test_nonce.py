"""Nonces grow, whatever the clock, other processes and the disk do."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from kraken_tui.feed.rest.nonce import LOCKOUT_NS, Busy, Nonces

CODE = """
import sys, time
from pathlib import Path
from kraken_tui.feed.rest.nonce import Nonces
nonces = Nonces(Path(sys.argv[1]), "k", lambda: 10**18)
for _ in range(40):
    with nonces.turn() as turn:
        print(turn.take(), flush=True)
"""


def take(nonces: Nonces) -> int:
    with nonces.turn() as turn:
        return turn.take()


def test_the_clock_counts_and_where_it_stands_still_the_last_one_does(tmp_path: Path) -> None:
    now = [100]
    nonces = Nonces(tmp_path, "k", lambda: now[0])
    assert [take(nonces), take(nonces)] == [100, 101]
    now[0] = 50
    assert take(nonces) == 102
    now[0] = 200
    assert take(nonces) == 200
    assert take(Nonces(tmp_path, "k", lambda: 1)) == 201
    assert take(Nonces(tmp_path, "other", lambda: 1)) == 1
    assert (tmp_path / "nonce-k").stat().st_mode & 0o777 == 0o600


def test_threads_share_them(tmp_path: Path) -> None:
    found: list[int] = []
    shared = Nonces(tmp_path, "k", lambda: 7)

    def work(nonces: Nonces) -> None:
        for _ in range(30):
            with nonces.turn() as turn:
                found.append(turn.take())

    threads = [
        threading.Thread(target=work, args=(each,)) for each in (shared, shared, Nonces(tmp_path, "k", lambda: 7))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found == list(range(7, 97))


@pytest.mark.realtime
def test_processes_share_them_and_a_kill_loses_none(tmp_path: Path) -> None:
    running = [
        subprocess.Popen([sys.executable, "-c", CODE, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    running[0].stdout.readline()  # type: ignore[union-attr]
    running[0].kill()
    outputs = [process.communicate(timeout=60)[0].split() for process in running]
    found = [int(word) for words in outputs[1:] for word in words]
    assert len(found) == len(set(found)) == 80
    assert take(Nonces(tmp_path, "k", lambda: 0)) > max(found)


def test_a_turn_that_does_not_come_is_said(tmp_path: Path) -> None:
    first, second = Nonces(tmp_path, "k", lambda: 1), Nonces(tmp_path, "k", lambda: 1, wait_s=0.02)
    with first.turn(), pytest.raises(Busy), second.turn():
        pass
    memory = Nonces(None, "k", lambda: 1, wait_s=0.02)
    with memory.turn(), pytest.raises(Busy), memory.turn():
        pass
    assert take(second) == 1


@pytest.mark.parametrize("content", [b"", b"\0" * 42, b"no number", b"9" * 60, b"-5 -5", "٣".encode()])
def test_a_broken_file_leaves_the_clock(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "nonce-k").write_bytes(content)
    assert take(Nonces(tmp_path, "k", lambda: 500)) == 500
    assert take(Nonces(tmp_path, "k", lambda: 0)) == 501


def test_without_a_file_they_grow_in_memory_and_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"")
    (tmp_path / "nonce-k").symlink_to(tmp_path / "target")
    nonces = Nonces(tmp_path, "k", lambda: 5)
    assert [take(nonces), take(nonces)] == [5, 6]
    assert nonces.problem.startswith("the nonce is not kept: ")
    assert (tmp_path / "target").read_bytes() == b""


def test_a_lockout_ends_and_no_clock_makes_it_longer(tmp_path: Path) -> None:
    now = [10**18]
    nonces = Nonces(tmp_path, "k", lambda: now[0])
    with nonces.turn() as turn:
        assert turn.locked_ns == 0
        turn.take()
        turn.locked()
    with Nonces(tmp_path, "k", lambda: now[0]).turn() as turn:
        assert turn.locked_ns == LOCKOUT_NS
    now[0] -= 10**17
    with Nonces(tmp_path, "k", lambda: now[0]).turn() as turn:
        assert turn.locked_ns == LOCKOUT_NS
    now[0] = 10**18 + LOCKOUT_NS
    with Nonces(tmp_path, "k", lambda: now[0]).turn() as turn:
        assert turn.locked_ns == 0
    assert [path.name for path in tmp_path.iterdir()] == ["nonce-k"]
