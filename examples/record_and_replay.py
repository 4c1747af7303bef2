"""Record raw frames, then prove every book of the recording again. Try: python examples/record_and_replay.py --demo"""

import argparse
import tempfile
import time
from pathlib import Path

from kraken_tui import BookLine, KrakenClient

options = argparse.ArgumentParser(description=__doc__)
options.add_argument("pairs", nargs="*", default=["BTC/USD"])
options.add_argument("--demo", action="store_true", help="use the simulated exchange")
options.add_argument("--seconds", type=float, default=2, help="length of the recording")
chosen = options.parse_args()

with tempfile.TemporaryDirectory() as folder:
    file = Path(folder) / "day.jsonl.gz"
    with KrakenClient(*chosen.pairs, demo=chosen.demo, record=file) as client:
        for pair in chosen.pairs:
            client.wait_verified_sync(pair, timeout=30)
        time.sleep(chosen.seconds)

    books = proven = 0
    with KrakenClient(*chosen.pairs, replay=file) as client:
        for line in client.events(BookLine):
            books += 1
            proven += line.verified and line.own_checksum() == line.checksum
    print(f"{file.name}: {books} books, {proven} of them proven")
