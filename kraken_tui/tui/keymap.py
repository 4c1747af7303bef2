"""Every key of the program: one table, from which bindings, footer, help, the README's table and the user's own key map
are made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
from textual.binding import Binding, BindingType

from kraken_tui.settings.readers import nearest
from kraken_tui.text import clean_text
from kraken_tui.tui.draw.footer import KeyItem
from kraken_tui.tui.draw.picture import Situation
from kraken_tui.tui.panes import View, stands_in, views
from kraken_tui.words import NO_ACCOUNT


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
        panes: The panes it acts on: it works in the views where one of them stands, and the footer offers it while one
            is on screen. Without any it works in every view.
        needs: What must hold for it to do anything: a flag of `Situation`, "" for nothing.
    """

    id: str
    keys: str
    action: str
    label: str
    tooltip: str
    group: str
    context: str = "main"
    panes: tuple[str, ...] = ()
    needs: str = ""

    @property
    def views(self) -> tuple[str, ...]:
        """Names of the views it works in."""
        return tuple(name for name in views() if not self.panes or not stands_in(name).keys().isdisjoint(self.panes))


def _pair_commands() -> Iterable[Command]:
    for number in range(1, 10):
        tooltip = f"Show pair {number} of the tabs."
        yield Command(f"pair.{number}", str(number), f"pair({number})", f"pair {number}", tooltip, "Pairs")


def keyed_views() -> list[View]:
    """The views that have a key of their own."""
    return [view for view in views().values() if view.key]


def _view_commands() -> Iterable[Command]:
    for view in keyed_views():
        yield Command(f"view.{view.name}", view.key, f"view('{view.name}')", view.label, view.about, "Views",
                      needs=view.needs)  # fmt: skip


_PRICES = ("book", "ladder")
"""Panes with rows of prices."""

_ROWS = (*_PRICES, "orders", "fills", "holdings", "queue")
"""Panes with rows that a cursor or the keys of one move over."""

_TIMES = ("candles", "heatmap")
"""Panes that can show more or less time."""

