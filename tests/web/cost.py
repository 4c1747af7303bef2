"""What visitors cost: processor and memory of the server and of each of its screens.

    python -m tests.web.cost --visitors 4 --seconds 20 --size 160x48

A page without a browser takes what is drawn, and confirms it as a browser does.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

from websockets.asyncio.client import connect

from tests.web.serving import base_of, children, serving, ticket_of

_TICK = os.sysconf("SC_CLK_TCK")
_SETTLE_S = 8.0


def processor_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def memory_mb(pid: int) -> float:
    """Memory that is this process's own part: what processes share is divided among them."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def resident_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


class Taken:
    """Bytes that a page was sent."""

    count = 0


async def visit(url: str, size: tuple[int, int], taken: Taken, until: asyncio.Event) -> None:
    base = base_of(url)
    ticket = await asyncio.to_thread(ticket_of, url)
    address = f"ws{base[4:]}/visit/{ticket}?width={size[0]}&height={size[1]}"
    async with connect(address, origin=base, max_size=None, compression=None) as socket:  # type: ignore[arg-type]
        over = asyncio.create_task(until.wait())
        while not over.done():
            message = await socket.recv()
            taken.count += len(message)
        over.cancel()


async def measure(visitors: int, seconds: float, size: tuple[int, int], pairs: list[str]) -> None:
    with serving("--demo", "--visitors", str(max(1, visitors)), *pairs) as (server, url):
        taken, until = Taken(), asyncio.Event()
        pages = [asyncio.create_task(visit(url, size, taken, until)) for _ in range(visitors)]
        await asyncio.sleep(_SETTLE_S)
        screens = children(server.pid)
        before, bytes_before = {pid: processor_s(pid) for pid in (server.pid, *screens)}, taken.count
        await asyncio.sleep(seconds)
        used = {pid: (processor_s(pid) - before[pid]) / seconds * 100 for pid in before}
        print(f"{visitors} visitors at {size[0]}x{size[1]}, {' '.join(pairs)}, {seconds:g} s:")
        print(f"  server  {used[server.pid]:5.1f} % of a core  {resident_mb(server.pid):5.0f} MB resident")
        if screens:
            each = [used[pid] for pid in screens]
            resident = [resident_mb(pid) for pid in screens]
            own = [memory_mb(pid) for pid in screens]
            rate = (taken.count - bytes_before) / seconds / visitors / 1000
            print(
                f"  visitor {sum(each) / len(each):5.1f} % of a core  {sum(resident) / len(resident):5.0f} MB resident"
                f" ({sum(own) / len(own):.0f} MB of its own share)  {rate:.0f} kB/s to the browser"
            )
        until.set()
        await asyncio.wait(pages, timeout=5) if pages else None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visitors", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--size", default="160x48")
    parser.add_argument("pairs", nargs="*", default=["BTC/USD", "ETH/USD"])
    given = parser.parse_args()
    columns, rows = map(int, given.size.split("x"))
    asyncio.run(measure(given.visitors, given.seconds, (columns, rows), given.pairs))
    return 0


if __name__ == "__main__":
    sys.exit(main())
