"""`export`: whole recordings against the slow way, read back by what people use, and every refusal."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from zlib import crc32

import pytest

from kraken_tui.cli import main as cli
from kraken_tui.cli.export import Moment, progress_line
from kraken_tui.settings.readers import WrongValue
from tests.outputs.export_rig import PROVEN, RECORDINGS, rows_of, slow_trades, slow_updates

needs_parquet = pytest.mark.skipif(find_spec("pyarrow") is None, reason="needs kraken-tui[parquet]")


def export(*arguments: object) -> int:
    return cli.main(["export", *map(str, arguments)])


def test_every_level_of_a_recording_is_a_row_with_the_exchanges_digits(tmp_path: Path) -> None:
    out = tmp_path / "x.csv"
    assert export(PROVEN, "--output", out) == 0
    rows = rows_of(out)
    wanted = list(slow_updates(PROVEN))
    assert len(rows) == len(wanted) > 6_000
    for row, (symbol, venue, local, snapshot, side, price, amount, checksum) in zip(rows, wanted, strict=True):
        assert (row["exchange"], row["symbol"], row["side"]) == ("kraken", symbol, side)
        assert (int(row["timestamp"]), int(row["local_timestamp"]), int(row["checksum"])) == (venue, local, checksum)
        assert (row["is_snapshot"], row["verified"]) == (str(snapshot).lower(), "true")
        # Not only equal: the same text, as far as the recording writes all decimals.
        assert (Decimal(row["price"]), Decimal(row["amount"])) == (price, amount)


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.name)
def test_a_reader_who_applies_the_rows_has_the_proven_books(path: Path, tmp_path: Path) -> None:
    """Only from the file: levels by the rows, the best `depth` kept, the checksum of the ten best by the row's own."""
    out = tmp_path / "x.csv"
    assert export(path, "--to", "csv", "--output", out) == 0
    books: dict[str, dict[str, dict[str, str]]] = defaultdict(lambda: {"bid": {}, "ask": {}})
    messages: dict[tuple[str, str, str, str, str], list[dict[str, str]]] = {}
    for row in rows_of(out):
        key = (row["symbol"], row["timestamp"], row["local_timestamp"], row["is_snapshot"], row["checksum"])
        messages.setdefault(key, []).append(row)
    proven = 0
    for (symbol, *_, snapshot, checksum), rows in messages.items():
        if snapshot == "true":
            books.pop(symbol, None)
        book = books[symbol]
        for row in rows:
            book[row["side"]][row["price"]] = row["amount"]
        top = []
        for side, sign in (("ask", 1), ("bid", -1)):
            held = {price: amount for price, amount in book[side].items() if Decimal(amount)}
            best = sorted(held, key=lambda price, sign=sign: sign * Decimal(price))[: int(rows[0]["depth"])]  # type: ignore[misc]
            book[side] = {price: held[price] for price in best}
            top += [text for price in best[:10] for text in (price, held[price])]
        if rows[0]["verified"] == "true":
            proven += 1
            digits = "".join(text.replace(".", "").lstrip("0") for text in top)
            assert crc32(digits.encode()) == int(checksum), rows[0]
    assert proven > 50


def test_a_lost_message_leaves_its_book_unproven_until_the_next_snapshot(tmp_path: Path) -> None:
    out = tmp_path / "x.csv"
    assert export(PROVEN.with_name("lost-message.jsonl.gz"), "--output", out) == 0
    rows = rows_of(out)
    doubted = [number for number, row in enumerate(rows) if row["verified"] == "false"]
    assert doubted
    symbol = rows[doubted[0]]["symbol"]
    after = [row for row in rows[doubted[0] :] if row["symbol"] == symbol]
    again = next((number for number, row in enumerate(after) if row["verified"] == "true"), len(after))
    assert again == len(after) or after[again]["is_snapshot"] == "true"


