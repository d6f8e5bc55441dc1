"""The width of text on a terminal: full-width characters take two columns.

Text of ASCII alone, which is nearly all text, loads no library: start-up time is a promise.
"""


def width(text: str) -> int:
    """How many columns this text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415 - rich costs short commands a tenth of their time

    return cell_len(text)


def padded(text: str, columns: int) -> str:
    """The text with spaces after it, so that it takes at least so many columns."""
    return text + " " * (columns - width(text))


def wrapped(text: str, columns: int, indent: str) -> str:
    """The text in lines of at most so many columns, each with this indent. Words are never broken."""
    lines = [""]
    for word in text.split():
        if lines[-1] and width(indent) + width(lines[-1]) + 1 + width(word) > columns:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".lstrip()
    return "\n".join(indent + line for line in lines)
