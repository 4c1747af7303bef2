"""The speed of a machine: a fixed loop in processor time, told beside every figure."""

from __future__ import annotations

import re

import pytest

from benchmarks import machine
from tests.rig import ledger


def test_a_machine_that_takes_half_the_time_has_twice_the_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter((0.0, 0.3, 1.0, 1.025, 2.0, 2.5, 3.0, 3.05, 4.0, 4.04))
    monkeypatch.setattr(machine.time, "process_time", lambda: next(clock))
    assert machine.speed() == pytest.approx(2.0)


def test_it_is_told_beside_every_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    monkeypatch.setattr(ledger, "replace_section", lambda document, name, text: written.append(text))
    ledger.write_figures("chaos", "7 seeds, 0 failures")
    assert re.fullmatch(r"`python .*`\n\n7 seeds, 0 failures\n\n\(machine speed \d+\.\d\d\)", written[0])
