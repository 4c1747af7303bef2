"""The pane of `kraken_tui.tui.draw.profile`."""

from __future__ import annotations

from kraken_tui.market.book.aggregation import aggregate_traded, step_of, visible_range
from kraken_tui.market.profile import profile_of, volume_of
from kraken_tui.tui.draw.heatmap import HEAD_ROWS
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.profile import ProfileView, draw_profile
from kraken_tui.tui.draw.runs import Line, title_line
from kraken_tui.tui.paint.pane import Pane


class ProfilePane(Pane):
    """Volume at price beside the book."""

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:
        """See `draw_profile`."""
        pair, choices = picture.pair, picture.choices
        rows = min(height - HEAD_ROWS, picture.price_rows or height - HEAD_ROWS)
        if pair is None or pair.spec is None or choices.centre is None or rows < 1:
            return [title_line("Profile", "", width)]
        step = step_of(pair.spec, max(1, choices.grouping))
        over = "session"
        if choices.heat.profile_seen and choices.heat.seen_ns is not None and picture.history is not None:
            over = "on screen"
            first_ns, last_ns = choices.heat.seen_ns
            heard = picture.history.trades.between(first_ns - 1, last_ns)
            volume = volume_of((entry.trade for entry in heard), step)
        else:
            volume = {bucket: at.bought + at.sold for bucket, at in aggregate_traded(pair.traded, step).items()}
        view = ProfileView(
            high=visible_range(choices.centre, rows)[1],
            rows=rows,
            profile=profile_of(volume),
            over=over,
            qty_precision=pair.spec.qty_precision,
            base=pair.spec.base,
        )
        return draw_profile(view, width, height)
