"""That the comparison tells right from wrong, and says what is missing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import pipeline
from benchmarks.peers import harness, install
from benchmarks.peers.harness import FLOOR, OURS, OWN, SESSION, TEXTBOOK, Client, Failed, Programs
from benchmarks.pipeline import Cost
from benchmarks.stream import BTC, DOGE, Files, write


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return write(tmp_path_factory.mktemp("stream"), DOGE, 10, 300)


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Programs:
    return Programs(None, *harness.build_floor(tmp_path_factory.mktemp("floor")))


@pytest.mark.realtime
@pytest.mark.parametrize("client", OWN, ids=lambda client: client.name)
def test_every_client_of_ours_keeps_the_true_book_and_notices_every_lie(
    client: Client, files: Files, programs: Programs
) -> None:
    if client is FLOOR and programs.floor is None:
        pytest.skip(programs.floor_missing)
    falsified = harness.controls(files, client.wire)
    assert len(falsified) == 1 + 2 * harness.CONTROLS
    found = harness.check(client, files, programs, falsified)
    assert pipeline.verdict(found) == "all right"
    assert found["messages"] == 301
    assert found["controls"] == {"snapshot": [1, 1], "one side": [10, 10], "both sides": [10, 10]}
    if client is not FLOOR:
        assert found["levels"]["all"] == 11 * 20


@pytest.mark.realtime
def test_a_message_that_is_lost_is_a_wrong_book(files: Files, programs: Programs, tmp_path: Path) -> None:
    frames = files.v2.read_bytes().split(b"\n")
    at = next(number for number, frame in enumerate(frames) if number and b'"qty":0.00000000' in frame)
    short = tmp_path / "short.v2"
    short.write_bytes(b"\n".join(frames[:at] + frames[at + 1 :]))
    broken = Files(files.pair, files.depth, files.count, short, files.v1, files.truth)
    found = harness.check(TEXTBOOK, broken, programs, [])
    assert found["alarms"] > 0
    assert "taken for wrong" in pipeline.verdict(found)


@pytest.mark.realtime
def test_costs_are_measured(files: Files, programs: Programs) -> None:
    found = harness.measure(OURS, files, programs, 0.01)
    assert found["messages"] == 300
    assert found["alarms"] == 0
    assert 0 < min(found["passes"]) < 1000
    assert 0 < found["p50"] <= found["p99"]


@pytest.mark.realtime
def test_a_client_that_is_not_there_is_a_row_with_the_reason(files: Files) -> None:
    programs = Programs(Path(sys.executable), None, "no C compiler")
    with pytest.raises(Failed, match="no C compiler"):
        harness.measure(FLOOR, files, programs, 0.01)
    gone = Client("gone", "run_gone.py", peer=True)
    with pytest.raises(Failed, match="run_gone"):
        harness.measure(gone, files, programs, 0.01)
    cost = Cost()
    pipeline._once(cost, gone, files, programs, 0.01)
    assert "run_gone" in pipeline._cells({}, DOGE, 10, gone, cost)[0]


def test_no_compiler_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(harness.shutil, "which", lambda _: None)
    assert harness.build_floor(tmp_path) == (None, "no C compiler (cc, gcc, clang or $CC)")


def test_controls_change_the_checksum_and_nothing_else(files: Files) -> None:
    for wire, path in (("v2", files.v2), ("v1", files.v1)):
        frames = path.read_text().split("\n")
        falsified = harness.controls(files, wire)
        assert {control["kind"] for control in falsified} >= {"one side", "both sides"}
        for control in falsified:
            right = frames[control["at"]]
            assert control["frame"] != right
            assert sum(a != b for a, b in zip(control["frame"], right, strict=True)) == 1


def test_peers_are_left_out_unless_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(install.VARIABLE, raising=False)
    assert install.find().python is None
    assert "left out" in " ".join(pipeline._notes(install.find()))
    monkeypatch.setenv(install.VARIABLE, sys.executable)
    assert install.find().python == Path(sys.executable).absolute()
    monkeypatch.setenv(install.VARIABLE, "/nowhere/python")
    with pytest.raises(FileNotFoundError, match="no such interpreter"):
        install.find()


def test_a_package_that_does_not_build_costs_its_own_row_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.touch()
    monkeypatch.setattr(install, "_pip", lambda _, what: "ERROR: no wheel" if what.startswith("ccxt") else "")
    first = install.install(tmp_path)
    assert first.failed == {"ccxt==4.5.90": "ERROR: no wheel"}
    assert "Not installed: `ccxt==4.5.90` (ERROR: no wheel)." in pipeline._notes(first)
    asked: list[str] = []
    monkeypatch.setattr(install, "_pip", lambda _, what: asked.append(what) or "")
    assert install.install(tmp_path).failed == {}
    assert asked == ["ccxt==4.5.90"]


@pytest.mark.parametrize(
    ("ours", "textbook", "alarms", "said"),
    [
        ((3.0, 3.6), 30.0, 0, []),
        ((3.0, 6.6), 30.0, 0, ["depth 1000 costs 2.2 times"]),
        ((3.0, 3.6), 5.0, 0, ["only 1.7 times ours", "only 1.4 times ours"]),
        ((3.0, 3.6), 30.0, 2, ["took true messages", "took true messages"]),
    ],
)
def test_only_what_is_far_off_fails(ours: Any, textbook: float, alarms: int, said: list[str]) -> None:
    plan = pipeline._plan(True, with_peers=False)
    costs = {}
    for depth, best in zip((10, 1000), ours, strict=True):
        costs[BTC, depth, OURS] = Cost(passes=[best, best * 9], alarms=alarms)
        costs[BTC, depth, TEXTBOOK] = Cost(passes=[textbook])
    failures = pipeline._failures(plan, costs)
    assert len(failures) == len(said)
    assert all(part in failure for part, failure in zip(said, failures, strict=True))


def test_what_went_wrong_is_said_in_words() -> None:
    found = {"alarms": 2, "messages": 3001, "errors": {"KeyError": 4}, "example": "KeyError: 1", "levels": {}}
    assert pipeline.verdict(found) == "2 of 3,001 right messages taken for wrong; 4 x KeyError (KeyError: 1)"
    found = {"alarms": 0, "messages": 3, "errors": {}, "levels": {"all": 20, "inexact": 1, "missing": 2, "surplus": 3}}
    assert pipeline.verdict(found) == "1 of 20 quantities not exact; 2 of 20 levels missing; 3 of 20 levels too many"
    wrongs = pipeline._wrongs(SESSION, Files(BTC, 10, 3, *[Path()] * 3), {**found, "controls": {"snapshot": [0, 1]}})
    assert len(wrongs) == 2
