"""Errors nobody expected: one sentence for the user, and a report in a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from kraken_tui.cli import crash, plot
from kraken_tui.cli import main as cli


def test_an_internal_error_is_one_sentence_and_a_report(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*_: object) -> int:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(plot, "COMMAND", plot.COMMAND._replace(run=fail))
    assert cli.main(["plot", "BTC/USD"]) == 70
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    said = err.removeprefix("kraken-tui: ").rstrip("\n")
    assert said.startswith("internal error (ZeroDivisionError); the report is in ")
    path = Path(said.partition(" is in ")[2])
    assert path.is_relative_to(tmp_path)
    assert "secret detail" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_report_goes_to_the_log_where_there_is_one(tmp_path: Path) -> None:
    log = tmp_path / "my.log"
    log.write_text("earlier\n")
    assert crash.report(ValueError("x"), log) == f"internal error (ValueError); the report is in {log}"
    assert log.read_text().startswith("earlier\n")
    assert "ValueError: x" in log.read_text()


def test_old_reports_are_dropped_when_there_are_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "crash.log"
    monkeypatch.setattr(crash, "_default_path", lambda: path)
    path.write_bytes(b"x" * (crash.MAX_REPORTS_BYTES + 1))
    crash.report(ValueError("new"))
    assert path.stat().st_size < 10_000


def test_a_traceback_is_printed_only_on_demand(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    crash.report(ValueError("x"), tmp_path / "log")
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("KRAKEN_TUI_TRACEBACK", "1")
    crash.report(ValueError("x"), tmp_path / "log")
    assert "ValueError: x" in capsys.readouterr().err


def test_a_report_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = crash.report(ValueError("x"), tmp_path / "file" / "log")
    assert said.startswith("internal error (ValueError), and its report could not be written")
