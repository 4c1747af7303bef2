"""What the account holds: balances, positions of the session and fees. Pure."""

from __future__ import annotations

from decimal import Decimal

from kraken_tui.market.orders.values import Balance, Position
from kraken_tui.market.orders.worth import worth_of
from kraken_tui.tui.draw.account import block_title, last_price, no_account, sentences
from kraken_tui.tui.draw.account_text import money, plain, verified
from kraken_tui.tui.draw.format import duration
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import Line
from kraken_tui.tui.draw.table import Cells, Column, scrolled, table

_BALANCE_COLUMNS = (
    Column("asset", 0, least=5),
    Column("total", 0, right=True, least=10),
    Column("free", 1, right=True, least=8),
    Column("worth USD", 2, right=True, least=9),
    Column("last entry", 4, least=10, words=True),
)
_POSITION_COLUMNS = (
    Column("pair", 0, least=8),
    Column("net", 0, right=True, least=8),
    Column("average", 3, right=True, least=8),
    Column("unrealised", 1, right=True, least=10),
    Column("realised", 2, right=True, least=8),
    Column("bought", 5, right=True, least=8),
    Column("sold", 5, right=True, least=8),
)


def draw_holdings(picture: Picture, width: int, height: int) -> list[Line]:
    """Draw balances over positions and fees; where there is not room for all, they scroll as one list."""
    account = picture.account
    if account is None:
        return no_account("Balances", width, height)
    title = block_title("Balances", picture, "balances", width)
    body = _balances(picture, width)
    body.append(block_title("Positions", picture, "executions", width))
    body += _positions(picture, width)
    fees = ", ".join(f"{plain(qty)} {asset}" for asset, qty in account.fees) or "none yet"
    body += sentences(f"Fees of the session: {fees}", "text", width)
    shown, first = scrolled(body, height - 1, picture.own.scrolled.get("holdings", 0))
    picture.own.scrolled["holdings"] = first
    return [title, *shown][: max(0, height)]


def _balances(picture: Picture, width: int) -> list[Line]:
    account = picture.account
    assert account is not None
    if not account.balances:
        known = verified(account, "balances")
        return sentences("Nothing is held." if known else "No balance known yet.", "muted", width)
    return table(_BALANCE_COLUMNS, [_balance_cells(each, picture) for each in account.balances], width)


def _worth(balance: Balance, picture: Picture) -> Decimal | None:
    return worth_of([balance], lambda asset: last_price(picture, f"{asset}/USD"))


def _balance_cells(balance: Balance, picture: Picture) -> Cells:
    worth = _worth(balance, picture)
    free = "?" if balance.free is None else plain(balance.free)
    entry = balance.entry
    if balance.entry and balance.amount is not None:
        sign = "+" if balance.amount > 0 else ""
        # Where there is little room the amount is what is kept.
        entry = f"{sign}{plain(balance.amount)} {entry}"
    if balance.entry and balance.ns is not None:
        entry += f", {duration(max(0, picture.account_ns - balance.ns))} ago"
    return (
        (balance.asset, "!text"),
        (plain(balance.total), "text"),
        (free, "text" if balance.free is not None else "muted"),
        ("–" if worth is None else money(worth), "text"),
        (entry or "snapshot", "muted"),
    )


def unrealised(position: Position, price: Decimal | None) -> Decimal | None:
    """Gain of what is open at this price, in quote, without fees; None where it is not known."""
    if not position.qty:
        return Decimal(0)
    if price is None or position.avg_price is None:
        return None
    return (price - position.avg_price) * position.qty


def _positions(picture: Picture, width: int) -> list[Line]:
    account = picture.account
    assert account is not None
    if not account.positions:
        return sentences("Flat: nothing was traded this session.", "muted", width)
    rows = [_position_cells(each, picture) for each in account.positions]
    return table(_POSITION_COLUMNS, rows, width)


def _position_cells(position: Position, picture: Picture) -> Cells:
    gain = unrealised(position, last_price(picture, position.symbol))
    net = plain(position.qty) if position.qty <= 0 else f"+{plain(position.qty)}"
    return (
        (position.symbol, "!text"),
        ("flat" if not position.qty else net, "text"),
        ("–" if position.avg_price is None else _average(position.avg_price), "text"),
        _gain(gain),
        _gain(position.realised),
        (plain(position.bought), "text"),
        (plain(position.sold), "text"),
    )


def _average(price: Decimal) -> str:
    """An average in at most ten significant digits: a division has more than anybody reads."""
    return f"{Decimal(f'{price:.10g}'):,f}"


def _gain(gain: Decimal | None) -> tuple[str, str]:
    if gain is None:
        return "?", "muted"
    text = money(gain)
    return (f"+{text}" if gain > 0 else text), "up" if gain > 0 else "down" if gain < 0 else "text"
