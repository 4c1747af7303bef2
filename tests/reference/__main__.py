"""Write the committed recordings: `python -m tests.reference`."""

from __future__ import annotations

import gzip

from tests.reference.session import FOLDER, RECORDINGS, packed

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, make in RECORDINGS.items():
        session = make()
        (FOLDER / f"{name}.jsonl.gz").write_bytes(packed(session))
        size = len(gzip.compress("".join(session.lines).encode()))
        print(f"{name}: {len(session.lines)} lines, {size} bytes")
