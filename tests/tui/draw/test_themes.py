"""Every theme in every kind of terminal: legible, apart from each other, and of the colours it says."""

from __future__ import annotations

import itertools

import pytest
from rich.color import Color, ColorSystem
from rich.style import Style

from kraken_tui.tui.draw import contrast as rule
from kraken_tui.tui.draw.contrast import BADGES, BARS, GROUNDS, LEGIBLE, READ, VISIBLE
from kraken_tui.tui.draw.themes import (
    ALL_PALETTES,
    AUTO,
    PALETTES,
    ROLES,
    TRUE_COLOURS,
    Palette,
    _hex,
    add_theme,
    drop_theme,
    nearest_256,
    shown_colours,
    theme_of,
    worn,
)
from kraken_tui.tui.paint.styles import Styles, colours_of

RGB = tuple[int, int, int]


def rgb(text: str) -> RGB:
    return int(text[0:2], 16), int(text[2:4], 16), int(text[4:6], 16)


_XTERM = (
    "000000 cd0000 00cd00 cdcd00 0000ee cd00cd 00cdcd e5e5e5 7f7f7f ff0000 00ff00 ffff00 5c5cff ff00ff 00ffff ffffff"
)
_VGA = "000000 aa0000 00aa00 aa5500 0000aa aa00aa 00aaaa aaaaaa 555555 ff5555 55ff55 ffff55 5555ff ff55ff 55ffff ffffff"
_TANGO = (
    "2e3436 cc0000 4e9a06 c4a000 3465a4 75507b 06989a d3d7cf 555753 ef2929 8ae234 fce94f 729fcf ad7fa8 34e2e2 eeeeec"
)
_SOLAR = (
    "073642 dc322f 859900 b58900 268bd2 d33682 2aa198 eee8d5 002b36 cb4b16 586e75 657b83 839496 6c71c4 93a1a1 fdf6e3"
)

TERMINALS = {
    # Their 16 colours, their own text and ground.
    "xterm dark": (_XTERM, "e5e5e5", "000000"),
    "xterm light": (_XTERM, "000000", "ffffff"),
    "VGA": (_VGA, "aaaaaa", "000000"),
    "Tango dark": (_TANGO, "d3d7cf", "2e3436"),
    "Tango light": (_TANGO, "2e3436", "eeeeec"),
    "GNOME": (_TANGO, "ffffff", "171421"),
    "Solarized dark": (_SOLAR, "839496", "002b36"),
    "Solarized light": (_SOLAR, "657b83", "fdf6e3"),
}


