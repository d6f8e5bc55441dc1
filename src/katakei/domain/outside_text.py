r"""Text from outside made harmless: Name tags, reasons of AWS, answers and output of targets, names of people.

Adapters call `one_line` where such text enters, and views call both functions again where it is shown: journals of
older versions hold it as it came. Nothing here changes ids, addresses or ARNs, which are compared with AWS.

What could act on a terminal, a page or the log of a CI system is written out (`\x1b`, `\u202e`):

* control characters (C0, C1, DEL), with which every escape sequence begins (CSI, OSC, DCS);
* characters that are not seen: those that change the direction of text, those without width, tags, fillers;
* halves of surrogate pairs and noncharacters, which no output can encode;
* commands to the system that runs a CI job: `::error` where a line begins (GitHub Actions), and `##[error]`,
  `##vso[…]` or `##teamcity[…]` anywhere in a line (GitHub Actions, Azure Pipelines, TeamCity).
"""

import re

_COLOR = re.compile(r"\x1b\[[0-9;:]*m")
_LINE_END = re.compile(r"[ \t]*[\n\r\t\v\f\x1c-\x1e\x85\u2028\u2029][\s\u2028\u2029]*")
_HIDDEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters; line feed and tab stay
    r"\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0"  # shown as nothing
    r"\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\ufffb"  # zero width, direction, line and paragraph ends
    r"\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff\U0001fffe\U0001ffff\U0010fffe\U0010ffff"  # encoded by no output
    r"\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff]"
)
_AT_START = re.compile(r"^([^\S\n]*):(?=:)", re.MULTILINE)
_NUMBER_SIGN = re.compile(r"#(?=#)")
_ANYWHERE = re.compile(r"#(?=#\w*\[)")


def one_line(text: str) -> str:
    """Text from outside as one harmless line.

    Args:
        text: A name, a reason, or an answer.

    Returns:
        The text with every line end and tab as one space, without colors, and with whatever could act written out.
        Applied twice it changes nothing more.
    """
    if text.isascii() and text.isprintable() and "::" not in text and "##" not in text:
        return text.strip()
    return harmless(_LINE_END.sub(" ", _COLOR.sub("", text))).strip()


def harmless(text: str) -> str:
    r"""Output of a program without anything that a terminal, a page or a CI system would act on.

    Colors are removed, everything else that could act is written out (`\x1b`). Line ends and tabs stay.
    """
    plain = _COLOR.sub("", text.replace("\r\n", "\n"))
    return without_commands(_HIDDEN.sub(lambda found: written_out(found[0]), plain))


def without_commands(text: str) -> str:
    """The text with the first character of each command to a CI system written out."""
    if "::" not in text and "##" not in text:
        return text
    return _ANYWHERE.sub(r"\\x23", _AT_START.sub(r"\1\\x3a", text))


def hidden(text: str) -> bool:
    """Whether any character in it could act on a terminal or would not be seen; line feeds and tabs do not count."""
    return _HIDDEN.search(text) is not None


def written_out(character: str) -> str:
    r"""One character as its escape: `\x1b`, `\u202e` or `\U000e0001`."""
    number = ord(character)
    if number <= 0xFF:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"


def escaped_json(text: str) -> str:
    r"""JSON text that no terminal and no CI system acts on, with the same value.

    Args:
        text: What `json.dumps` returned. Every character that could act is inside a string there, so that `\u` escapes
            keep the value.
    """
    if text.isprintable() and "##" not in text:
        return text
    plain = _NUMBER_SIGN.sub(r"\\u0023", text)
    return _HIDDEN.sub(lambda found: _json_escape(ord(found[0])), plain)


def _json_escape(number: int) -> str:
    if number <= 0xFFFF:
        return f"\\u{number:04x}"
    high, low = divmod(number - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"
