"""`python -m kraken_tui.exchange`: the local exchange by itself, for any client."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import Sequence

from kraken_tui.exchange.profiles import PROFILES
from kraken_tui.exchange.server import Exchange


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m kraken_tui.exchange", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, default=8899, help="port; 0 takes a free one (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="decides the markets (default %(default)s)")
    parser.add_argument("--rate", type=float, default=1.0, help="multiple of the usual message rates")
    parser.add_argument("--pair", action="append", metavar="SYMBOL", help="offer only these; may be repeated")
    parser.add_argument("--profile", choices=sorted(PROFILES), default="lively", help="temper (default %(default)s)")
    parser.add_argument("--episodes", action="store_true", help="every few minutes show a trouble of a feed")
    parser.add_argument("--account", choices=("demo", "still"), default="", help="orders of its own, or only money")
    return parser.parse_args(argv)


async def _run(exchange: Exchange) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)
    async with exchange:
        print(f"{exchange.ws_url}\n{exchange.rest_url}/0/public/", flush=True)  # noqa: T201
        await stop.wait()


def main(argv: Sequence[str] | None = None) -> int:
    """Run until interrupted.

    Args:
        argv: arguments without the program's name; None for the process's own.

    Returns:
        Exit code: 0 after an interrupt, 1 when the port cannot be had, 2 for wrong arguments.
    """
    arguments = _arguments(argv)
    try:
        exchange = Exchange(
            seed=arguments.seed,
            pairs=arguments.pair,
            rate=arguments.rate,
            host=arguments.host,
            port=arguments.port,
            profile=arguments.profile,
            episodes=arguments.episodes,
            account=arguments.account,
        )
    except ValueError as error:
        sys.stderr.write(f"{ascii(str(error))[1:-1]}\n")
        return 2
    try:
        asyncio.run(_run(exchange))
    except OSError as error:
        sys.stderr.write(f"cannot listen: {ascii(str(error))[1:-1]}\n")
        return 1
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
