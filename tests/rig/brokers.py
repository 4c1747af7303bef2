"""Kafka brokers for tests: librdkafka's own mock cluster, and a small real broker where it is installed."""

from __future__ import annotations

import contextlib
import importlib.util
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

MOCK = """
import sys
from confluent_kafka import Producer
p = Producer({"bootstrap.servers": "x:1", "test.mock.num.brokers": 1, "log_level": 0})
print(",".join(f"{b.host}:{b.port}" for b in p.list_topics(timeout=10).brokers.values()), flush=True)
sys.stdin.read()
"""

REAL = "noida_db"
"""A package with a broker in one binary; young, so only tests use it, where somebody has installed it."""


def has_client() -> bool:
    """Whether the Kafka client is installed."""
    return importlib.util.find_spec("confluent_kafka") is not None


def has_broker() -> bool:
    """Whether a real broker is installed."""
    return importlib.util.find_spec(REAL) is not None


@contextlib.contextmanager
def mock_cluster() -> Iterator[str]:
    """A mock cluster in a process of its own; gives its address."""
    process = subprocess.Popen([sys.executable, "-c", MOCK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


class RealBroker:
    """A broker with a fixed port and a folder, that can be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        # The binary itself: a signal to the package's own script would leave it running.
        program = str(files(REAL).joinpath("noida-db"))
        Path(program).chmod(0o755)
        arguments = ["start", "--only", "kafka", "--kafka-port", str(self.port), "--data-dir", str(self._folder)]
        self._process = subprocess.Popen(
            [program, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 0.5):
                return
            time.sleep(0.05)
        raise AssertionError("the broker did not start")

    def stop(self, how: int = signal.SIGTERM) -> None:
        """End it with a signal."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(15)
            self._process = None