COMMANDS: tuple[Command, ...] = (
    *_pair_commands(),
    Command("pair.next", "tab", "next_pair(1)", "next pair", "Show the next pair of the tabs.", "Pairs"),
    Command("pair.previous", "shift+tab", "next_pair(-1)", "previous pair", "Show the previous pair.", "Pairs"),
    Command("pair.find", "/", "find_pair", "find pair", "Find a pair of the exchange and show it.", "Pairs"),
    *_view_commands(),
    Command("pane.next", "o", "next_pane", "next pane", "Show one pane alone, the next one at each press.", "Views",
            needs="several"),
    Command("pane.maximise", "m", "maximise", "maximise", "Give the pane under the mouse the whole screen; again "
            "to go back.", "Views", needs="larger"),
    Command("charts.next", "c", "next_chart", "next chart", "Show the candles; from there depth, spread, imbalance "
            "and the candles again.", "Views"),
    Command("cursor.up", "up,k", "cursor(1)", "cursor up", "Move the cursor up one row: a price of the book, or an "
            "order or trade of the account.", "Book", panes=_ROWS),
    Command("cursor.down", "down,j", "cursor(-1)", "cursor down", "Move the cursor down one row.", "Book",
            panes=_ROWS),
    Command("cursor.up_far", "shift+up,K", "cursor(10)", "up 10", "Move the cursor up ten rows.", "Book",
            panes=_ROWS),
    Command("cursor.down_far", "shift+down,J", "cursor(-10)", "down 10", "Move it down ten rows.", "Book",
            panes=_ROWS),
    Command("cursor.clear", "escape", "clear_cursor", "clear cursor", "Remove the cursor and show all panes. "
            "Never quits.", "Book"),
    Command("book.centre", "space", "centre", "centre", "Put the touch in the middle of the book.", "Book",
            panes=_PRICES),
    Command("book.coarser", "+,=", "grouping(1)", "coarser", "Group more prices in a row of the aggregated book.",
            "Book", panes=("book",)),
    Command("book.finer", "-", "grouping(-1)", "finer", "Group fewer prices in a row.", "Book", panes=("book",)),
    Command("book.deeper", "d", "depth(1)", "deeper", "Subscribe the next depth: 10, 25, 100, 500, 1000.", "Book",
            panes=(*_PRICES, "charts"), needs="depths"),
    Command("book.shallower", "D", "depth(-1)", "shallower", "Subscribe the depth before.", "Book",
            panes=(*_PRICES, "charts"), needs="depths"),
    Command("book.cumulative", "v", "cumulative", "cumulative", "Show sizes summed from the touch.", "Book",
            panes=("book",)),
    Command("book.pulls", "u", "pulls", "pull/stack", "Size added and removed without trading over the last 5, 30 or "
            "300 s, or without that column.", "Book", panes=("book",)),
    Command("account.sort", "i", "sort_orders", "sort orders", "List the open orders by newest change, by price or "
            "by pair.", "Account", panes=("orders",)),
    Command("account.book", "enter", "order_in_book", "order in book", "Show the order under the cursor in the book "
            "of its pair.", "Account", panes=("orders",)),
    Command("candles.shorter", "[", "interval(-1)", "shorter candles", "Shorter candle interval.", "Candles",
            panes=("candles",)),
    Command("candles.longer", "]", "interval(1)", "longer candles", "Longer candle interval.", "Candles",
            panes=("candles",)),
    Command("time.zoom_in", "z", "zoom(1)", "zoom in", "Shorter columns of the heatmap, 100 ms at the least; wider "
            "candles where these are under the mouse or alone.", "Time", panes=_TIMES),
    Command("time.zoom_out", "Z", "zoom(-1)", "zoom out", "Longer columns, up to 5 min; narrower candles, and more of "
            "them.", "Time", panes=_TIMES),
    Command("heat.cut_lower", "{", "heat('cut', -1)", "lower cut-off", "Let smaller sizes show on the heatmap; beyond "
            "the last step the cut-offs are automatic.", "Heatmap", panes=("heatmap",)),
    Command("heat.cut_higher", "}", "heat('cut', 1)", "higher cut-off", "Leave more of the smaller sizes dark.",
            "Heatmap", panes=("heatmap",)),
    Command("heat.weighing", "e", "heat('weigh')", "average/greatest", "Colour the heatmap by the average or the "
            "greatest size of each column.", "Heatmap", panes=("heatmap",)),
    Command("heat.scale", "l", "heat('form')", "log/linear", "Let the heatmap's brightness grow with the logarithm of "
            "the size, or with the size.", "Heatmap", panes=("heatmap",)),
    Command("profile.over", "V", "heat('profile')", "profile", "Take the volume profile over the session or over the "
            "time on screen.", "Heatmap", panes=("profile",)),
    Command("tape.filter", "f", "tape_filter", "tape filter", "Show only prints from the next tier of value on, "
            "or all.", "Tape", panes=("tape",)),
    Command("time.back", "left", "step(-1)", "1 s back", "Hold the newest moment, then go back by a second; in the "
            "candles view, earlier bars while live.", "Time"),
    Command("time.forward", "right", "step(1)", "1 s on", "Go on by a second, at last to now; in the candles view, "
            "later bars while live.", "Time"),
    Command("time.back_far", "shift+left", "step(-10)", "10 s back", "Go back by ten seconds, or a screen of bars.",
            "Time"),
    Command("time.forward_far", "shift+right", "step(10)", "10 s on", "Go on by ten seconds, or a screen of bars.",
            "Time"),
    Command("time.message_back", "comma", "step_message(-1)", "message back", "Go back by one message of the book.",
            "Time"),
    Command("time.message_forward", "full_stop", "step_message(1)", "message on", "Go on by one message of the book.",
            "Time"),
    Command("time.event_forward", "n", "step_event(1)", "next event", "Go to the next event: flow, proof lost or "
            "found, resync, halt, stale, trades missed.", "Time"),
    Command("time.event_back", "N", "step_event(-1)", "event before", "Go to the event before.", "Time"),
    Command("time.live", "end", "live", "live", "Back to now, and to the newest candle.", "Time"),
    Command("feed.pause", "p", "pause", "pause", "Freeze the screen while the feed goes on, or go on from a pause or "
            "the past; in a replay, stop the recording's clock.", "Feed"),
    Command("replay.slower", "<", "speed(-1)", "slower replay", "Play the recording slower.", "Feed", needs="replay"),
    Command("replay.faster", ">", "speed(1)", "faster replay", "Play the recording faster.", "Feed", needs="replay"),
    Command("replay.skip", "g", "skip_gap", "skip gap", "Go to the next frame of the recording, over a gap.", "Feed",
            needs="replay"),
    Command("replay.minute_back", "pageup", "seek(-60)", "minute back", "One minute earlier in the recording.", "Feed",
            needs="replay"),
    Command("replay.minute_on", "pagedown", "seek(60)", "minute on", "One minute later in the recording.", "Feed",
            needs="replay"),
    Command("replay.go", "@", "go_to", "go to a time", "Go to a moment of the recording: a time, or +seconds.", "Feed",
            needs="replay"),
    Command("replay.next_fault", "G", "seek_fault(1)", "next fault", "Go to the next mismatch, gap or session of the "
            "recording; the log says which.", "Feed", needs="replay"),
    Command("replay.last_fault", "ctrl+g", "seek_fault(-1)", "fault before", "Go to the mismatch, gap or session "
            "before.", "Feed", needs="replay"),
    Command("replay.again", "home", "replay_again", "play again", "Play the recording again from its beginning.",
            "Feed", needs="replay"),
    Command("feed.reconnect", "r", "reconnect", "try now", "While offline: dial now, if the dial budget allows it.",
            "Feed"),
    Command("feed.record", "R", "record", "record", "Start or stop recording raw frames to a file.", "Feed",
            needs="files"),
    Command("trade.arm", "T", "trade('arm')", "arm/disarm", "Allow the keys below to place orders of the pair on "
            "screen, or no longer; the last row says which.", "Trading", needs="trade"),
    Command("trade.buy", "B", "trade('buy')", "buy here", "Open a ticket to buy at the price under the cursor; it is "
            "confirmed in words before it is sent.", "Trading", panes=_PRICES, needs="trade"),
    Command("trade.sell", "A", "trade('sell')", "sell here", "Open a ticket to sell at the price under the cursor.",
            "Trading", panes=_PRICES, needs="trade"),
    Command("trade.choose", "O", "trade('choose')", "your orders", "Put the cursor on your next open order of the "
            "pair.", "Trading", needs="trade"),
    Command("trade.move", "M", "trade('move')", "move order", "Move the chosen order to the price under the cursor, "
            "after confirming.", "Trading", panes=_PRICES, needs="trade"),
    Command("trade.cancel", "delete", "trade('cancel')", "cancel order", "Cancel the chosen order, or the one under "
            "the cursor; works disarmed.", "Trading", needs="trade"),
    Command("trade.cancel_bids", "(", "trade('cancel_bids')", "cancel bids", "Cancel all your buy orders of the "
            "pair; works disarmed.", "Trading", needs="trade"),
    Command("trade.cancel_asks", ")", "trade('cancel_asks')", "cancel asks", "Cancel all your sell orders of the "
            "pair; works disarmed.", "Trading", needs="trade"),
    Command("trade.cancel_all", "X", "trade('cancel_all')", "cancel all", "Cancel all your orders of all pairs; works "
            "disarmed.", "Trading", needs="trade"),
    Command("trade.test", "C", "trade('test')", "only check", "TEST: orders are checked by the exchange and not "
            "placed, or are placed again.", "Trading", needs="trade"),
    Command("trade.switch", "H", "trade('switch')", "dead man's switch", "Let the exchange cancel every order of the "
            "account if this program falls silent for a minute, or no longer.", "Trading", needs="trade"),
    Command("screen.save", "s", "save", "save SVG", "Save a picture of the screen as an SVG file.", "Program",
            needs="files"),
    Command("screen.share", "S", "share", "share moment", "Write picture, frames and a line of text of the moment on "
            "screen into one folder.", "Program", needs="files"),
    Command("screen.copy", "y", "copy", "copy book", "Copy the ten best levels of each side as a table.", "Program"),
    Command("screen.theme", "t", "theme", "theme", "Next theme: dark, light, colour-blind, terminal, your own.",
            "Program"),
    Command("help", "?", "help", "help", "Keys, marks and words of this screen.", "Program"),
    Command("palette", "ctrl+p", "app.command_palette", "commands", "Search all commands.", "Program"),
    Command("suspend", "ctrl+z", "app.suspend_process", "suspend", "Put the program into the background.", "Program",
            needs="terminal"),
    Command("quit", "q", "app.quit", "quit", "End the program.", "Program"),
    Command("quit.always", "ctrl+q,ctrl+c", "app.quit", "quit", "End the program, from dialogs too.", "Program",
            "everywhere"),
    Command("dialog.close", "escape", "close", "close", "Close the dialog.", "Dialogs", "dialog"),
    Command("help.close", "?,q", "close", "close help", "Close the help.", "Dialogs", "help"),
)  # fmt: skip
"""All commands, in the order of the help. Keys not listed here do nothing."""

