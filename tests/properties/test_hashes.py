"""One file or one seed, one state: in small what `python -m tests.rig.hashes` does with a thousand (P18)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from kraken_tui.cli import main as cli
from tests.rig import chaos, hashes
from tests.rig.hashes import Played, Run, compare, over_all, play, record


@pytest.mark.realtime
def test_two_processes_in_different_surroundings_agree(capsys: pytest.CaptureFixture[str]) -> None:
    """Hash seed, time zone and language differ; two of these seeds hold faults."""
    assert hashes.main(["--count", "3"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("3 of 3 seeds gave the same frames and the same state hash in 2 runs:")
    assert "faults found in 2 of the recordings" in out


def test_a_seed_gives_one_recording_and_another_seed_another(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("first.jsonl", "again.jsonl", "other.jsonl")]
    for path, seed in zip(paths, (1, 1, 2), strict=True):
        record(seed, path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    first, again, other = (play(1, path) for path in paths)
    assert first == again
    assert first.frames > 50
    assert (first.content, first.state) != (other.content, other.state)


def test_differences_are_told_and_change_the_hash_over_all() -> None:
    true = [Played(seed, f"content {seed}", f"state {seed}", 10, 0) for seed in range(3)]
    made = [one.content for one in true]
    run = Run("3.11.7", true, made)
    assert compare([run, run]) == []
    state = Run("3.12.1", [true[0], replace(true[1], state="another"), true[2]], made)
    frames = Run("3.13.0", true, [*made[:2], "others"])
    assert compare([run, state, frames]) == [
        "seed 1: another state on Python 3.12.1",
        "seed 2: other frames on Python 3.13.0",
    ]
    assert over_all(state.results) != over_all(true)


@pytest.mark.realtime
def test_a_worker_that_fails_is_heard(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho no such module >&2\nexit 3\n")
    python.chmod(0o700)
    with pytest.raises(RuntimeError, match="no such module"):
        hashes.start(str(python), {}, range(1), tmp_path)


def test_a_seed_of_the_fault_schedules_becomes_a_recording(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Playing it with a recorder changes nothing, and the file tells what the client was given."""
    path = tmp_path / "seed.jsonl"
    result = chaos.play(36, path)
    assert result == chaos.play(36)
    assert not result.failure
    played = play(36, path)
    assert played.frames == result.frames
    assert played.faults
    assert cli.main(["doctor", "--recording", str(path), "--until-fault"]) == 1
    assert "FAULT trade gap: line " in capsys.readouterr().out