def test_trades_are_told_once_each(tmp_path: Path) -> None:
    for path in (PROVEN, PROVEN.with_name("reconnect.jsonl.gz")):
        out = tmp_path / "x.csv.gz"
        assert export(path, "--shape", "trades", "--output", out) == 0
        found = [
            (row["symbol"], int(row["timestamp"]), int(row["local_timestamp"]), int(row["id"]), row["side"],
             Decimal(row["price"]), Decimal(row["amount"]))
            for row in rows_of(out)
        ]  # fmt: skip
        assert found == list(slow_trades(path))


def test_candles_are_those_of_the_trades(tmp_path: Path) -> None:
    out = tmp_path / "x.csv"
    assert export(PROVEN, "--shape", "candles", "--output", out) == 0
    trades = list(slow_trades(PROVEN))
    last = [row for row in rows_of(out) if row["closed"] == "false"]
    assert last
    for row in last:
        begin = int(row["timestamp"])
        of_it = [each for each in trades if each[0] == row["symbol"] and int(str(each[1])) >= begin]
        prices = [each[5] for each in of_it]
        assert Decimal(row["high"]) >= max(prices)  # type: ignore[type-var]
        assert Decimal(row["low"]) <= min(prices)  # type: ignore[type-var]
        assert Decimal(row["close"]) == prices[-1]
    keys = [(row["symbol"], row["timestamp"]) for row in rows_of(out)]
    assert len(keys) == len(set(keys))


