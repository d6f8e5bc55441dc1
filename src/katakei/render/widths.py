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


def leading(text: str, columns: int) -> str:
    """The text with spaces before it, so that it takes at least so many columns."""
    return " " * (columns - width(text)) + text


OPENING, CLOSING = "「『(【", "、。・」』)】ーっゃゅょッャュョ々%,.:;"
"""Characters after which no line may end, and with which none may begin, in Japanese."""


def wrapped(text: str, columns: int, indent: str) -> str:
    """The text in lines of at most so many columns, each with this indent.

    Words are not broken. Only a long word of full-width characters is, between two of them: it is a whole sentence.
    """
    room, lines = columns - width(indent), [""]
    for unit in _units(text, room // 2):
        if lines[-1] and width((lines[-1] + unit).rstrip()) > room:
            lines[-1] = lines[-1].rstrip()
            lines.append(unit.lstrip())
        else:
            lines[-1] += unit
    return "\n".join(indent + line for line in [*lines[:-1], lines[-1].rstrip()])


def _units(text: str, longest: int) -> list[str]:
    """The parts between which a line may end: words with the space before them, and parts of longer words."""
    units: list[str] = []
    for word in text.split():
        space = " " if units else ""
        parts = [word] if width(word) <= longest else _parts(word)
        units += [space + parts[0], *parts[1:]]
    return units


def _parts(word: str) -> list[str]:
    parts = [""]
    for character in word:
        before = parts[-1][-1:]
        narrow = character.isascii() and before.isascii()
        if before and not narrow and character not in CLOSING and before not in OPENING:
            parts.append(character)
        else:
            parts[-1] += character
    return parts
