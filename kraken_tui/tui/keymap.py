"""Every key of the program: one table, from which bindings, footer, help and the user's own key map are made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
from textual.binding import Binding, BindingType

from kraken_tui.text import clean_text
from kraken_tui.tui.panes import views


class Command(msgspec.Struct, frozen=True):
    """One thing a key does.

    Attributes:
        id: Name in the user's key map ("[keys]" in the configuration file).
        keys: Comma-separated keys as Textual names them, or single characters.
        action: Textual action, run on the main screen or, with "app.", on the program.
        label: One or two words.
        tooltip: One sentence.
        group: Heading in the help.
        context: Where it works: "main" (the market screen), "dialog" (any dialog), "help", or "everywhere", which
            is over dialogs and input fields too.
    """

    id: str
    keys: str
    action: str
    label: str
    tooltip: str
    group: str
    context: str = "main"


def _pair_commands() -> Iterable[Command]:
    for number in range(1, 10):
        tooltip = f"Show pair {number} of the tabs."
        yield Command(f"pair.{number}", str(number), f"pair({number})", f"pair {number}", tooltip, "Pairs")


def _view_commands() -> Iterable[Command]:
    for view in views().values():
        yield Command(f"view.{view.name}", view.key, f"view('{view.name}')", view.label, view.about, "Views")


COMMANDS: tuple[Command, ...] = (
    *_pair_commands(),
    Command("pair.next", "tab", "next_pair(1)", "next pair", "Show the next pair of the tabs.", "Pairs"),
    Command("pair.previous", "shift+tab", "next_pair(-1)", "previous pair", "Show the previous pair.", "Pairs"),
    Command("pair.find", "/", "find_pair", "find pair", "Find a pair of the exchange and show it.", "Pairs"),
    *_view_commands(),
    Command("pane.next", "o", "next_pane", "next pane", "Show one pane alone, the next one at each press.", "Views"),
    Command("pane.maximise", "m", "maximise", "maximise", "Give the pane under the mouse the whole screen; again "
            "to go back.", "Views"),
    Command("cursor.up", "up,k", "cursor(1)", "cursor up", "Move the price cursor up one row.", "Book"),
    Command("cursor.down", "down,j", "cursor(-1)", "cursor down", "Move the price cursor down one row.", "Book"),
    Command("cursor.up_far", "shift+up,K", "cursor(10)", "up 10", "Move the price cursor up ten rows.", "Book"),
    Command("cursor.down_far", "shift+down,J", "cursor(-10)", "down 10", "Move it down ten rows.", "Book"),
    Command("cursor.clear", "escape", "clear_cursor", "clear cursor", "Remove the cursor and show all panes. "
            "Never quits.", "Book"),
    Command("book.centre", "space", "centre", "centre", "Put the touch in the middle of the book.", "Book"),
    Command("book.coarser", "+,=", "grouping(1)", "coarser", "Group more prices in a row of the aggregated book.",
            "Book"),
    Command("book.finer", "-", "grouping(-1)", "finer", "Group fewer prices in a row.", "Book"),
    Command("book.deeper", "d", "depth(1)", "deeper", "Subscribe the next depth: 10, 25, 100, 500, 1000.", "Book"),
    Command("book.shallower", "D", "depth(-1)", "shallower", "Subscribe the depth before.", "Book"),
    Command("book.cumulative", "v", "cumulative", "cumulative", "Show sizes summed from the touch.", "Book"),
    Command("candles.shorter", "[", "interval(-1)", "shorter candles", "Shorter candle interval.", "Charts"),
    Command("candles.longer", "]", "interval(1)", "longer candles", "Longer candle interval.", "Charts"),
    Command("charts.next", "c", "next_chart", "next chart", "Show the charts; where only one fits, the next one.",
            "Charts"),
    Command("feed.pause", "p", "pause", "pause", "Freeze the screen while the feed goes on; in a replay, stop the "
            "recording's clock.", "Feed"),
    Command("replay.slower", "<", "speed(-1)", "slower replay", "Play the recording slower.", "Feed"),
    Command("replay.faster", ">", "speed(1)", "faster replay", "Play the recording faster.", "Feed"),
    Command("replay.again", "home", "replay_again", "play again", "Play the recording again from its beginning.",
            "Feed"),
    Command("feed.reconnect", "r", "reconnect", "try now", "While offline: dial now, if the dial budget allows it.",
            "Feed"),
    Command("feed.record", "R", "record", "record", "Start or stop recording raw frames to a file.", "Feed"),
    Command("screen.save", "s", "save", "save SVG", "Save a picture of the screen as an SVG file.", "Program"),
    Command("screen.copy", "y", "copy", "copy book", "Copy the ten best levels of each side as a table.", "Program"),
    Command("screen.theme", "t", "theme", "theme", "Next theme: dark, light, colour-blind, terminal.", "Program"),
    Command("help", "?", "help", "help", "Keys and words of this screen.", "Program"),
    Command("palette", "ctrl+p", "app.command_palette", "commands", "Search all commands.", "Program"),
    Command("suspend", "ctrl+z", "app.suspend_process", "suspend", "Put the program into the background.", "Program"),
    Command("quit", "q", "app.quit", "quit", "End the program.", "Program"),
    Command("quit.always", "ctrl+q,ctrl+c", "app.quit", "quit", "End the program, from dialogs too.", "Program",
            "everywhere"),
    Command("dialog.close", "escape", "close", "close", "Close the dialog.", "Dialogs", "dialog"),
    Command("help.close", "?,q", "close", "close help", "Close the help.", "Dialogs", "help"),
)  # fmt: skip
"""All commands, in the order of the help. Keys not listed here do nothing."""

_CONTEXTS = {command.id: command.context for command in COMMANDS}

FOOTER: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("quit", ("quit",)),
    ("help", ("help",)),
    ("pair", tuple(f"pair.{number}" for number in range(1, 10))),
    ("find", ("pair.find",)),
    ("group", ("book.coarser", "book.finer")),
    ("pane", ("pane.next",)),
    ("cursor", ("cursor.up", "cursor.down")),
    ("centre", ("book.centre",)),
    *((view.short, (f"view.{view.name}",)) for view in views().values()),
    ("pause", ("feed.pause",)),
    ("depth", ("book.deeper",)),
    ("interval", ("candles.shorter", "candles.longer")),
    ("save", ("screen.save",)),
    ("record", ("feed.record",)),
    ("max", ("pane.maximise",)),
    ("theme", ("screen.theme",)),
    ("commands", ("palette",)),
)
"""Footer items, the most important first: (label, command ids)."""

_FOOTER_ORDER = (
    "pair", "find", *(view.short for view in views().values()), "pane", "cursor", "centre", "group", "depth",
    "interval", "pause", "save", "record", "max", "theme", "commands", "help", "quit",
)  # fmt: skip

_SHORT = {
    "space": "Spc", "plus": "+", "minus": "-", "equals_sign": "=", "slash": "/", "question_mark": "?",
    "left_square_bracket": "[", "right_square_bracket": "]", "less_than_sign": "<", "greater_than_sign": ">",
    "escape": "Esc", "up": "Up", "down": "Down", "left": "Left", "right": "Right", "tab": "Tab", "enter": "Enter",
    "comma": ",", "full_stop": ".", "home": "Home", "end": "End", "pageup": "PgUp", "pagedown": "PgDn",
}  # fmt: skip


class KeyMap(msgspec.Struct, frozen=True):
    """The keys in force.

    Attributes:
        keys: Normalised keys by command id.
        overrides: The user's keys that are in force, for `App.set_keymap`.
        problems: One sentence for each that is not.
    """

    keys: Mapping[str, tuple[str, ...]]
    overrides: Mapping[str, str]
    problems: tuple[str, ...]

    def show(self, *ids: str) -> str:
        """The keys of these commands as printed on a keyboard, such as "1-9" or "+ -"; one key a command."""
        names = [key_name(self.keys[command_id][0]) for command_id in ids]
        if len(names) > 2 and names == [chr(ord(names[0][0]) + step) for step in range(len(names))]:
            return f"{names[0]}-{names[-1]}"
        return " ".join(names)

    def show_all(self, command_id: str) -> str:
        """All keys of one command."""
        return " ".join(key_name(key) for key in self.keys[command_id])


def key_name(key: str) -> str:
    """A key as printed on a keyboard: "question_mark" is "?", "shift+tab" is "Shift+Tab"."""
    *modifiers, last = key.split("+")
    last = _SHORT.get(last) or (last.upper() if last[:1] == "f" and last[1:].isdigit() else last)
    return "+".join([*(modifier.capitalize() for modifier in modifiers), last.upper() if modifiers and
                     len(last) == 1 else last])  # fmt: skip


def bindings(*contexts: str) -> list[BindingType]:
    """The commands of some contexts as Textual's bindings, each with an id and a tooltip."""
    return [
        Binding(
            command.keys,
            command.action,
            command.label,
            tooltip=command.tooltip,
            id=command.id,
            show=False,
            priority=command.context == "everywhere",
        )
        for command in COMMANDS
        if command.context in contexts
    ]


