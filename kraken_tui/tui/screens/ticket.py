"""The ticket of an order, and the box that confirms it: the only place where Enter sends."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Static

from kraken_tui.engine.api import MarketSource
from kraken_tui.engine.trading import Look
from kraken_tui.market.events import Side
from kraken_tui.trading.outcomes import Accepted, Outcome
from kraken_tui.trading.tickets import Kind, Ticket, shown_worth
from kraken_tui.tui.draw.trading import MEANINGS, check_line
from kraken_tui.tui.keymap import bindings
from kraken_tui.tui.screens.dialog import Dialog
from kraken_tui.tui.ticket_form import TicketForm

GUARD_S = 0.6
"""Seconds without a press of Enter before one sends: a key that is held, or was pressed twice, must not."""

_LOOK_S = 0.25

_STYLE = """
{name} {{ align: center middle; }}
{name} > Vertical {{ width: 76; max-width: 100%; height: auto; max-height: 100%; background: $background;
    border: {border} {colour}; padding: 0 1; }}
{name} Static {{ height: auto; width: 100%; }}
{name} .muted {{ color: $kraken-muted; }}
{name} .bad {{ color: $kraken-bad; text-style: bold; }}
{name} .warn {{ color: $kraken-warn; text-style: bold; }}
{name} .ok {{ color: $kraken-ok; }}
{name} .title {{ text-style: bold; }}
"""


class TicketScreen(Dialog[Ticket | None]):
    """Asks for size and kind; it is dismissed with the ticket to confirm, or None. It never sends."""

    BINDINGS = bindings("dialog")

    DEFAULT_CSS = _STYLE.format(name="TicketScreen", border="round", colour="$kraken-accent")

    def __init__(self, form: TicketForm, mode: str, close: str) -> None:
        super().__init__()
        self.form, self._mode, self._close_key = form, mode, close
        self._rows = {name: Static("", markup=False, classes=name) for name in ("title", "text", "warn", "muted")}

    def compose(self) -> ComposeResult:
        """Four rows."""
        with Vertical():
            yield from self._rows.values()
        self._show()

    def on_key(self, event: events.Key) -> None:
        """Edit the ticket; Enter leads on to the box that confirms."""
        if event.key == "enter":
            event.stop()
            self._on()
        elif self.form.press(event.key, event.character):
            event.stop()
            self._show()

    def _on(self) -> None:
        if self.form.lots:
            self.dismiss(self.form.ticket())
        else:
            self.form.problem = "Type a size first."
            self._show()

    def _show(self) -> None:
        form, spec = self.form, self.form.spec
        ticket = form.ticket()
        side = "BUY" if form.side is Side.BUY else "SELL"
        self._rows["title"].update(f"{self._mode}: {side} {spec.symbol} ({MEANINGS.get(self._mode, '')})")
        price = f"{ticket.price(spec):f} {spec.quote}"
        what = {Kind.LIMIT: "limit at", Kind.MARKET: "market, at worst", Kind.STOP: "stop: market once it trades at"}
        post = f"\npost-only  {'yes' if form.post_only else 'NO: it may take'}" if form.kind is Kind.LIMIT else ""
        worth = shown_worth(ticket.worth(spec)) if ticket.lots else "?"
        self._rows["text"].update(
            f"size       {form.text or '_'} {spec.base}\nprice      {what[form.kind]} {price}{post}\n"
            f"in all     {worth} {spec.quote}"
        )
        self._rows["warn"].update(form.problem)
        self._rows["warn"].display = bool(form.problem)
        self._rows["muted"].update(
            "digits and Up Down: size   l limit  m market  s stop   p post-only\n"
            f"Enter shows it for confirming, and sends nothing. {self._close_key} closes."
        )

    def action_close(self) -> None:
        """Close without a ticket."""
        self.dismiss(None)


class ConfirmScreen(Dialog[bool]):
    """Shows an order in words and sends it on Enter, once; dismissed with whether it did.

    Args:
        source: Whose desk is asked.
        mode: "LIVE", "DEMO", "PAPER" or "TEST".
        look: Asks the desk how the order would fare now.
        check: Has the exchange check it; None where that is not done.
        send: Sends it, told whether the user was warned that it takes at once.
        close: Name of the key that closes.
    """

    BINDINGS = bindings("dialog")

    DEFAULT_CSS = (
        _STYLE.format(name="ConfirmScreen", border="heavy", colour="$kraken-warn")
        + """
    ConfirmScreen.-test > Vertical { border: dashed $kraken-muted; }
    ConfirmScreen .send { text-style: bold reverse; width: auto; margin: 1 0 0 0; }
    """
    )

    class Looked(Message):
        """The desk's answer; posted from the engine's thread."""

        def __init__(self, look: Look) -> None:
            super().__init__()
            self.look = look

    class Checked(Message):
        """The exchange's answer to the check; posted from the engine's thread."""

        def __init__(self, outcome: Outcome) -> None:
            super().__init__()
            self.outcome = outcome

    def __init__(
        self,
        source: MarketSource,
        mode: str,
        look: Callable[[Callable[[Look], object]], None],
        check: Callable[[Callable[[Outcome], object]], None] | None,
        send: Callable[[bool], None],
        close: str,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        super().__init__()
        self._source, self._mode, self._look, self._check, self._send_it = source, mode, look, check, send
        self._close_key, self._clock = close, clock
        self._checked = "off" if check is None else ""
        self._found: Look | None = None
        self._enter_at = clock()
        self._sent = False
        names = ("title", "words", "warn", "bad", "check", "send", "muted")
        self._rows = {name: Static("", markup=False, classes=name) for name in names}
        self.set_class(mode == "TEST", "-test")

    def compose(self) -> ComposeResult:
        """What it is, in words, from top to bottom."""
        with Vertical():
            yield from self._rows.values()
        self._show()

    def on_mount(self) -> None:
        """Ask at once, and go on asking: the market moves while somebody reads."""
        self._ask()
        self.set_interval(_LOOK_S, self._ask)
        if self._check is not None:
            self._check(lambda outcome: self.post_message(self.Checked(outcome)))

    def _ask(self) -> None:
        self._look(lambda look: self.post_message(self.Looked(look)))
        self._show()

    @on(Looked)
    def _looked(self, message: Looked) -> None:
        self._found = message.look
        self._show()

    @on(Checked)
    def _came(self, message: Checked) -> None:
        outcome = message.outcome
        self._checked = "ok" if isinstance(outcome, Accepted) else outcome.sentence
        self._show()

    @property
    def obstacle(self) -> str:
        """Why Enter does not send now; "" where it does."""
        if self._found is None:
            return "the desk has not answered yet"
        if self._found.blocks:
            return "; ".join(self._found.blocks)
        if self._checked not in ("ok", "off"):
            return "the exchange has not accepted the check"
        return "a moment" if self._clock() - self._enter_at < GUARD_S else ""

    def on_key(self, event: events.Key) -> None:
        """Enter sends, where it was not pressed a moment before."""
        if event.key != "enter":
            return
        event.stop()
        ready = not self.obstacle
        self._enter_at = self._clock()
        if ready:
            self._go()

    def on_click(self, event: events.Click) -> None:
        """The button sends where it is released, never where it goes down."""
        if event.widget is self._rows["send"] and not self.obstacle:
            event.stop()
            self._go()

    def _go(self) -> None:
        if self._sent or self._found is None:
            return
        self._sent = True
        self._send_it(self._found.takes)
        self.dismiss(True)

    def _show(self) -> None:
        found, obstacle = self._found, self.obstacle
        self._rows["title"].update(f"{self._mode}: {MEANINGS.get(self._mode, '')}")
        self._rows["words"].update(found.words if found is not None else "…")
        self._rows["warn"].update("\n".join(found.warnings) if found is not None else "")
        self._rows["bad"].update("\n".join(f"✗ {each}" for each in found.blocks) if found is not None else "")
        text, role = check_line(self._checked)
        for name in ("ok", "bad", "muted"):
            self._rows["check"].set_class(role == name, name)
        self._rows["check"].update(Text(text))
        verb = "CHECK it" if self._mode == "TEST" else "SEND it"
        self._rows["send"].update(f" Enter: {verb} " if obstacle in ("", "a moment") else " cannot be sent now ")
        self._rows["muted"].update(f"{self._close_key} closes and sends nothing.")
        self._rows["warn"].display = found is not None and bool(found.warnings)
        self._rows["bad"].display = found is not None and bool(found.blocks)

    def action_close(self) -> None:
        """Close and send nothing."""
        self.dismiss(False)


class AskScreen(Dialog[bool]):
    """Says what something does before it is done; dismissed with whether Enter was pressed.

    Args:
        title: What it is.
        text: What it does.
        verb: What Enter does.
        close: Name of the key that closes.
    """

    BINDINGS = bindings("dialog")

    DEFAULT_CSS = _STYLE.format(name="AskScreen", border="round", colour="$kraken-warn")

    def __init__(self, title: str, text: str, verb: str, close: str) -> None:
        super().__init__()
        self._texts = (("title", title), ("text", text), ("muted", f"Enter {verb}. {close} leaves it as it is."))

    def compose(self) -> ComposeResult:
        """Three rows."""
        with Vertical():
            for name, text in self._texts:
                yield Static(text, markup=False, classes=name)

    def on_key(self, event: events.Key) -> None:
        """Enter agrees."""
        if event.key == "enter":
            event.stop()
            self.dismiss(True)

    def action_close(self) -> None:
        """Close and leave it."""
        self.dismiss(False)
