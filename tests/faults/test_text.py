"""F98 and F100: hostile text and wrong configuration files."""

from __future__ import annotations

import time
from collections import deque
from pathlib import Path

import msgspec
import pytest

from kraken_tui.errors import ConfigurationError
from kraken_tui.feed.events import Note, Refused, StateChanged
from kraken_tui.settings.sources import load
from kraken_tui.text import clean_text
from tests.faults.helpers import up
from tests.faults.ledger import Ledger
from tests.rig.fuzz import hostile_text
from tests.rig.network import Packet

CANARY = "s3cr3t-canary-value"
NASTY = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202egnp\u200b[bold red]x[/bold red]\x00\r\n\t<script>é\ud800"


def strings(value: object) -> list[str]:
    """Every text inside an event."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.items() for text in strings(item)]
    if isinstance(value, list | tuple | set):
        return [text for item in value for text in strings(item)]
    return strings(msgspec.structs.asdict(value)) if isinstance(value, msgspec.Struct) else []


def test_f98_hostile_text_reaches_nobody(ledger: Ledger) -> None:
    world = up()
    word = NASTY.replace("\ud800", "")
    escaped = msgspec.json.encode(word).decode()
    frames = (
        f'{{"error":{escaped},"method":"subscribe","success":false,"symbol":{escaped}}}',
        f'{{"channel":{escaped},"type":"update","data":[]}}',
        f'{{"channel":"status","type":"update","data":[{{"system":{escaped}}}]}}',
        f'{{"method":{escaped},"result":{{}},"success":true}}',
        f'{{"channel":"heartbeat",{escaped}:1}}',
        f'{{"method":"subscribe","success":true,"result":{{"channel":{escaped},"symbol":{escaped},"warnings":[{escaped}]}}}}',
    )
    for frame in frames:
        world.receive(Packet(frame, world.now, world.now))
    world.client.want(word, world.mono, world.wall)
    world.run(1)
    world.client.disconnected(f"closed by the server: 1001 {word}", world.mono, world.wall, close_code=1001)
    world._take_events()
    told = [event for _, event in world.events if isinstance(event, Note | Refused | StateChanged)]
    texts = [text for event in told for text in strings(event)]
    texts += [*world.client.counters.ignored, world.client.cause, world.client.system]
    assert any(isinstance(event, Refused) for event in told)
    leaks = [text for text in texts if not text.isprintable() or "\u202e" in text or "\u200b" in text]
    assert leaks == []
    fuzzed = 0
    for text in hostile_text(seed=98, count=20_000):
        fuzzed += 1
        assert clean_text(text).isprintable()
    seen = f"{len(frames) + 2} hostile frames and names, {fuzzed:,} hostile texts: 0 leaks"
    ledger("inert characters", seen, "0 leaks")


def test_f98_a_toast_takes_no_markup_from_data(ledger: Ledger) -> None:
    from textual.geometry import Size

    from kraken_tui.tui.app import KrakenApp
    from tests.tui.fake_source import FakeSource

    class Screen:
        """As much of the app as a toast needs."""

        def __init__(self) -> None:
            self._told: deque[tuple[float, str]] = deque()
            self.shown: list[tuple[str, bool]] = []
            self.source = FakeSource()
            self.size = Size(120, 36)

        def clock(self) -> float:
            return 1.0

        def notify(self, text: str, *, markup: bool = True, **_: object) -> None:
            self.shown.append((text, markup))

    screen = Screen()
    KrakenApp.tell(screen, "[bold red]no[/] [/ pair \x1b[2J")  # type: ignore[arg-type]
    assert screen.shown == [("[bold red]no[/] [/ pair \N{REPLACEMENT CHARACTER}[2J", False)]
    ledger("brackets stay brackets", "toasts are shown without markup", "0 markup from data")


CONFIGS: dict[str, bytes] = {
    "unknown key": b'dephts = "%s"\n' % CANARY.encode(),
    "wrong type": b'depth = "%s"\n' % CANARY.encode(),
    "10 MB": b"# " + CANARY.encode() * 500_000 + b"\n",
    "BOM and nonsense": b"\xef\xbb\xbfdepth = %s\n" % CANARY.encode(),
    "not UTF-8": b"theme = '\xff\xfe" + CANARY.encode() + b"'\n",
    "not TOML": b"{]" + CANARY.encode(),
    "NUL": b"\0" * 100 + CANARY.encode(),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_f100_a_wrong_file_is_one_sentence_without_its_values(name: str, tmp_path: Path, ledger: Ledger) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(CONFIGS[name])
    began = time.perf_counter()
    with pytest.raises(ConfigurationError) as caught:
        load({}, {}, path)
    took = time.perf_counter() - began
    said = str(caught.value)
    assert CANARY not in said
    assert "config.toml" in said
    assert said.isprintable()
    assert took <= 0.3
    ledger("one sentence: file, line, key; no value", f"{name}: {took * 1000:.0f} ms", "300 ms, value never shown")