_BY_ID = {command.id: command for command in COMMANDS}

_MISSING = {
    "several": "This view has one pane only.",
    "larger": "This pane already has all the room there is.",
    "replay": "This is for a recording that is played.",
    "trade": "Orders cannot be placed: the program was started without --trade and without --paper.",
    "account": NO_ACCOUNT,
    "files": "A visitor's screen writes no files: they would be the server's.",
    "depths": "All visitors share one feed; its depth is the server's: kraken-tui serve --depth.",
    "terminal": "In a browser there is no background to go to.",
}
"""What is said where a command has nothing to do, by what it needs."""


def command_of(command_id: str) -> Command:
    """The command of this name.

    Raises:
        KeyError: There is none.
    """
    return _BY_ID[command_id]


class Offer(msgspec.Struct, frozen=True):
    """One item that the footer may offer.

    Attributes:
        label: One word.
        ids: Commands whose keys it shows.
        rank: The lowest are kept where not all fit.
        click: Command that a click on the label runs.
        panes: It is offered only while one of these is on screen; without any, wherever its commands work.
    """

    label: str
    ids: tuple[str, ...]
    rank: int
    click: str = ""
    panes: tuple[str, ...] = ()


_NUMBERS = tuple(f"pair.{number}" for number in range(1, 10))
_VIEWS_RANK = 1

