"""The account's page: what it is and how far it can be trusted, the open orders, the trades of the session. Pure."""

from __future__ import annotations

import textwrap
from decimal import Decimal
from typing import TYPE_CHECKING

from kraken_tui.market.events import Side
from kraken_tui.market.orders.values import DONE, Fill, Order, Stage
from kraken_tui.market.orders.worth import valued
from kraken_tui.tui.draw.account_text import (
    money,
    plain,
    play_badge,
    trading_badge,
    trust_note,
    verified,
)
from kraken_tui.tui.draw.format import clock, duration
from kraken_tui.tui.draw.own import OwnOrder, Standing, ahead_text, own_orders, standing_of
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import Line, Run, fit_fields, in_cells, join_fields, shorten, width_of
from kraken_tui.tui.draw.table import Cells, Column, scrolled, table
from kraken_tui.words import NO_ACCOUNT, counted

if TYPE_CHECKING:
    from kraken_tui.market.private_views import AccountView, LinkView

SORTS = ("newest", "price", "pair")
"""Orders of the open orders: the newest change first, the highest price first, by pair and price."""

_IN_ORDER = frozenset({"SUBSCRIBED", "LIVE"})

_STATES = {
    Standing.WORKING: ("● working", "ok"),
    Standing.AMENDING: ("● amend sent", "warn"),
    Standing.STOP: ("T waits", "text"),
    Standing.PENDING: ("○ pending", "warn"),
    Standing.CANCELLING: ("/ cancel sent", "warn"),
    Standing.DOUBTED: ("? not verified", "warn"),
}
_ENDS = {
    Stage.FILLED: ("✓ filled", "ok"),
    Stage.CANCELED: ("✗ cancelled", "muted"),
    Stage.EXPIRED: ("✗ expired", "muted"),
    Stage.REFUSED: ("✗ refused", "bad"),
    Stage.VALIDATED: ("✓ valid, not sent", "mode"),
}


# --- titles, and pages without an account -----------------------------------------------------------------------


def block_title(name: str, picture: Picture, channel: str, width: int, *, extra: str = "") -> Line:
    """Title of a block: what it is, PLAY for play money, and how far it can be trusted."""
    account = picture.account
    if account is None:
        return _title(name, (), "", "muted", width)
    note, role = trust_note(account, channel)
    if picture.in_past:
        note, role = f"now, not HISTORY: {note}", "mode" if role == "muted" else role
    # Where it is narrow the mark alone says that it is verified; that it is not is always said in words.
    short = note.replace("✓ verified, ", "✓ ")
    for words in (f"{extra} · {note}" if extra else note, note, short, note.partition(",")[0]):
        badge = play_badge(account, short=True)
        if len(name) + width_of(badge) + len(words) + 8 <= width:
            return _title(name, badge, words, role, width)
    return _title(name, play_badge(account, short=True), note, role, width)


def _title(name: str, badge: Line, note: str, role: str, width: int) -> Line:
    head: Line = (("─ ", "rule"), (name, "title"), (" ", "rule"), *badge)
    note = shorten(note, width - width_of(head) - 6)
    tail = f" {note} " if note else ""
    rule = max(0, width - width_of(head) - len(tail) - 1)
    return (*head, (" " if badge else "", "rule"), ("─" * (rule + (not badge)), "rule"), (tail, role))


def no_account(name: str, width: int, height: int) -> list[Line]:
    """A block where no account is followed: how to have one."""
    return [_title(name, (), "", "muted", width), *sentences(NO_ACCOUNT, "muted", width)][: max(0, height)]


def sentences(text: str, key: str, width: int) -> list[Line]:
    """A sentence on as many rows as it needs."""
    return [((f" {in_cells(row)}", key),) for row in textwrap.wrap(text, max(10, width - 2))]


# --- the account itself -----------------------------------------------------------------------------------------


