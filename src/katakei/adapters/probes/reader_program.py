"""The reader as text for targets: its modules become one program, and a shell finds a Python that can run it."""

import ast
import base64
import re
import zlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

_PACKAGE = "katakei.adapters.probes.wire"
READER = ("http1", "connection", "tracker", "kernel", "client", "reader")
"""The modules of the reader, each after those that it imports."""

CLIENT = ("client",)
"""The modules that only ask a reader."""

_WIDTH = 4_000
_SHELL = """python=''
for each in python3 /usr/bin/python3 /usr/libexec/platform-python; do
"$each" -c 'import sys; sys.exit(sys.version_info < (3, 6))' 2>/dev/null && python=$each && break
done
if [ -z "$python" ]; then
%s
fi
KATAKEI_STATE=${KATAKEI_STATE:-}
export KATAKEI_STATE
"$python" -c 'import base64,sys,zlib;exec(zlib.decompress(base64.b64decode(sys.stdin.read())))' "$@" <<'END_OF_PROGRAM'
%s
END_OF_PROGRAM
"""
_SKIP = 'case " $* " in *" mode=pass "*) exit 77 ;; esac\n'
"""A target without a reader, in a program for several."""

NO_PYTHON = "it has no python3 of version 3.6 or later"


@cache
def start_program() -> str:
    """The program that finds or begins a reader, and prints its answer."""
    return _SHELL % (f"echo 'katakei-requests 0'; echo 'unable {NO_PYTHON}'; echo katakei-end; exit 0", packed(READER))


@cache
def ask_program() -> str:
    """The program that asks a reader, or ends it."""
    gone = f"echo 'katakei-requests 0'; echo 'gone {NO_PYTHON}'; echo katakei-end; exit 76"
    return _SKIP + _SHELL % (gone, packed(CLIENT))


def packed(modules: Sequence[str]) -> str:
    """The modules as one compressed program, in lines of base64."""
    text = base64.b64encode(zlib.compress(joined(modules).encode(), 9)).decode()
    return "\n".join(re.findall(f".{{1,{_WIDTH}}}", text))


def joined(modules: Sequence[str]) -> str:
    """One program without the docstrings of the modules, which ends with a call of the last one's `main`."""
    last = "main" if modules[-1] == "reader" else f"{modules[-1]}_main"
    body = [node for module in modules for node in _bare(module)]
    return ast.unparse(ast.Module(body, [])) + f"\nsys.exit({last}(sys.argv[1:]))\n"


def _bare(module: str) -> list[ast.stmt]:
    tree = ast.parse(files(_PACKAGE).joinpath(f"{module}.py").read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            node.body = [each for each in node.body if not _is_text(each)] or [ast.Pass()]
    return [node for node in tree.body if not _is_ours(node) and not isinstance(node, ast.If)]


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_ours(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and (node.module or "").startswith(_PACKAGE)
