"""Record raw frames, say how it goes, then prove every book again. Try: python examples/recorder.py --demo"""

import argparse
import tempfile
import time
from pathlib import Path

from kraken_tui import BookLine, KrakenClient

options = argparse.ArgumentParser(description=__doc__)
options.add_argument("pairs", nargs="*", default=["BTC/USD", "ETH/USD"])
options.add_argument("--demo", action="store_true", help="use the simulated exchange")
options.add_argument("--seconds", type=float, default=2, help="length of the recording")
options.add_argument("--file", type=Path, help="where to (.jsonl, .jsonl.gz or .jsonl.zst); default: a temporary one")
chosen = options.parse_args()

with tempfile.TemporaryDirectory() as folder:
    file = chosen.file or Path(folder) / "day.jsonl.gz"
    with KrakenClient(*chosen.pairs, demo=chosen.demo, record=file) as client:
        for pair in chosen.pairs:
            client.wait_verified_sync(pair, timeout=30)
        until = time.monotonic() + chosen.seconds
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(1, left))
            if recording := client.recording:
                trouble = recording.problem or (f"{recording.dropped} frames lost" if recording.dropped else "")
                print(f"{recording.frames} frames, {recording.bytes} bytes {trouble}".rstrip())

    books = proven = 0
    with KrakenClient(*chosen.pairs, replay=file) as client:
        for line in client.events(BookLine):
            books += 1
            proven += line.verified and line.own_checksum() == line.checksum
    print(f"{file.name}: {books} books, {proven} of them proven")