def draw_account(picture: Picture, width: int, height: int) -> list[Line]:
    """Draw key, worth, links, trading, and what the user should know of them.

    Args:
        picture: What to draw.
        width, height: Cells; three rows are all it needs while nothing is wrong.
    """
    account = picture.account
    if account is None:
        return no_account("Account", width, height)
    lines = [_account_title(picture, account, width)]
    if account.problem:
        lines += sentences(f"✗ {account.problem}", "bad", width)
    links = [(1, _link(link, width)) for link in account.links]
    if links:
        lines.append(((" ", "text"), *join_fields(fit_fields(links, width - 2))))
    if account.trading is not None:
        lines.append(((" ", "text"), *trading_badge(account.trading, short=width < 80)))
    lines += [line for warning in account.warnings for line in sentences(f"! {warning}", "warn", width)]
    if len(lines) > height and height > 1:
        left = len(lines) - height + 1
        lines = [*lines[: height - 1], ((f" … {counted(left, 'more row')}: this pane alone shows all", "muted"),)]
    return lines[: max(0, height)]


def _account_title(picture: Picture, account: AccountView, width: int) -> Line:
    if account.silent_ns:
        return _title("Account", play_badge(account), "? engine silent", "bad", width)
    name, badge = f"Account {shorten(account.key, 24)}".rstrip(), play_badge(account)
    room = width - len(name) - width_of(badge) - 9
    worth = next((text for text in worth_texts(picture) if len(text) <= room), "")
    return _title(name, badge, worth, "text", width)


def last_price(picture: Picture, symbol: str) -> Decimal | None:
    """The last price of a pair of the tabs; None where it is not on screen, not known or stale."""
    for tab in picture.feed.tabs:
        if tab.symbol == symbol and tab.last is not None and not tab.stale:
            return Decimal(tab.last).scaleb(-tab.price_precision)
    return None


def worth_texts(picture: Picture) -> list[str]:
    """What is said of the account's worth, the longest first: what the balances below it add up to.

    Assets without a known price are counted, and what the others are worth is then the least there can be.
    """
    account = picture.account
    if account is None or not verified(account, "balances"):
        return ["worth unknown"]
    priced, unpriced = valued(account.balances, lambda asset: last_price(picture, f"{asset}/USD"))
    if priced is None:
        return ["worth unknown"]
    if not unpriced:
        return [f"worth {money(priced)} USD", f"{money(priced)} USD"]
    left = [balance for balance in account.balances if balance.asset in unpriced]
    # What is owed may be worth any amount less.
    least = "" if any(balance.total < 0 for balance in left) else "≥ "
    held = sum(bool(balance.total) for balance in account.balances)
    amount, count = f"{least}{money(priced)} USD", len(unpriced)
    names = ", ".join(map(in_cells, unpriced))
    have = "has" if count == 1 else "have"
    return [
        f"worth {amount}: {count} of {counted(held, 'asset')} {have} no known price ({names})",
        f"worth {amount}, {count} of {counted(held, 'asset')} not priced",
        f"{amount}, {count} not priced",
    ]


def _link(link: LinkView, width: int) -> tuple[Run, ...]:
    """State of one private connection, told by mark and word."""
    fine = link.state in _IN_ORDER and not link.stopped
    glyph, role = ("●", "ok") if fine else ("○", "bad") if link.stopped else ("◐", "warn")
    runs: tuple[Run, ...] = ((f"{link.name} ", "muted"), (f"{glyph} ", role), (link.state, "text" if fine else role))
    if fine:
        if link.heard_age_ns is not None:
            runs += ((f" heard {duration(link.heard_age_ns)} ago", "muted"),)
    else:
        if link.cause:
            runs += ((f": {shorten(link.cause, max(16, width // 2 - 30))}", role),)
        if link.stopped:
            runs += ((" stopped: mend it, then restart", "bad"),)
        elif link.retry_in_s is not None:
            runs += ((f" next try in {link.retry_in_s:.0f} s", "muted"),)
    if link.reconnects and width >= 120:
        runs += ((f" {counted(link.reconnects, 'reconnect')}", "muted"),)
    return runs


# --- open orders ------------------------------------------------------------------------------------------------

