"""Feeds a file of frames to one client and says how long it took, or whether its book and its alarms were right.

Started as `python run_NAME.py JOB`, JOB being JSON as made by `harness.job`; prints one line of JSON. Standard
library only: this runs under the interpreter of the client's own environment.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

Level = tuple[Any, Any]
"""(price, quantity) as the client keeps them; compared by their shortest decimal text."""

LOOK_EVERY = 64
"""Messages between two looks at the clock of a pass, so that a slow client ends in time."""


class Client:
    """What a runner must give.

    Attributes:
        alarms: Wrong checksums the client has noticed so far.
        alarm_types: Names of exceptions that mean a wrong checksum.
        text: Whether its WebSocket library hands it `str`; the decoding of UTF-8 is then not timed.
        waits: Whether `feed` is a coroutine.
    """

    alarms = 0
    alarm_types: tuple[str, ...] = ()
    text = True
    waits = False

    def __init__(self, job: dict[str, Any]) -> None:
        self.job = job

    def feed(self, frame: Any) -> Any:
        """Take one frame as it comes from the socket."""
        raise NotImplementedError

    def book(self) -> tuple[Iterable[Level], Iterable[Level]]:
        """Bids and asks, best first."""
        raise NotImplementedError


Make = Callable[[dict[str, Any]], Client]


async def _timed_pass(client: Client, frames: list[Any], budget_s: float) -> tuple[int, float]:
    """(messages, seconds of processor time) of feeding all frames, or as many as fit into the budget.

    Processor time, since on a shared machine the wall clock also counts what others do.
    """
    clock, feed, done = time.process_time, client.feed, 0
    await _fed(client, frames[0])
    start = clock()
    end = start + budget_s
    for first in range(1, len(frames), LOOK_EVERY):
        some = frames[first : first + LOOK_EVERY]
        if client.waits:
            for frame in some:
                await feed(frame)
        else:
            for frame in some:
                feed(frame)
        done += len(some)
        if clock() > end:
            break
    return done, clock() - start


async def _fed(client: Client, frame: Any) -> None:
    result = client.feed(frame)
    if client.waits:
        await result


async def _latencies(client: Client, frames: list[Any], budget_s: float) -> list[int]:
    """Nanoseconds of each message, sorted; about 50 of each are the timer's."""
    clock, feed, found = time.perf_counter_ns, client.feed, []
    await _fed(client, frames[0])
    end = clock() + round(budget_s * 1e9)
    for frame in frames[1:]:
        start = clock()
        if client.waits:
            await feed(frame)
        else:
            feed(frame)
        stop = clock()
        found.append(stop - start)
        if stop > end:
            break
    return sorted(found)


async def measure(make: Make, job: dict[str, Any], frames: list[Any]) -> dict[str, Any]:
    """Passes over the stream, each with a new client, until the budget is spent; then the latencies."""
    budget, passes, most, alarms = job["budget_s"], [], 0, 0
    started = time.perf_counter()
    while not passes or time.perf_counter() - started < budget:
        client = make(job)
        done, seconds = await _timed_pass(client, frames, budget)
        passes.append(seconds / done * 1e6)
        most, alarms = max(most, done), client.alarms
    found = await _latencies(make(job), frames, budget)
    tails = {f"p{part}": found[min(len(found) - 1, len(found) * part // 100)] / 1e3 for part in (50, 99)}
    return {"passes": passes, "messages": most, "alarms": alarms, **tails}


async def check(
    make: Make, job: dict[str, Any], frames: list[Any], truth: dict[str, dict[str, list[list[int]]]]
) -> dict[str, Any]:
    """Feed a true stream: every alarm and every exception is an error, and so is every level that differs."""
    client, errors, example, alarms_at = make(job), Counter(), "", []
    wrong: Counter[str] = Counter()
    for number, frame in enumerate(frames):
        before = client.alarms
        try:
            await _fed(client, frame)
        except Exception as error:
            kind = type(error).__name__
            if kind in client.alarm_types:
                client.alarms += 1
            else:
                errors[kind] += 1
                example = example or f"{kind}: {error}"[:120]
        if client.alarms > before:
            alarms_at.append(number)
        if str(number) in truth:
            wrong.update(_compare(client, truth[str(number)], job))
    return {
        "messages": len(frames),
        "alarms": len(alarms_at),
        "errors": dict(errors),
        "example": example,
        "levels": dict(wrong),
    }


def _compare(client: Client, truth: dict[str, list[list[int]]], job: dict[str, Any]) -> Counter[str]:
    """Counts of true levels ("all"), of those whose quantity differs, and of missing and of surplus ones."""
    found: Counter[str] = Counter()
    try:
        sides = dict(zip(("bids", "asks"), client.book(), strict=True))
    except Exception:
        sides = {"bids": [], "asks": []}
    for name, levels in truth.items():
        has = {Decimal(str(price)): Decimal(str(qty)) for price, qty in sides[name]}
        found["all"] += len(levels)
        for ticks, lots in levels:
            price, qty = Decimal(ticks).scaleb(-job["price_decimals"]), Decimal(lots).scaleb(-job["qty_decimals"])
            kept = has.pop(price, None)
            found["missing"] += kept is None
            found["inexact"] += kept is not None and kept != qty
        found["surplus"] += len(has)
    return found


async def tamper(make: Make, job: dict[str, Any], frames: list[Any]) -> dict[str, list[int]]:
    """Per kind of message [noticed, tried]: a new client each time, right frames, then one with a wrong checksum."""
    found: dict[str, list[int]] = {}
    for control in job["controls"]:
        client = make(job)
        noticed = False
        try:
            for frame in frames[: control["at"]]:
                await _fed(client, frame)
            client.alarms = 0
            await _fed(client, control["frame"] if client.text else control["frame"].encode())
            noticed = client.alarms > 0
        except Exception as error:
            noticed = type(error).__name__ in client.alarm_types
        counts = found.setdefault(control["kind"], [0, 0])
        counts[0] += noticed
        counts[1] += 1
    return found


def main(make: Make, version: Callable[[], str]) -> None:
    """Do the job of the command line.

    Args:
        make: Makes a new client.
        version: What the table calls the version of what is driven.
    """
    job = json.loads(sys.argv[1])
    raw = Path(job["frames"]).read_bytes().split(b"\n")
    truth = json.loads(Path(job["truth"]).read_text(encoding="utf-8"))

    async def run() -> dict[str, Any]:
        # Some clients can only be made inside a running loop.
        frames: list[Any] = [frame.decode() for frame in raw] if make(job).text else raw
        found: dict[str, Any] = {"version": version()}
        if job["mode"] == "measure":
            found.update(await measure(make, job, frames))
        elif job["mode"] == "count":
            client = make(job)
            await _timed_pass(client, frames[: job["messages"]], float("inf"))
            found["alarms"] = client.alarms
        else:
            found.update(await check(make, job, frames, truth))
            found["controls"] = await tamper(make, job, frames)
        return found

    print("\n" + json.dumps(asyncio.run(run())))
