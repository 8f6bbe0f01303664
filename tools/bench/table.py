"""Tables of words and numbers, as Markdown that also reads well in a terminal."""

from collections.abc import Sequence


def render(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out a table; columns that hold no word are numbers and stand to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    words = [any(cell[:1].isalpha() for cell in column) for column in zip(*rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        padded = (
            cell.ljust(width) if left else cell.rjust(width)
            for cell, width, left in zip(cells, widths, words, strict=True)
        )
        return "| " + " | ".join(padded) + " |"

    rule = [
        "-" * width if left else "-" * (width - 1) + ":"
        for width, left in zip(widths, words, strict=True)
    ]
    return "\n".join(line(cells) for cells in [header, rule, *rows])


def milliseconds(seconds: float) -> str:
    """Write a time in milliseconds, with more digits where it is short."""
    return f"{seconds * 1000:.{1 if seconds >= 0.01 else 3}f}"