FOOTER: tuple[Offer, ...] = (
    Offer("pair", _NUMBERS, 9, click="pair.next"),
    Offer("find", ("pair.find",), 7),
    Offer("pane", ("pane.next",), 2),
    Offer("charts", ("charts.next",), 2, panes=("charts", "candles")),
    Offer("group", ("book.coarser", "book.finer"), 3),
    Offer("depth", ("book.deeper",), 8),
    Offer("centre", ("book.centre",), 5),
    Offer("cursor", ("cursor.up", "cursor.down"), 6),
    Offer("past", ("time.back",), 4),
    Offer("zoom", ("time.zoom_in", "time.zoom_out"), 6),
    Offer("cut-off", ("heat.cut_lower", "heat.cut_higher"), 4, panes=("profile",)),
    Offer("sort", ("account.sort",), 4, panes=("orders",)),
    Offer("book", ("account.book",), 5, panes=("orders",)),
    Offer("interval", ("candles.shorter", "candles.longer"), 10),
    Offer("arm", ("trade.arm",), 1),
    Offer("buy sell", ("trade.buy", "trade.sell"), 2),
    Offer("cancel all", ("trade.cancel_all",), 1),
    Offer("speed", ("replay.slower", "replay.faster"), 4),
    Offer("pause", ("feed.pause",), 11),
    Offer("max", ("pane.maximise",), 12),
    Offer("sums", ("book.cumulative",), 13),
    Offer("save", ("screen.save",), 14),
    Offer("record", ("feed.record",), 15),
    Offer("theme", ("screen.theme",), 16),
    Offer("commands", ("palette",), 17),
    Offer("help", ("help",), 0),
    Offer("quit", ("quit",), 0),
)
"""What the footer offers after the keys of the views, in reading order."""

FIRST_RUN: tuple[Offer, ...] = (
    Offer("keys", ("help",), 0),
    Offer("pair", _NUMBERS, 3, click="pair.next"),
    Offer("find", ("pair.find",), 2),
    Offer("quit", ("quit",), 0),
)
"""What the first start offers instead; the keys of the views stand before the last one."""