def effective(wishes: Mapping[str, str]) -> KeyMap:
    """Lay the user's keys over the built-in ones.

    An override of an unknown command, without keys, or with a key that another command keeps is dropped and named in
    `problems`; all others hold.
    """
    built_in = {command.id: normalise(command.keys) for command in COMMANDS}
    problems: list[str] = []
    asked: dict[str, tuple[str, ...]] = {}
    for command_id, text in wishes.items():
        name = clean_text(command_id, 40)
        if command_id not in built_in:
            problems.append(f'keys: there is no command "{name}"; press ? for the list')
        elif not (keys := normalise(str(text))):
            problems.append(f'keys: "{name}" has no key; it keeps {_names(built_in[command_id])}')
        else:
            asked[command_id] = keys
    # Dropping one override may free or block another's key, so look again until the rest agree.
    while (clash := _first_clash(built_in, asked)) is not None:
        loser, other, key = clash
        problems.append(
            f'keys: "{loser}" and "{other}" both want {clean_text(key_name(key), 20)}; '
            f'"{loser}" keeps {_names(built_in[loser])}'
        )
        del asked[loser]
    keys_by_id = {**built_in, **asked}
    overrides = {command_id: ",".join(keys) for command_id, keys in asked.items()}
    return KeyMap(keys_by_id, overrides, tuple(problems))


