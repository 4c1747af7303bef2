"""What panes, screens and the painter may ask of the app, so that none of them imports it."""

from __future__ import annotations

from collections.abc import Callable, Set
from typing import Any, Literal, Protocol, cast

from textual.app import App
from textual.widget import Widget

from kraken_tui.engine.api import MarketSource
from kraken_tui.tui.keymap import KeyMap
from kraken_tui.tui.paint.pacing import Pacer

Severity = Literal["information", "warning", "error"]


class Market(Protocol):
    """The market screen."""

    @property
    def is_mounted(self) -> bool:
        """Whether it has been put on screen."""
        ...

    @property
    def painted(self) -> Set[Widget]:
        """The screen and its panes: widgets that never lie over one another."""
        ...

    @property
    def moment_ns(self) -> int | None:
        """The moment shown where it is not now, by the engine's wall clock."""
        ...

    def go_to(self, ns: int) -> None:
        """Show a moment of the past of the pair on screen, by the engine's wall clock."""
        ...

    async def action_command(self, command_id: str) -> None:
        """Do what a key stands for."""
        ...

    def set_view(self, view: str) -> None:
        """Change what the body shows, by name."""
        ...

    def show_pair(self, symbol: str) -> None:
        """Put a pair on screen."""
        ...

    def add_pair(self, name: str) -> None:
        """Show a pair, subscribing it first where it is not among the tabs."""
        ...

    def set_grouping(self, grouping: int) -> None:
        """Choose the price step of the book's rows, one of `settings.GROUPINGS`."""
        ...


class Program(Protocol):
    """The app."""

    source: MarketSource
    clock: Callable[[], float]
    keymap_in_force: KeyMap
    pacer: Pacer
    palette_name: str
    visitor: bool
    title: str

    @property
    def main(self) -> Market:
        """The market screen."""
        ...

    @property
    def leaving(self) -> bool:
        """Whether the program is ending."""
        ...

    def tick(self, *, everything: bool = False) -> None:
        """Draw the panes that are due, or all."""
        ...

    def say(self, text: str) -> None:
        """Confirm a key in a few words in the last row."""
        ...

    def notify_desktop(self, text: str) -> None:
        """Show a notice of the desktop, where the terminal is known to have them."""
        ...

    def tell(self, text: str, severity: Severity = "information") -> None:
        """Show a toast."""
        ...

    def theme_names(self) -> list[str]:
        """Built-in themes, and those of the user."""
        ...

    def set_theme(self, name: str) -> None:
        """Apply a theme by name."""
        ...

    def next_theme(self) -> None:
        """Apply the next theme."""
        ...

    def save_picture(self) -> None:
        """Save the screen as SVG."""
        ...

    def share_moment(self) -> None:
        """Write the moment on screen into a folder, for somebody else."""
        ...

    def toggle_recording(self) -> None:
        """Start or stop recording."""
        ...

    def copy_book(self) -> None:
        """Copy the best levels."""
        ...


def program_of(app: App[Any]) -> Program:
    """The app, seen as a `Program`."""
    return cast("Program", app)
