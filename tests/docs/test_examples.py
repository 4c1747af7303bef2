"""Every program of examples/ runs as it stands against the simulated exchange, is short, and is listed."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.docs import notebook

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "examples"
PRICE = r" +[\d.]+"


class Example(NamedTuple):
    """One program: what it is called with, what it prints, what it needs, and whether it wants a process of its own."""

    arguments: list[str]
    expected: str
    needs: tuple[str, ...] = ()
    alone: bool = False


PROGRAMS = {
    "watch": Example(["BTC/USD", "--count", "3"], rf"(BTC/USD{PRICE}{PRICE}\n){{3}}"),
    "alerts": Example(
        ["BTC/USD", "--seconds", "1.5", "--spread", "0.001"],
        r"(BTC/USD    \S.*\n)*BTC/USD    spread [\d.]+ bps\n(BTC/USD    \S.*\n)*",
    ),
    "arbitrage": Example(
        ["--seconds", "0.5"],
        r"(\w+ > .*now\n)*best of each round trip, after fees:\n"
        r"((USD|EUR) > (BTC > ETH|ETH > BTC) > (USD|EUR) .* bps\n){4}",
    ),
    "recorder": Example(
        ["BTC/USD", "--seconds", "0.2"],
        r"(\d+ frames, \d+ bytes\n)+day\.jsonl\.gz: (\d+) books, \2 of them proven\n",
    ),
    "candles_to_frame": Example(
        ["BTC/USD"],
        r"shape: \(3, 5\)\n(.*\n)+(│ BTC/USD ┆ 2\d{3}-[\d: -]+ UTC ┆ [\d.]+ +┆ [\d.]+ +┆ \d+ +│\n){3}.*\n",
        ("polars",),
    ),
    "sync_loop": Example(
        ["BTC/USD", "--every", "0.1"],
        rf"(BTC/USD ({PRICE}{PRICE} imbalance [+-][\d.]+|.*not to be trusted now)\n){{3}}",
    ),
    "two_clients": Example(
        ["BTC/USD", "--count", "1"],
        r"(BTC/USD +\d+ (buy |sell).* by (one|two)\n)+\d+ trades: .*; one SUBSCRIBED, two SUBSCRIBED\n",
    ),
    "kafka_consumer": Example(
        ["BTC/USD", "--count", "4", "--topics", "kraken.book"],
        rf"(BTC/USD +book {PRICE}{PRICE} (proven|UNPROVEN)\n){{4}}4 lines, 0 lost\n",
        ("confluent_kafka",),
    ),
    "parquet_duckdb": Example(
        ["BTC/USD", "--seconds", "1"],
        r"(\S+day\.(levels|trades)\.parquet: \d+ rows of 1 pair, .*\n){2}"
        r"symbol\tbooks\tspread_bps\timbalance\nBTC/USD\t\d+\t[\d.]+\t-?[\d.]+\n"
        r"symbol\tside\ttrades\tvolume\tvwap\n(BTC/USD\t(buy|sell)\t\d+\t[\d.]+\t[\d.]+\n)*",
        ("duckdb", "pyarrow"),
    ),
    "own_sink": Example(["BTC/USD", "--seconds", "1"], r"[1-9]\d* rows in :memory:\n", alone=True),
    "own_pane": Example(
        ["BTC/USD"], r"Cost to take: [\d,]{5,} bytes of picture in pane\.svg\n", alone=True
    ),
    "trades_to_csv": Example(
        ["--count", "2"], r"timestamp,symbol,side,price,qty,trade_id\n(\S+,BTC/USD,(buy|sell),.*\n){2}"
    ),
    "watch_health": Example(
        ["BTC/USD", "--seconds", "0.5"],
        r"connection CONN(.*\n)+BTC/USD book LIVE, VERIFIED(.*\n)+",
    ),
    "many_pairs": Example(["BTC/USD", "ETH/USD"], r"(\w+/USD +[\d.]+ bps\n){2}"),
}  # fmt: skip


def test_every_example_is_run_here_and_stays_short() -> None:
    assert {path.stem for path in FOLDER.glob("*.py")} == PROGRAMS.keys()
    assert [path.name for path in FOLDER.glob("*.ipynb")] == ["notebook.ipynb"]
    for path in FOLDER.glob("*.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 120, path.name


def test_every_example_is_listed_in_the_library_page() -> None:
    page = (ROOT / "docs" / "LIBRARY.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[(\w+\.\w+)\]\(\.\./examples/\1\) \|", page, re.MULTILINE)
    assert sorted(rows) == sorted(path.name for path in FOLDER.iterdir() if path.suffix in (".py", ".ipynb"))
    assert "(docs/LIBRARY.md#examples)" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert "\n## Examples\n" in page


def lacking(example: Example) -> list[str]:
    return [name for name in example.needs if find_spec(name) is None]


@pytest.mark.realtime
@pytest.mark.parametrize("name", PROGRAMS)
def test_an_example_runs_as_it_stands(
    name: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    example = PROGRAMS[name]
    if missing := lacking(example):
        pytest.skip(f"{', '.join(missing)} is not installed")
    command = [f"{name}.py", *example.arguments, "--demo"]
    if example.alone:
        # It changes the program's own tables.
        program = [sys.executable, "-W", "error", *command]
        done = subprocess.run(program, cwd=FOLDER, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert re.fullmatch(example.expected, done.stdout), done.stdout
        return
    monkeypatch.setattr(sys, "argv", command)
    runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")
    said = capfd.readouterr()
    assert re.fullmatch(example.expected, said.out.replace("\r\n", "\n")), said.out
    assert said.err == ""


@pytest.mark.parametrize(
    ("name", "module", "sentence"),
    [
        ("kafka_consumer", "confluent_kafka", "needs the package confluent-kafka; pip install 'kraken-tui[kafka]'"),
        ("parquet_duckdb", "duckdb", "needs the package duckdb; pip install duckdb"),
    ],
)
def test_what_is_not_installed_is_one_sentence(
    name: str, module: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setattr(sys, "argv", [f"{name}.py", "--demo"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")
    assert str(ended.value) == f"this {sentence}"


@pytest.mark.realtime
def test_the_notebook_runs_cell_by_cell(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pandas", reason="pandas is not installed")
    notebook.run(FOLDER / "notebook.ipynb")
    said = capsys.readouterr()
    for words in ("return_bps", "BTC/USD proven", "slippage_bps", "begin_time"):
        assert words in said.out
    assert "Empty DataFrame" not in said.out
    assert said.err == ""


def test_the_notebook_holds_no_results() -> None:
    """Outputs of a run are of no use to the next reader, and make every change of it unreadable."""
    text = (FOLDER / "notebook.ipynb").read_text(encoding="utf-8")
    assert (
        text.count('"outputs": []')
        == text.count('"execution_count": null')
        == len(notebook.code_cells(FOLDER / "notebook.ipynb"))
    )