def _first_clash(
    built_in: Mapping[str, tuple[str, ...]], asked: Mapping[str, tuple[str, ...]]
) -> tuple[str, str, str] | None:
    """An override, the command it collides with and the key; commands collide where both would get the key."""
    taken: list[tuple[str, str]] = [
        (key, command_id) for command_id, keys in built_in.items() if command_id not in asked for key in keys
    ]
    for command_id, keys in asked.items():
        for key in keys:
            for other_key, other in taken:
                if key == other_key and other != command_id and _meet(_CONTEXTS[command_id], _CONTEXTS[other]):
                    return command_id, other, key
            taken.append((key, command_id))
    return None


def _meet(one: str, other: str) -> bool:
    return one == other or "everywhere" in (one, other) or {one, other} == {"dialog", "help"}


def normalise(keys: str) -> tuple[str, ...]:
    """Split a comma-separated key list and name the keys as Textual does ("?" is "question_mark")."""
    cleaned = ",".join(part.strip() for part in keys.split(",") if part.strip())
    if not cleaned:
        return ()
    return tuple(binding.key for binding in Binding.make_bindings([Binding(cleaned, "")]))


def _names(keys: Iterable[str]) -> str:
    return " ".join(key_name(key) for key in keys)


def footer_items(keymap: KeyMap, width: int) -> list[tuple[str, str]]:
    """(keys, label) of the footer: the most important commands that fit in `width` cells, in reading order."""
    chosen: dict[str, str] = {}
    left = width - 1
    for label, ids in FOOTER:
        keys = keymap.show(*ids)
        need = len(keys) + len(label) + 3
        if need > left:
            break
        left -= need
        chosen[label] = keys
    return [(chosen[label], label) for label in _FOOTER_ORDER if label in chosen]
