"""Record, export to Parquet, and ask duckdb about it. Try: python examples/parquet_duckdb.py --demo"""

import argparse
import tempfile
import time
from pathlib import Path

from kraken_tui import KrakenClient
from kraken_tui.cli.main import main as kraken_tui

try:
    import duckdb
except ImportError:
    raise SystemExit("this needs the package duckdb; pip install duckdb") from None

SPREADS = """
SELECT symbol, count(*) AS books,
       round(avg(20000 * ("asks[0].price" - "bids[0].price") / ("asks[0].price" + "bids[0].price")), 4) AS spread_bps,
       round(avg(("bids[0].amount" - "asks[0].amount") / ("bids[0].amount" + "asks[0].amount")), 3) AS imbalance
FROM '{levels}' WHERE verified GROUP BY ALL ORDER BY ALL
"""
TRADES = """
SELECT symbol, side, count(*) AS trades, sum(amount) AS volume,
       round(sum(price::DOUBLE * amount::DOUBLE) / sum(amount)::DOUBLE, 2) AS vwap
FROM '{trades}' WHERE NOT is_snapshot GROUP BY ALL ORDER BY ALL
"""

options = argparse.ArgumentParser(description=__doc__)
options.add_argument("pairs", nargs="*", default=["BTC/USD", "ETH/USD"])
options.add_argument("--demo", action="store_true", help="use the simulated exchange")
options.add_argument("--seconds", type=float, default=2, help="length of the recording")
chosen = options.parse_args()

with tempfile.TemporaryDirectory() as folder:
    recording = Path(folder) / "day.jsonl"
    with KrakenClient(*chosen.pairs, demo=chosen.demo, record=recording) as client:
        for pair in chosen.pairs:
            client.wait_verified_sync(pair, timeout=30)
        time.sleep(chosen.seconds)
    files = {shape: Path(folder) / f"day.{shape}.parquet" for shape in ("levels", "trades")}
    for shape, file in files.items():
        # As on the command line: kraken-tui export day.jsonl --to parquet --shape levels
        code = kraken_tui(["export", str(recording), "--to", "parquet", "--shape", shape, "--output", str(file)])
        if code:
            raise SystemExit(code)
    for question in (SPREADS, TRADES):
        answer = duckdb.execute(question.format(**files))
        print(*(column[0] for column in answer.description), sep="\t")
        for row in answer.fetchall():
            print(*row, sep="\t")
