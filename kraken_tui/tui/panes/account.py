"""The panes of the account's page: `kraken_tui.tui.draw.account` and `kraken_tui.tui.draw.holdings`."""

from __future__ import annotations

from textual import events

from kraken_tui.tui.draw.account import draw_account, draw_fills, draw_orders, sorted_orders
from kraken_tui.tui.draw.holdings import draw_holdings
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import Line
from kraken_tui.tui.orders_control import OrderChosen
from kraken_tui.tui.paint.pane import Pane

_WHEEL_ROWS = 3
_LIST_AT = 2
"""Rows above the list of orders: title and headings."""


class ScrolledPane(Pane):
    """A pane with a list that the wheel scrolls; drawing keeps the place within the list."""

    def scroll_rows(self, rows: int) -> None:
        """Look further down (+) or up (-)."""
        if self.picture is not None:
            scrolled = self.picture.own.scrolled
            scrolled[self.id or ""] = max(0, scrolled.get(self.id or "", 0) + rows)
            self._update(force=True)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Look further down; with Shift or Ctrl the wheel moves in time."""
        if not (event.shift or event.ctrl):
            event.stop()
            self.scroll_rows(_WHEEL_ROWS)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Look further up; with Shift or Ctrl the wheel moves in time."""
        if not (event.shift or event.ctrl):
            event.stop()
            self.scroll_rows(-_WHEEL_ROWS)


class AccountPane(Pane):
    """Key, worth, connections, trading and warnings."""

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:
        """See `draw_account`."""
        return draw_account(picture, width, height)


class OrdersPane(ScrolledPane):
    """Open orders; click one to put the cursor on it."""

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:
        """See `draw_orders`."""
        return draw_orders(picture, width, height)

    def on_click(self, event: events.Click) -> None:
        """Report the clicked order."""
        picture = self.picture
        if picture is None or picture.account is None or event.y < _LIST_AT:
            return
        orders = sorted_orders(picture.account, picture.own.sort)
        at = picture.own.scrolled.get("orders", 0) + event.y - _LIST_AT
        if at < len(orders):
            self.post_message(OrderChosen(orders[at].key))


class FillsPane(ScrolledPane):
    """Trades of the session."""

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:
        """See `draw_fills`."""
        return draw_fills(picture, width, height)


class HoldingsPane(ScrolledPane):
    """Balances, positions and fees."""

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:
        """See `draw_holdings`."""
        return draw_holdings(picture, width, height)