@needs_parquet
@pytest.mark.parametrize("shape", ["updates", "levels", "trades", "candles", "flow"])
def test_parquet_and_csv_hold_the_same_rows(shape: str, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    for kind in ("csv", "parquet"):
        assert export(PROVEN, "--to", kind, "--shape", shape, "--output", tmp_path / f"x.{kind}") == 0
    table = pq.read_table(tmp_path / "x.parquet")
    assert not any(pa.types.is_floating(field.type) for field in table.schema)
    assert json.loads(table.schema.metadata[b"kraken-tui"])["shape"] == shape
    rows = rows_of(tmp_path / "x.csv")
    assert table.column_names == list(rows[0])
    found = table.to_pylist()
    assert len(found) == len(rows)
    for one, other in zip(found, rows, strict=True):
        for name, value in one.items():
            text = other[name]
            if isinstance(value, Decimal):
                assert value == Decimal(text)
            elif name.endswith("timestamp"):
                assert value.timestamp() * 1e6 == pytest.approx(int(text), abs=1)
            else:
                assert ("" if value is None else str(value).lower()) == text.lower()


@needs_parquet
def test_duckdb_reads_both_and_counts_exactly(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed")
    for kind in ("csv", "parquet"):
        assert export(PROVEN, "--to", kind, "--shape", "trades", "--output", tmp_path / f"x.{kind}") == 0
    asked = "SELECT count(*), max(price), sum(amount) FROM '{}' WHERE symbol = 'BTC/USD'"
    trades = [each for each in slow_trades(PROVEN) if each[0] == "BTC/USD"]
    wanted = (len(trades), max(Decimal(str(each[5])) for each in trades), sum(Decimal(str(each[6])) for each in trades))
    assert duckdb.sql(asked.format(tmp_path / "x.parquet")).fetchall() == [wanted]
    ((count, *_),) = duckdb.sql(asked.format(tmp_path / "x.csv")).fetchall()
    assert count == wanted[0]
    ((kind,),) = duckdb.sql(f"SELECT typeof(price * amount) FROM '{tmp_path / 'x.parquet'}' LIMIT 1").fetchall()
    assert kind.startswith("DECIMAL")


@needs_parquet
def test_polars_reads_both_and_sees_the_same(tmp_path: Path) -> None:
    polars = pytest.importorskip("polars", reason="polars is not installed")
    for kind in ("csv", "parquet"):
        assert export(PROVEN, "--to", kind, "--output", tmp_path / f"x.{kind}") == 0
    typed, text = polars.read_parquet(tmp_path / "x.parquet"), polars.read_csv(tmp_path / "x.csv", infer_schema=False)
    assert typed.columns == text.columns
    assert typed.height == text.height > 6_000
    assert typed["price"].to_list() == [Decimal(each) for each in text["price"]]
    assert typed["timestamp"].dt.timestamp("us").to_list() == [int(each) for each in text["timestamp"]]


# -- time, pairs, several files ---------------------------------------------------------------------------------------


def test_a_time_range_begins_with_the_books_as_they_stood(tmp_path: Path) -> None:
    whole, part = tmp_path / "whole.csv", tmp_path / "part.csv"
    assert export(PROVEN, "--output", whole) == 0
    rows = rows_of(whole)
    middle, later = int(rows[-2000]["local_timestamp"]), int(rows[-500]["local_timestamp"])
    begin, until = -(-middle // 1_000_000), later // 1_000_000
    assert begin < until
    assert export(PROVEN, "--from", begin, "--until", until, "--output", part) == 0
    told = rows_of(part)
    inside = [row for row in rows if begin * 1_000_000 <= int(row["local_timestamp"]) < until * 1_000_000]
    assert told[-len(inside) :] == inside
    state = told[: -len(inside)]
    assert {row["local_timestamp"] for row in state} == {str(begin * 1_000_000)}
    assert all(row["is_snapshot"] == "true" and row["verified"] == "true" for row in state)
    assert {row["symbol"] for row in inside} <= {row["symbol"] for row in state}


def test_only_the_named_pairs(tmp_path: Path) -> None:
    out = tmp_path / "x.csv"
    assert export(PROVEN, "--pairs", "xbtusd,ETH/USD", "--output", out) == 0
    assert {row["symbol"] for row in rows_of(out)} == {"BTC/USD", "ETH/USD"}


def test_a_pair_that_the_recording_does_not_hold_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = next(slow_updates(PROVEN))[0]
    assert export(PROVEN, "--pairs", f"{first},FOO/USD", "--output", tmp_path / "x.csv") == 0
    assert capsys.readouterr().err == "kraken-tui: the recording holds no pair 'FOO/USD'\n"
    assert export(PROVEN, "--pairs", "FOO/USD", "--to", "csv", "--output", "-") == 1
    assert capsys.readouterr().err == (
        "kraken-tui: the recording holds no pair 'FOO/USD'\n"
        "kraken-tui: every-depth.jsonl.gz has no rows of the shape updates that match --pairs; only the header was"
        " written\n"
    )


def test_several_files_are_one_table_in_the_order_of_their_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with gzip.open(PROVEN, "rt") as file:
        every = [line for line in file if '"frame"' in line]
    snapshots = [number for number, line in enumerate(every) if '"channel":"book","type":"snapshot"' in line]
    cut = snapshots[-1] + 20
    (tmp_path / "b-first.jsonl").write_text("".join(every[:cut]))
    (tmp_path / "a-second.jsonl").write_text("".join(every[cut:]))
    assert export(tmp_path / "*.jsonl", "--shape", "trades", "--output", tmp_path / "two.csv") == 0
    assert export(PROVEN, "--shape", "trades", "--output", tmp_path / "one.csv") == 0
    assert rows_of(tmp_path / "two.csv") == rows_of(tmp_path / "one.csv")
    # The second half begins in mid-book, and goes on where the first one ends.
    for name, given in (("halves", tmp_path / "*.jsonl"), ("whole", PROVEN)):
        assert export(given, "--output", tmp_path / f"{name}.csv") == 0
    assert rows_of(tmp_path / "halves.csv") == rows_of(tmp_path / "whole.csv")
    # With a hole between them, no book is known until its next snapshot, and the second half has none.
    (tmp_path / "a-second.jsonl").write_text("".join(every[cut + 300 :]))
    assert export(tmp_path / "*.jsonl", "--output", tmp_path / "hole.csv") == 0
    first_half = len(
        [row for row in slow_updates(PROVEN) if int(str(row[2])) <= json.loads(every[cut - 1])["rx_ns"] // 1000]
    )
    assert len(rows_of(tmp_path / "hole.csv")) == first_half
    copy = tmp_path / "copy.jsonl"
    copy.write_text("".join(every[10:cut]))
    capsys.readouterr()
    assert export(tmp_path / "b-first.jsonl", copy, "--output", tmp_path / "never.csv") == 2
    assert "begins before" in capsys.readouterr().err
    assert not list(tmp_path.glob("never*"))


# -- the file ---------------------------------------------------------------------------------------------------------


def test_the_file_is_private_named_by_itself_and_never_replaced_unasked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert export(PROVEN, "--to", "csv", "--shape", "trades") == 0
    assert capsys.readouterr().out.startswith("every-depth.trades.csv: 374 rows of 8 pairs, ")
    assert [path.name for path in tmp_path.iterdir()] == ["every-depth.trades.csv"]
    assert (tmp_path / "every-depth.trades.csv").stat().st_mode & 0o777 == 0o600
    assert export(PROVEN, "--to", "csv", "--shape", "trades") == 2
    assert "is there already; name it with --output to replace it" in capsys.readouterr().err
    (tmp_path / "every-depth.trades.csv").write_text("old")
    assert export(PROVEN, "--shape", "trades", "--output", "every-depth.trades.csv") == 0
    assert len(rows_of(tmp_path / "every-depth.trades.csv")) == 374


def test_a_torn_recording_is_exported_as_far_as_it_is_whole_and_that_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = gzip.decompress(PROVEN.read_bytes())
    torn = tmp_path / "torn.jsonl"
    torn.write_bytes(data[: len(data) * 2 // 3])
    assert export(torn, "--output", tmp_path / "x.csv") == 0
    assert "torn.jsonl: the recording is cut off in line" in capsys.readouterr().err
    rows, whole = rows_of(tmp_path / "x.csv"), list(slow_updates(PROVEN))
    assert 1_000 < len(rows) < len(whole)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "export takes the recordings to read"),
        (["no.jsonl", "--to", "csv"], "there is no recording no.jsonl"),
        (["no-*.jsonl", "--to", "csv"], "no recording matches no-*.jsonl"),
        ([PROVEN], "say which format: --to parquet or --to csv"),
        ([PROVEN, "--to", "xml"], "--to takes one of parquet, csv"),
        ([PROVEN, "--to", "csv", "--shape", "trade"], "takes one of updates, levels, trades, candles, flow; nearest"),
        ([PROVEN, "--to", "csv", "--from", "noon"], "--from takes a time in UTC, such as 2026-11-28T12:00:00"),
        ([PROVEN, "--to", "csv", "--from", "2026-11-28", "--until", "2026-11-27"], "--from must be before --until"),
        ([PROVEN, "--to", "parquet", "--output", "-"], "a Parquet file cannot be written to standard output"),
        ([PROVEN, "--to", "csv", "--levels", "0"], "--levels takes 1 to 1000"),
        ([__file__, "--to", "csv"], "is not a recording"),
        ([".", "--to", "csv"], "kraken-tui: . cannot be read: it is not a regular file"),
        (["/dev/null", "--to", "csv"], "kraken-tui: /dev/null cannot be read: it is not a regular file"),
    ],
)  # fmt: skip
def test_every_refusal_is_one_sentence_and_leaves_no_file(
    arguments: list[object], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert export(*arguments) == 2
    out, said = capsys.readouterr()
    assert out == ""
    assert said.startswith("kraken-tui: ")
    assert sentence in said
    assert said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_nothing_to_export_and_a_place_that_cannot_be_written_are_failures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(PROVEN, "--until", "2020-01-01", "--output", tmp_path / "x.csv") == 1
    sentence = "every-depth.jsonl.gz has no rows of the shape updates that match --until; no file was written"
    assert capsys.readouterr().err == f"kraken-tui: {sentence}\n"
    assert export(PROVEN, "--output", tmp_path / "none" / "x.csv") == 1
    assert "cannot write" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_recording_itself_is_never_the_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "day.csv"
    path.write_bytes(gzip.decompress(PROVEN.read_bytes()))
    before = path.read_bytes()
    assert export(path, "--output", path) == 2
    assert "is the recording itself" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_without_pyarrow_it_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "kraken_tui.outputs.parquet", raising=False)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert export(PROVEN, "--output", tmp_path / "x.parquet") == 2
    assert "needs the package pyarrow; install kraken-tui[parquet]" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.realtime
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_standard_output_a_closed_pipe_and_a_signal(tmp_path: Path) -> None:
    start = [sys.executable, "-m", "kraken_tui", "export"]
    shell = f'"{sys.executable}" -m kraken_tui export {PROVEN} --to csv --output - | head -2; echo "${{PIPESTATUS[0]}}"'
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=False, timeout=60)
    first, second, code = done.stdout.splitlines()
    assert first.startswith("exchange,symbol")
    assert second.startswith("kraken,")
    assert (code, done.stderr) == ("0", "")
    # A long recording: the same hour again and again, each time later.
    with gzip.open(PROVEN, "rt") as file:
        every = [json.loads(line) for line in file if '"frame"' in line]
    span = every[-1]["rx_ns"] - every[0]["rx_ns"] + 10**9
    path = tmp_path / "long.jsonl"
    with path.open("w") as file:
        for turn in range(60):
            file.writelines(json.dumps(line | {"rx_ns": line["rx_ns"] + turn * span}) + "\n" for line in every)
    running = subprocess.Popen([*start, str(path), "--output", str(tmp_path / "x.csv")], stderr=subprocess.PIPE)
    end = time.monotonic() + 20
    while not (tmp_path / "x.csv.part").exists() and time.monotonic() < end:
        time.sleep(0.01)
    time.sleep(0.3)
    running.send_signal(signal.SIGTERM)
    _, said = running.communicate(timeout=20)
    assert (running.returncode, said) == (128 + signal.SIGTERM, b"")
    assert [each.name for each in tmp_path.iterdir()] == ["long.jsonl"]


@pytest.mark.realtime
@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals")
def test_memory_is_bounded_however_long_the_recording(tmp_path: Path) -> None:
    with gzip.open(PROVEN, "rt") as file:
        every = [json.loads(line) for line in file if '"frame"' in line]
    span = every[-1]["rx_ns"] - every[0]["rx_ns"] + 10**9
    peaks = []
    for turns in (10, 60):
        path = tmp_path / f"{turns}.jsonl"
        with path.open("w") as file:
            for turn in range(turns):
                file.writelines(json.dumps(line | {"rx_ns": line["rx_ns"] + turn * span}) + "\n" for line in every)
        code = (
            "import sys, resource; from kraken_tui.cli.main import main; assert main(sys.argv[1:]) == 0;"
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, "export", str(path), "--output", str(tmp_path / "x.csv")],
            capture_output=True, text=True, check=True, timeout=120, env={**os.environ, "PYTHONHASHSEED": "0"},
        )  # fmt: skip
        peaks.append(int(done.stdout.split()[-1]))
    assert peaks[1] < peaks[0] + 20_000, f"KiB {peaks}"


def test_the_bar_says_how_far_how_fast_and_how_long() -> None:
    assert progress_line(0, 0, 0) == "  0% [........................] 0 rows, 0/s"
    assert progress_line(0.25, 250_000, 2.5) == " 25% [######..................] 250,000 rows, 100,000/s  0:08 left"
    assert progress_line(0.5, 1, 7200).endswith("2:00:00 left")
    assert progress_line(1, 10, 5).startswith("100% [########################] 10 rows, 2/s")


def test_times_are_utc_and_exact() -> None:
    read = Moment().text
    assert read("1970-01-02") == 86_400 * 10**9
    assert (
        read("2026-11-28T12:00:00Z")
        == read("2026-11-28T13:00:00+01:00")
        == read("2026-11-28 12:00")
        == 1795867200 * 10**9
    )
    assert read("2026-11-28T12:00:00.123456Z") == 1795867200123456000
    assert read("1795867200") == 1795867200 * 10**9
    for text in ("", "12:00", "1", "yesterday", "9" * 30, "2026-13-01"):
        with pytest.raises(WrongValue, match="takes a time in UTC"):
            read(text)