_ORDER_COLUMNS = (
    Column("state", 0, least=14),
    Column("side", 0, least=4),
    Column("type", 2, least=6),
    Column("pair", 1, least=8),
    Column("price", 0, right=True, least=8),
    Column("left / total", 0, right=True, least=12),
    Column("filled", 5, right=True, least=6),
    Column("average", 8, right=True, least=8),
    Column("ahead", 1, least=9),
    Column("changed", 4, right=True, least=7),
    Column("note", 6, least=10, words=True),
)


def sorted_orders(account: AccountView, sort: str) -> list[Order]:
    """Orders as they are listed: those that may still trade first, then those that ended lately.

    Args:
        account: With its orders, newest change first.
        sort: One of `SORTS`.
    """
    orders = list(account.orders)
    if sort == "price":
        orders.sort(key=lambda order: -(_price(order) or Decimal(0)))
    elif sort == "pair":
        orders.sort(key=lambda order: (order.symbol or "~", -(_price(order) or Decimal(0))))
    orders.sort(key=lambda order: order.stage in DONE)
    return orders


def _price(order: Order) -> Decimal | None:
    return order.trigger_price if order.untriggered else order.limit_price


def draw_orders(picture: Picture, width: int, height: int) -> list[Line]:
    """Draw the open orders and those that ended lately, the cursor on one of them."""
    account = picture.account
    if account is None:
        return no_account("Orders", width, height)
    orders = sorted_orders(account, picture.own.sort)
    count = sum(order.stage not in DONE for order in orders)
    title = block_title(f"Orders {count} open", picture, "executions", width, extra=f"by {picture.own.sort}")
    if not orders:
        known = verified(account, "executions")
        return [title, *sentences("No open orders." if known else "No orders known yet.", "muted", width)][:height]
    mine = {own.key: own for own in own_orders(picture)}
    rows = [_order_cells(order, account, picture, mine.get(order.key)) for order in orders]
    chosen = next((at for at, order in enumerate(orders) if order.key == picture.own.chosen), None)
    head, *body = table(_ORDER_COLUMNS, rows, width, chosen=chosen) or [()]
    return _listed([title, head], body, picture, "orders", width, height, chosen)


def _listed(
    head: list[Line], body: list[Line], picture: Picture, name: str, width: int, height: int, chosen: int | None = None
) -> list[Line]:
    """Heading and as much of a list as there is room for; the row under the cursor is kept in sight."""
    room = height - len(head)
    first = picture.own.scrolled.get(name, 0)
    if chosen is not None:
        first = min(max(first, chosen - room + 1), chosen)
    shown, first = scrolled(body, room, first)
    picture.own.scrolled[name] = first
    below = len(body) - first - len(shown)
    if head and (first or below):
        note = " ".join(text for text in (f"▲{first}" if first else "", f"▼{below}" if below else "") if text)
        at = width - len(note) - 1
        head = [*head[:-1], (*_cut(head[-1], at), (note, "accent"))]
    return [*head, *shown][: max(0, height)]


def _cut(line: Line, width: int) -> Line:
    runs: list[Run] = []
    for text, key in line:
        runs.append((text[:width], key))
        width -= len(text)
        if width <= 0:
            break
    return (*runs, (" " * max(0, width), "text"))


def _state(order: Order, account: AccountView) -> tuple[str, str]:
    if order.stage in DONE:
        text, role = _ENDS[order.stage]
        return (f"{text} ◐" if order.part_filled and order.stage is not Stage.FILLED else text, role)
    if order.stage in (Stage.UNKNOWN, Stage.NOT_FOUND):
        return ("? no answer" if order.stage is Stage.UNKNOWN else "? not found", "warn")
    if order.stage is Stage.SENT:
        return "○ sent", "warn"
    standing = standing_of(order, account)
    if standing is Standing.WORKING and order.part_filled:
        return "◐ part filled", "ok"
    return _STATES[standing]


