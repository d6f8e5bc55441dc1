"""`env:` of work: its names, and its three kinds of values, of which each kind of work understands two."""

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from katakei.domain.spec import RESERVED_VARIABLES, Variable

NAME = re.compile(r"[A-Z_][A-Z0-9_]{0,127}", re.ASCII)
PARAMETER = re.compile(r"[A-Za-z0-9_./:-]{1,1011}", re.ASCII)  # a name, a path or an ARN (ssm:GetParameter, `Name`)
OURS = "KATAKEI_"


def named(name: str) -> str:
    """A variable's name. Raises ValueError."""
    if not NAME.fullmatch(name):
        raise ValueError("is no name for a variable here; use capital letters, digits and _")
    if name.startswith(OURS):
        raise ValueError(f"begins with {OURS}, as only Katakei's own values do; give it another name")
    if name in RESERVED_VARIABLES:
        raise ValueError("would lead the programs beside the work astray; set it in the command itself")
    return name


def on_the_target(value: object) -> Variable:
    """A plain text, or what the target fetches. Raises ValueError."""
    if _kind(value) == "secret":
        raise ValueError(
            "a secret's value would travel through Run Command, where others can read it;"
            " write {ssm_parameter: /path}: the target fetches that with its own role"
        )
    parameter = _named(value, "ssm_parameter", PARAMETER, "an SSM parameter", "/path")
    return Variable("", ssm_parameter=parameter) if parameter else _plain(value, "{ssm_parameter: /path}")


def on_this_machine(value: object) -> Variable:
    """A plain text, or a variable of the process that runs Katakei. Raises ValueError."""
    if _kind(value) == "ssm_parameter":
        raise ValueError(
            "is fetched by targets only, with work: ssm; here write {secret: NAME}, and have NAME in the environment"
            ' of katakei: NAME="$(aws ssm get-parameter --with-decryption --output text --query Parameter.Value'
            ' --name /path)"'
        )
    secret = _named(value, "secret", NAME, "an environment variable", "NAME")
    return Variable("", secret=secret) if secret else _plain(value, "{secret: NAME}")


def _kind(value: object) -> str:
    """The one key of a reference; '' of everything else."""
    return str(next(iter(value))) if isinstance(value, Mapping) and len(value) == 1 else ""


def _named(value: object, kind: str, pattern: re.Pattern[str], what: str, example: str) -> str:
    """What a reference of this kind names, '' when the value is none. Raises ValueError."""
    if not isinstance(value, Mapping) or _kind(value) != kind:
        return ""
    name = value[kind]
    if not isinstance(name, str) or not pattern.fullmatch(name):
        raise ValueError(f"{name!r} is no name of {what}; write {{{kind}: {example}}}")
    return name


def _plain(value: object, reference: str) -> Variable:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no value for a variable; write text in quotes, or {reference}")  # noqa: TRY004 - pydantic's way
    if "\0" in value:
        raise ValueError("holds a NUL character, which no environment can carry; remove it")
    return Variable("", value)


def _env(kind: str, read: Callable[[object], Variable]) -> Any:
    reference = {
        "type": "object",
        "properties": {kind: {"type": "string"}},
        "required": [kind],
        "additionalProperties": False,
    }
    value = Annotated[Variable, BeforeValidator(read), WithJsonSchema({"anyOf": [{"type": "string"}, reference]})]
    return dict[Annotated[str, AfterValidator(named)], value]


OnTarget = _env("ssm_parameter", on_the_target)
OnThisMachine = _env("secret", on_this_machine)