_SHORT = {
    "space": "Spc", "plus": "+", "minus": "-", "equals_sign": "=", "slash": "/", "question_mark": "?",
    "left_curly_bracket": "{", "right_curly_bracket": "}",
    "left_square_bracket": "[", "right_square_bracket": "]", "less_than_sign": "<", "greater_than_sign": ">",
    "delete": "Del", "left_parenthesis": "(", "right_parenthesis": ")",
    "escape": "Esc", "up": "Up", "down": "Down", "left": "Left", "right": "Right", "tab": "Tab", "enter": "Enter",
    "at": "@", "comma": ",", "full_stop": ".", "home": "Home", "end": "End", "pageup": "PgUp", "pagedown": "PgDn",
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

    def refusal(self, command: Command, situation: Situation) -> str:
        """Why a command does nothing here, with the key that shows the view where it does; "" where it works."""
        if situation.view not in command.views:
            where = views()[command.views[0]]
            key = key_name(self.keys[command.id][0])
            return f"{key} ({command.label}) is for the {where.label} view: {self.show(f'view.{where.name}')}."
        return _MISSING[command.needs] if command.needs and not getattr(situation, command.needs) else ""

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
            # Of the market screen only it knows whether the command has anything to do.
            f"command('{command.id}')" if command.context == "main" else command.action,
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
            problems.append(f'keys: there is no command "{name}"{nearest(name, built_in)}; the help lists all')
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
                if key == other_key and other != command_id and _meet(_context(command_id), _context(other)):
                    return command_id, other, key
            taken.append((key, command_id))
    return None


def _context(command_id: str) -> str:
    return _BY_ID[command_id].context


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


def footer_items(keymap: KeyMap, situation: Situation, width: int) -> tuple[KeyItem, ...]:
    """What the footer offers: the most important of what works here that fits in `width` cells, in reading order.

    The views come first, with their names where these do not push out something more important.
    """
    offers = FIRST_RUN if situation.first else FOOTER
    usable = [(offer, _item(keymap, offer)) for offer in offers if situation.first or _offered(offer, situation)]
    needed = sum(item.width for offer, item in usable if offer.rank <= _VIEWS_RANK)
    left = width - 1 - needed
    if left < 0:
        return ()
    chosen_views: tuple[KeyItem, ...] = ()
    wanted = sum(item.width for offer, item in usable if _VIEWS_RANK < offer.rank <= _VIEWS_RANK + 2)
    for form, spared in ((_view_items(keymap, situation), wanted), (_short_views(keymap, situation), 0)):
        cells = sum(item.width for item in form)
        if cells + spared <= left:
            chosen_views, left = form, left - cells
            break
    chosen = {offer.label for offer, _ in usable if offer.rank <= _VIEWS_RANK}
    for offer, item in sorted(usable, key=lambda each: each[0].rank):
        if offer.label not in chosen and item.width <= left:
            chosen.add(offer.label)
            left -= item.width
    items = [item for offer, item in usable if offer.label in chosen]
    return (*items[:-1], *chosen_views, items[-1]) if situation.first else (*chosen_views, *items)


def _offered(offer: Offer, situation: Situation) -> bool:
    commands = [_BY_ID[name] for name in offer.ids]
    return (not offer.panes or not situation.panes.isdisjoint(offer.panes)) and all(
        (not command.panes or not situation.panes.isdisjoint(command.panes))
        and (not command.needs or getattr(situation, command.needs))
        for command in commands
    )


def _item(keymap: KeyMap, offer: Offer) -> KeyItem:
    click = offer.click or offer.ids[0]
    if offer.click:
        return KeyItem(((keymap.show(*offer.ids), click),), offer.label, click)
    keys = tuple((keymap.show(name), name) for name in offer.ids)
    return KeyItem(keys, offer.label, click, joined=all(len(text) == 1 and not text.isalnum() for text, _ in keys))


def _view_items(keymap: KeyMap, situation: Situation) -> tuple[KeyItem, ...]:
    ids = {f"view.{view.name}": view for view in keyed_views()}
    current = _keyed(situation.view)
    return tuple(
        KeyItem(((keymap.show(name), name),), view.short, name, current=view.name == current)
        for name, view in ids.items()
        if not view.needs or getattr(situation, view.needs) or view.name == current
    )


def _keyed(view: str) -> str:
    """The view whose key leads to a view: itself, or the one whose further page it is."""
    names = [*views()]
    at = names.index(view)
    while at > 0 and not views()[names[at]].key:
        at -= 1
    return names[at]


def _short_views(keymap: KeyMap, situation: Situation) -> tuple[KeyItem, ...]:
    """The keys of the views, the name of the one on screen."""
    return tuple(
        item if item.current else msgspec.structs.replace(item, label="") for item in _view_items(keymap, situation)
    )


VISITOR_LACKS = frozenset({"files", "depths", "terminal"})
"""What `Command.needs` and a visitor's screen in a browser does not have."""


def key_rows(
    keymap: KeyMap, *, replay: bool = True, visitor: bool = False, trade: bool = True
) -> list[tuple[str, str, str, str, str]]:
    """(group, keys, sentence, where, command id) of every command, the nine pair keys in one row.

    `where` holds the keys of the views it works in, "" for all of them. Commands that a visitor has not are left out
    for one.
    """
    rows: list[tuple[str, str, str, str, str]] = []
    for command in COMMANDS:
        if command.id in _NUMBERS[1:] or (command.needs == "replay" and not replay):
            continue
        if (visitor and command.needs in VISITOR_LACKS) or (command.needs == "trade" and not trade):
            continue
        if command.id == _NUMBERS[0]:
            row = (command.group, keymap.show(*_NUMBERS), "Show a pair of the tabs.", "", "pair.1 to pair.9")
        else:
            where = (
                ""
                if len(command.views) == len(views())
                else " ".join(dict.fromkeys(keymap.show(f"view.{_keyed(name)}") for name in command.views))
            )
            row = (command.group, keymap.show_all(command.id), command.tooltip, where, command.id)
        rows.append(row)
    return rows