def luminance(colour: RGB) -> float:
    """Relative luminance (WCAG 2.2)."""
    r, g, b = (c / 3294.6 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: RGB, other: RGB) -> float:
    """Contrast ratio (WCAG 2.2), 1 to 21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def shown(style: Style, system: ColorSystem, terminal: str = "xterm dark") -> tuple[RGB, RGB]:
    """Text and ground of a style as a terminal shows them."""
    sixteen, own_text, own_ground = TERMINALS[terminal]
    known = [rgb(each) for each in sixteen.split()]

    def one(colour: Color | None, default: str) -> RGB:
        assert colour is not None
        if colour.is_default:
            return rgb(default)
        reduced = colour.downgrade(system)
        if reduced.number is not None and reduced.number < 16:
            return known[reduced.number]
        triplet = reduced.get_truecolor()
        return triplet.red, triplet.green, triplet.blue

    text, ground = one(style.color, own_text), one(style.bgcolor, own_ground)
    return (ground, text) if style.reverse else (text, ground)


def keys(roles: tuple[str, ...], grounds: tuple[str, ...]) -> list[str]:
    return [role if ground == "bg" else f"{role}/{ground}" for role in roles for ground in grounds]


READ_KEYS = [*keys(READ, GROUNDS), *keys(("badge",), BADGES), "~warn", "~text"]
RICH = [name for name, palette in ALL_PALETTES.items() if not palette.ansi]
POOR = [name for name, palette in ALL_PALETTES.items() if palette.ansi]


def system_of(palette: str) -> ColorSystem:
    return ColorSystem.EIGHT_BIT if palette.endswith("-256") else ColorSystem.TRUECOLOR


def weak(palette: str, wanted: list[str], least: float, system: ColorSystem, terminal: str = "xterm dark") -> list[str]:
    styles = Styles(ALL_PALETTES[palette])
    found = [(key, contrast(*shown(styles.style(key), system, terminal))) for key in wanted]
    return [f"{key} {ratio:.2f}" for key, ratio in found if ratio < least]


@pytest.mark.parametrize("name", ALL_PALETTES)
def test_every_role_has_a_colour(name: str) -> None:
    palette = ALL_PALETTES[name]
    assert palette.name == name
    assert set(palette.colours) == set(ROLES)
    assert all(colour.startswith("#") != palette.ansi for colour in palette.colours.values())
    assert theme_of(name) in PALETTES


@pytest.mark.parametrize("name", RICH)
def test_what_is_read_is_legible(name: str) -> None:
    assert weak(name, READ_KEYS, LEGIBLE, system_of(name)) == []


@pytest.mark.parametrize("terminal", TERMINALS)
@pytest.mark.parametrize("name", POOR)
def test_what_is_read_in_16_colours_is_as_legible_as_the_terminal_can(name: str, terminal: str) -> None:
    # Solarized gives its own text 4.1:1 on its light ground; nobody can read better than that there.
    own = contrast(*shown(Styles(ALL_PALETTES[name]).style("text"), ColorSystem.STANDARD, terminal))
    assert own >= 4.1
    assert weak(name, READ_KEYS, min(LEGIBLE, own), ColorSystem.STANDARD, terminal) == []


@pytest.mark.parametrize("name", RICH)
def test_bars_are_seen(name: str) -> None:
    assert weak(name, keys(BARS, ("bg",)), VISIBLE, system_of(name)) == []
    assert weak(name, keys(BARS, GROUNDS), 1.5, system_of(name)) == []
    assert weak(name, keys(("faint", "rule"), ("bg",)), 1.25, system_of(name)) == []


@pytest.mark.parametrize("terminal", TERMINALS)
@pytest.mark.parametrize("name", POOR)
def test_bars_are_seen_in_16_colours(name: str, terminal: str) -> None:
    assert weak(name, keys(BARS, ("bg", "touch", "changed")), VISIBLE, ColorSystem.STANDARD, terminal) == []
    assert weak(name, keys(("faint", "rule"), ("bg",)), 1.25, ColorSystem.STANDARD, terminal) == []


@pytest.mark.parametrize("name", RICH)
def test_neighbours_are_told_apart(name: str) -> None:
    styles = Styles(ALL_PALETTES[name])

    def colour(role: str) -> RGB:
        return shown(styles.style(role), system_of(name))[0]

    for one, other in itertools.combinations(("text", "muted", "faint", "rule", "bg"), 2):
        assert contrast(colour(one), colour(other)) > 1.25, (one, other)
    for ground in ("touch", "cursor", "changed", "tab"):
        assert contrast(colour(ground), colour("bg")) > 1.1, ground
        assert colour(ground) != colour("touch") or ground == "touch"
    assert len({colour(role) for role in ("bid", "ask", "warn", "accent", "text", "muted")}) == 6
    for side in ("bid", "ask"):
        assert contrast(colour(side), colour(f"{side}-bar")) > 1.5


@pytest.mark.parametrize("name", [name for name in ALL_PALETTES if name.endswith("-256")])
def test_256_colours_are_the_ones_chosen(name: str) -> None:
    """Reduced by Rich, a colour arrives at its own number, so that nothing is left to rounding."""
    for role, text in ALL_PALETTES[name].colours.items():
        reduced = Color.parse(text).downgrade(ColorSystem.EIGHT_BIT)
        triplet = reduced.get_truecolor()
        assert reduced.number is not None
        assert all(abs(a - b) <= 8 for a, b in zip(triplet, rgb(text[1:]), strict=True)), role


@pytest.mark.parametrize("name", POOR)
def test_emphasis_in_16_colours_needs_no_colour(name: str) -> None:
    styles = Styles(ALL_PALETTES[name])
    for key in ("text/tab", "!bright/tab", "text/cursor", "bid-bar/cursor", "badge/warn", "badge/bad"):
        assert styles.style(key).reverse, key
    for key in ("text/changed", "text/touch", "bright", "warn", "bad"):
        assert styles.style(key).bold, key
    assert not styles.style("text").bold
    assert not styles.style("text").reverse


def test_the_heatmap_s_ramp_leads_away_from_the_ground() -> None:
    for name in RICH:
        colours = [shown(Styles(ALL_PALETTES[name]).style(f"heat{at}"), system_of(name))[0] for at in range(12)]
        brightness = [luminance(colour) for colour in colours]
        assert brightness == sorted(brightness, reverse=not ALL_PALETTES[name].dark), name


@pytest.mark.parametrize(
    ("theme", "colours", "expected"),
    [
        (AUTO, TRUE_COLOURS, "dark"),
        (AUTO, 256, "dark-256"),
        (AUTO, 16, "terminal"),
        (AUTO, 0, "terminal"),
        ("dark", TRUE_COLOURS, "dark"),
        ("dark", 16, "dark-16"),
        ("light", 256, "light-256"),
        ("light", 16, "light-16"),
        ("light", 0, "terminal"),
        ("terminal", TRUE_COLOURS, "terminal"),
        ("terminal", 256, "terminal"),
        ("terminal", 16, "terminal"),
        ("nonsense", 256, "dark-256"),
    ],
)
def test_which_palette_is_worn(theme: str, colours: int, expected: str) -> None:
    assert worn(theme, colours) == expected
    if colours and theme in PALETTES:
        assert theme_of(expected) == theme


def test_rich_s_names_for_terminals_are_known() -> None:
    assert [colours_of(name) for name in ("truecolor", "256", "standard", "windows", None)] == [1 << 24, 256, 16, 16, 0]


def test_a_pale_palette_would_be_noticed() -> None:
    pale = Palette("pale", {**PALETTES["dark"].colours, "muted": "#50565c"})
    ratio = contrast(*shown(Styles(pale).style("muted"), ColorSystem.TRUECOLOR))
    assert ratio < LEGIBLE


# -- the rule for the user's own ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RICH)
def test_the_built_in_themes_keep_the_rule_for_the_user_s(name: str) -> None:
    assert rule.weaknesses(shown_colours(ALL_PALETTES[name])) == []


@pytest.mark.parametrize("name", RICH)
def test_the_rule_counts_as_the_tests_do(name: str) -> None:
    styles = Styles(ALL_PALETTES[name])
    colours = ALL_PALETTES[name].colours
    for key in READ_KEYS[:-2]:
        role, _, ground = key.partition("/")
        own = rule.contrast(rule.rgb(colours[role]), rule.rgb(colours[ground or "bg"]))
        seen = contrast(*shown(styles.style(key), ColorSystem.TRUECOLOR))
        assert own == pytest.approx(seen), key


@pytest.mark.parametrize(
    ("role", "colour", "ground", "least"),
    [
        ("muted", "#50565c", "changed", 4.5),
        ("bid-bar", "#101820", "cursor", 1.5),
        ("rule", "#0d1118", "bg", 1.25),
        ("tab", "#0e1218", "bg", 1.1),
    ],
)
def test_what_is_pale_is_named_with_the_worst_ground_first(role: str, colour: str, ground: str, least: float) -> None:
    found = rule.weaknesses({**PALETTES["dark"].colours, role: colour})
    assert {role} <= {each.role for each in found} | {each.ground for each in found}
    assert any((each.role, each.ground, each.least) == (role, ground, least) for each in found)
    assert [each.ratio / each.least for each in found] == sorted(each.ratio / each.least for each in found)
    assert all(each.ratio < each.least for each in found)


def test_the_nearest_of_256_is_itself() -> None:
    for number in range(16, 256):
        shown_as = shown_colours(Palette("x-256", {"bg": _hex(number)}))["bg"]
        assert shown_colours(Palette("x-256", {"bg": _hex(nearest_256(shown_as))}))["bg"] == shown_as
    assert shown_colours(Palette("x-256", {"bg": _hex(255)})) == {"bg": "#eeeeee"}
    assert _hex(nearest_256("#4fc46c")) == "#5fd75f"


def test_a_theme_of_the_user_s_has_a_palette_for_every_terminal() -> None:
    add_theme("desk", {"bid": "#00ff00", "bg": "#ffffff"}, "light")
    try:
        assert list(PALETTES) == ["dark", "light", "colour-blind", "terminal", "desk"]
        assert [worn("desk", colours) for colours in (TRUE_COLOURS, 256, 16, 0)] == [
            "desk", "desk-256", "desk-16", "terminal",
        ]  # fmt: skip
        for name in ("desk", "desk-256", "desk-16"):
            palette = ALL_PALETTES[name]
            assert (palette.name, theme_of(name), palette.dark) == (name, "desk", False)
            assert set(palette.colours) == set(ROLES)
        assert ALL_PALETTES["desk"].colours["bid"] == "#00ff00"
        assert ALL_PALETTES["desk"].colours["ask"] == PALETTES["light"].colours["ask"]
        assert ALL_PALETTES["desk-256"].colours["ask"] == ALL_PALETTES["light-256"].colours["ask"]
        assert ALL_PALETTES["desk-16"].colours == ALL_PALETTES["light-16"].colours
    finally:
        drop_theme("desk")
    assert "desk" not in PALETTES
    assert not {"desk", "desk-256", "desk-16"} & set(ALL_PALETTES)


@pytest.mark.parametrize(
    ("ground", "dark"), [("#000000", True), ("#303030", True), ("#808080", False), ("#fafafa", False)]
)
def test_whether_a_theme_is_dark_is_seen_from_its_ground(ground: str, dark: bool) -> None:
    add_theme("own", {**PALETTES["dark"].colours, "bg": ground})
    try:
        assert ALL_PALETTES["own"].dark is dark
        assert ALL_PALETTES["own-16"].colours == ALL_PALETTES["dark-16" if dark else "light-16"].colours
    finally:
        drop_theme("own")
