"""What is shown on a terminal too small for honest numbers. Pure."""

from __future__ import annotations

from kraken_tui.tui.draw.runs import Line, blank


def draw_too_small(least: tuple[int, int], leave: str, width: int, height: int) -> list[Line]:
    """Say how large the terminal must be and how large it is, centred, on as many rows as it needs and there are.

    Args:
        least: Columns and rows below which no numbers are drawn.
        leave: Key that ends the program.
        width: Cells.
        height: Rows.
    """
    words = (
        f"kraken-tui needs {least[0]}x{least[1]}, better 80x24 or larger; this is {width}x{height}. {leave} quits"
    ).split()
    lines = [""]
    for word in words:
        longer = f"{lines[-1]} {word}".strip()
        if len(longer) > width - 2 and lines[-1]:
            lines.append(word)
        else:
            lines[-1] = longer
    top = max(0, (height - len(lines)) // 2)
    drawn: list[Line] = [blank(width) for _ in range(top)]
    drawn += [((line.center(width), "warn"),) for line in lines]
    return drawn[:height]
