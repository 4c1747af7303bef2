"""`stream --level3 --account` against the demo: every line proven from the line alone, by other arithmetic."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zlib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kraken_tui.feed.private.events import Level3Line, LinkChanged
from kraken_tui.market.events import Side
from kraken_tui.market.orders.values import Balance, BalanceChanged, Fill, FillSeen, Order, OrderChanged, Stage
from kraken_tui.outputs.jsonlines import JsonLines
from kraken_tui.wire.symbols import PairSpec

SPEC = PairSpec("BTC/USD", "BTC", "USD", 1, 8)


def crc(line: dict[str, Any]) -> int:
    """The checksum as its documentation says, from a line's texts."""
    text = ""
    for name in ("asks", "bids"):
        prices: list[str] = []
        for price, qty, _ in line[name]:
            if price not in prices:
                prices.append(price)
            if len(prices) > 10:
                break
            text += price.replace(".", "").lstrip("0") + qty.replace(".", "").lstrip("0")
    return zlib.crc32(text.encode())


def stream(tmp_path: Path, *arguments: str, **env: str) -> tuple[int, list[dict[str, Any]], str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KRAKEN")}
    done = subprocess.run(
        [sys.executable, "-m", "kraken_tui", "stream", *arguments],
        capture_output=True, text=True, timeout=60, check=False,
        env={**kept, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "c"), **env},
    )  # fmt: skip
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


@pytest.mark.realtime
def test_every_level3_line_of_the_demo_is_proven_by_itself(tmp_path: Path) -> None:
    code, lines, said = stream(tmp_path, "--demo", "--level3", "--account", "--seconds", "8", "BTC/USD", "ETH/USD")
    assert (code, said) == (0, "")
    books = [line for line in lines if line["event"] == "level3"]
    assert {line["symbol"] for line in books} == {"BTC/USD", "ETH/USD"}
    assert len(books) > 50
    for line in books:
        assert line["verified"]
        assert crc(line) == line["checksum"]
        assert all(len(order[2]) == 19 for order in line["bids"] + line["asks"])
    kinds = {line["event"] for line in lines}
    assert {"book", "order", "balance", "account", "link"} <= kinds
    numbers = [line[name] for line in lines if line["event"] in ("order", "balance") for name in line if name in
               ("qty", "filled", "price", "total")]  # fmt: skip
    assert all(text is None or re.fullmatch(r"-?\d+(\.\d+)?", text) for text in numbers)


@pytest.mark.realtime
def test_without_them_nothing_private_is_told(tmp_path: Path) -> None:
    code, lines, _ = stream(tmp_path, "--demo", "--count", "30", "BTC/USD")
    assert code == 0
    assert not {line["event"] for line in lines} & {"level3", "order", "fill", "balance", "account", "link"}


@pytest.mark.realtime
@pytest.mark.parametrize(
    ("arguments", "env", "words"),
    [
        (("--level3",), {}, "there is no API key"),
        (("--account",), {"KRAKEN_API_KEY": "x" * 56}, "KRAKEN_API_SECRET is not"),
        (("--account", "--kafka", "localhost:1"), {}, "only a live feed or --demo has it"),
        (("--level3", "--level3-depth", "25", "--demo"), {}, "one of 10, 100, 1000"),
        (("--level3", "--level3-url", "ws://example.org/v2"), {}, "level3-url"),
    ],
)
def test_what_cannot_be_followed_is_one_sentence(
    tmp_path: Path, arguments: tuple[str, ...], env: dict[str, str], words: str
) -> None:
    code, lines, said = stream(tmp_path, *arguments, "BTC/USD", **env)
    assert code == 2
    assert not lines
    assert words in said
    assert len(said.splitlines()) == 1


def test_lines_hold_exact_numbers_and_no_control_characters() -> None:
    out: list[bytes] = []
    sink = JsonLines(out=out.append)
    sink.write(
        Level3Line(
            "BTC/USD", "update", True, "", 0, None, 0, SPEC, ((641_600, 5, "O\x1b[31m"),), ((641_601, 1, "A"),), 10
        )
    )
    order = Order(
        "k", Stage.OPEN, order_id="O1", cl_ord_id="\x1b]0;x\x07", symbol="BTC/USD", side=Side.BUY,
        order_qty=Decimal("1E-8"), limit_price=Decimal("64160.9"), changed_ns=1,
    )  # fmt: skip
    sink.write(OrderChanged(order, "new"))
    fill = Fill(
        "T1",
        "O1",
        "BTC/USD",
        Side.BUY,
        Decimal("1E-8"),
        Decimal(5),
        Decimal("5E-8"),
        1,
        fees=(("USD", Decimal("1E-9")),),
    )
    sink.write(FillSeen(fill))
    sink.write(BalanceChanged(Balance("BTC", Decimal("1E+2"))))
    sink.write(LinkChanged(0, "level 3", "COOLDOWN", "HTTP 403", 5.0))
    sink.flush()
    text = b"".join(out).decode()
    assert "\x1b" not in text
    assert "\x07" not in text
    level3, order_line, fill_line, balance, link = map(json.loads, text.splitlines())
    assert level3["bids"] == [["64160.0", "0.00000005", "O\x1b[31m"]]
    assert (order_line["qty"], order_line["avg_price"], order_line["remaining"]) == ("0.00000001", None, "0.00000001")
    assert (fill_line["qty"], fill_line["fees"], fill_line["maker"]) == ("0.00000001", [["USD", "0.000000001"]], None)
    assert (balance["total"], balance["free"]) == ("100", None)
    assert link["link"] == "level 3"


@pytest.mark.realtime
def test_a_key_that_is_refused_is_said_at_once_and_the_books_go_on(tmp_path: Path) -> None:
    from kraken_tui.exchange import ExchangeThread
    from kraken_tui.exchange.keys import KEYS

    key = KEYS["withdraw"]
    with ExchangeThread(seed=1, profile="calm", account="still") as there:
        addresses = ("--url", there.ws_url, "--rest-url", there.rest_url, "--account-url", there.auth_url)
        code, lines, said = stream(
            tmp_path, "--account", *addresses, "--seconds", "5", "BTC/USD",
            KRAKEN_API_KEY=key.key, KRAKEN_API_SECRET=key.secret,
        )  # fmt: skip
    assert code == 1
    assert "may withdraw money" in said
    assert len(said.splitlines()) == 1
    assert {"book"} <= {line["event"] for line in lines}
    assert not {line["event"] for line in lines} & {"order", "balance"}
    assert key.secret not in said
    assert key.key not in said
