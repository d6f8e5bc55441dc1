"""The page docs/when-it-stops.md quotes messages that the source contains."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from katakei.domain.errors import ExitCode

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "when-it-stops.md").read_text(encoding="utf-8")
ROWS = [line.split(" | ")[0].removeprefix("| ") for line in PAGE.splitlines() if line.startswith("| `")]
FROM_AWS = {
    "skipped because AWS reports it as unused (Target is in the stopped state)": "skipped because AWS reports it as …"
}


def templates(path: Path) -> Iterator[str]:
    """Every string in a module, with … for each value in an f-string."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)


SAID = [text for path in (ROOT / "src" / "katakei").rglob("*.py") for text in templates(path)]


@pytest.mark.parametrize("sentence", [said for row in ROWS for said in re.findall(r"`([^`]+)`", row)])
def test_quoted_message_is_in_the_source(sentence: str) -> None:
    pieces = [piece.strip(" ;:()") for piece in re.split("…|; ", FROM_AWS.get(sentence, sentence))]
    missing = [piece for piece in pieces if piece and not any(piece in text for text in SAID)]
    assert not missing


def test_every_exit_code_has_its_section_in_order() -> None:
    assert [int(number) for number in re.findall(r"^## (\d+):", PAGE, re.MULTILINE)] == sorted(ExitCode)