def _order_cells(order: Order, account: AccountView, picture: Picture, mine: OwnOrder | None) -> Cells:
    done = order.stage in DONE
    text = "muted" if done or standing_of(order, account) is Standing.DOUBTED else "text"
    price = _price(order)
    left = None if order.order_qty is None else max(Decimal(0), order.order_qty - order.cum_qty)
    quantities = f"{'–' if done else _or_unknown(left)} / {_or_unknown(order.order_qty)}"
    filled = "–" if not order.order_qty else _percent(order.cum_qty, order.order_qty)
    ahead = "" if done or mine is None else ahead_text(mine, picture)
    if not done and mine is None and order.symbol not in (None, picture.pair.symbol if picture.pair else None):
        ahead = "–"
    age = "–" if order.changed_ns is None else duration(max(0, picture.account_ns - order.changed_ns))
    return (
        _state(order, account),
        _side(order.side, done),
        (_type(order), text),
        (order.symbol or "?", text),
        (f"{price:,f}" if price is not None else "market", text),
        (quantities, text),
        (filled, text),
        ("" if order.avg_price is None or not order.cum_qty else f"{order.avg_price:,f}", text),
        (ahead, text),
        (age, "muted"),
        (_note(order, told=any(not each.foreign for each in account.orders)), "muted"),
    )


def _side(side: Side | None, done: bool) -> tuple[str, str]:
    if side is None:
        return "?", "warn"
    return side.value, "muted" if done else "bid" if side is Side.BUY else "ask"


def _type(order: Order) -> str:
    return order.order_type or "?"


def _or_unknown(number: Decimal | None) -> str:
    return "?" if number is None else plain(number)


def _percent(part: Decimal, whole: Decimal) -> str:
    share = int(100 * part / whole)
    return "<1%" if part and not share else f"{share}%"


def _note(order: Order, *, told: bool) -> str:
    """Whose it is (where not all are another program's), its conditions, and why it ended."""
    words = []
    if order.foreign and told:
        words.append("foreign")
    if order.parent:
        words.append("child")
    if order.post_only:
        words.append("post-only")
    if order.reduce_only:
        words.append("reduce-only")
    if order.display_qty is not None:
        words.append(f"shows {plain(order.display_qty)}")
    if order.untriggered and order.limit_price is not None:
        words.append(f"then limit {order.limit_price:,f}")
    if order.time_in_force not in ("", "GTC"):
        words.append(order.time_in_force)
    if order.reason:
        words.append(order.reason)
    return ", ".join(words)


# --- trades of the session --------------------------------------------------------------------------------------

_FILL_COLUMNS = (
    Column("time", 0, least=8),
    Column("side", 0, least=6),
    Column("pair", 1, least=8),
    Column("size", 0, right=True, least=8),
    Column("price", 0, right=True, least=8),
    Column("cost", 2, right=True, least=8),
    Column("fee", 3, right=True, least=8),
    Column("role", 4, least=5),
    Column("", 5, least=7),
)


def draw_fills(picture: Picture, width: int, height: int) -> list[Line]:
    """Draw own trades, newest first; those of before the session are muted and called history."""
    account = picture.account
    if account is None:
        return no_account("Trades", width, height)
    now = sum(fill.session for fill in account.fills)
    title = block_title(f"Trades {now} this session", picture, "executions", width)
    if not account.fills:
        return [title, *sentences("No trade yet.", "muted", width)][: max(0, height)]
    head, *body = table(_FILL_COLUMNS, [_fill_cells(fill) for fill in account.fills], width) or [()]
    return _listed([title, head], body, picture, "fills", width, height)


def _fill_cells(fill: Fill) -> Cells:
    text = "text" if fill.session else "muted"
    role = ("bid" if fill.side is Side.BUY else "ask") if fill.session else "muted"
    arrow = "◆" if fill.side is Side.BUY else "◇"
    fees = " ".join(f"{plain(qty)} {asset}" for asset, qty in fill.fees) or "–"
    return (
        ("–" if fill.ns is None else clock(fill.ns), text),
        (f"{arrow} {fill.side.value}", role),
        (fill.symbol, text),
        (plain(fill.qty), text),
        (f"{fill.price:,f}", text),
        (plain(fill.cost), text),
        (fees, text),
        ("–" if fill.maker is None else "maker" if fill.maker else "taker", text),
        ("" if fill.session else "history", "muted"),
    )
