"""Volume at price on the rows of the book: point of control and value area. Pure."""

from __future__ import annotations

import msgspec

from kraken_tui.market.profile import Profile
from kraken_tui.tui.draw.format import quantity
from kraken_tui.tui.draw.runs import Line, blank, title_line

_EIGHTHS = " ▏▎▍▌▋▊▉█"


class ProfileView(msgspec.Struct, frozen=True, gc=False):
    """What the pane is drawn from.

    Attributes:
        high: Bucket of the topmost row.
        rows: Price rows.
        profile: The profile; None where nothing traded.
        over: What it is taken over, in a word or two.
        qty_precision: Decimals of a quantity.
        base: Unit of the volume.
    """

    high: int
    rows: int
    profile: Profile | None
    over: str
    qty_precision: int
    base: str


def draw_profile(view: ProfileView, width: int, height: int) -> list[Line]:
    """Draw the pane: one bar a price row, marks for POC, VAH and VAL."""
    profile = view.profile
    lines = [title_line("Profile", "", width)]
    if profile is None:
        lines.append((("nothing traded yet"[:width], "muted"),))
        return [*lines, *[blank(width)] * (height - len(lines))]
    total = quantity(profile.total, view.qty_precision, 8).strip()
    # The total goes first where not both fit.
    heading = f"{view.over} {total} {view.base}"
    lines.append((((heading if len(heading) <= width else view.over).rjust(width)[:width], "muted"),))
    room = max(1, width - 4)
    most = profile.volume[profile.poc]
    for bucket in range(view.high, view.high - view.rows, -1):
        lots = profile.volume.get(bucket, 0)
        eighths = round(room * 8 * lots / most) if lots else 0
        eighths = max(1, eighths) if lots else 0
        bar = "█" * (eighths // 8) + (_EIGHTHS[eighths % 8] if eighths % 8 else "")
        inside = profile.val <= bucket <= profile.vah
        role = "accent" if bucket == profile.poc else "title" if inside else "rule"
        lines.append(((bar.ljust(room), role), (_mark(profile, bucket).rjust(width - room), "muted")))
    lines += [blank(width)] * (height - len(lines))
    return lines[:height]


def _mark(profile: Profile, bucket: int) -> str:
    if bucket == profile.poc:
        return "POC"
    if bucket == profile.vah:
        return "VAH"
    return "VAL" if bucket == profile.val else ""
