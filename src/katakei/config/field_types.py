"""The types of single values in katakei.yml: durations, shares, matchers, and the variables of `env`.

Each parser raises ValueError with a message that says what to write instead; pydantic collects the messages.
"""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, StringConstraints, WithJsonSchema

from katakei.domain.notifications import SecretPlace
from katakei.domain.releases import BESIDE, NAME_PLACE
from katakei.domain.spec import RESERVED_VARIABLES, Share, Variable

SPAN = re.compile(r"(?=\d)(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?", re.ASCII)
NUMBER = re.compile(r"\d{1,18}", re.ASCII)
PERCENT = re.compile(r"(\d{1,3})%", re.ASCII)
CODES = re.compile(r"[1-5]\d\d(-[1-5]\d\d)?(,[1-5]\d\d(-[1-5]\d\d)?)*", re.ASCII)
SPAN_PATTERN = "^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$"
DELAY = "delay+"
VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,127}", re.ASCII)
PARAMETER = re.compile(r"[A-Za-z0-9_./:-]{1,1011}", re.ASCII)  # a name, a path or an ARN (ssm:GetParameter, `Name`)
FILE = re.compile(r"/[^\0-\x1f]{1,1023}")
RESERVED_PREFIX = "KATAKEI_"
NOT_BY_SSM = (
    "Run Command would show the value of a secret to others;"
    " write {ssm_parameter: /path}, which the target fetches with its own role"
)
NOT_BY_SSH = "works only with work: ssm; write {secret: NAME} and set NAME in the environment of katakei"
RELEASE_PATH = re.compile(r"(/[A-Za-z0-9._@+-]+){1,32}", re.ASCII)
SHARED_PART = re.compile(r"[A-Za-z0-9._@+][A-Za-z0-9._@+-]{0,127}", re.ASCII)
REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/@+-]{0,199}", re.ASCII)
SHA256 = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)
ARTIFACT_PLACE = re.compile(r"[a-z/][!-~]{1,1023}", re.ASCII)
SSH_VALUE = re.compile(r"[^\0-\x1f\x7f]{1,512}")
SSH_HOSTS = ("private_ip", "name", "id")
MAX_TAG = 128  # characters of the key of an EC2 tag
SSH_OPTIONS = (
    "AddressFamily",
    "BindAddress",
    "CertificateFile",
    "Ciphers",
    "Compression",
    "GlobalKnownHostsFile",
    "HostKeyAlgorithms",
    "IdentitiesOnly",
    "IdentityAgent",
    "IdentityFile",
    "KexAlgorithms",
    "MACs",
    "ProxyJump",
    "UserKnownHostsFile",
)
"""Options that neither run a program nor weaken the check of host keys. ProxyCommand is for a file of ssh_config."""


def span(value: object) -> timedelta:
    """A duration: '30s', '1m', '1m30s', '2h'."""
    match = SPAN.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        hint = f"{value}s" if isinstance(value, int) and not isinstance(value, bool) else "30s, 1m30s or 2h"
        raise ValueError(f"{value!r} is not a duration; write {hint}")
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def positive(value: object) -> timedelta:
    """A duration that is longer than zero."""
    length = span(value)
    if not length:
        raise ValueError("a limit must be longer than 0s; write 1m, for example")
    return length


def draining(value: object) -> tuple[bool, timedelta]:
    """The limit of a drain: 'delay', 'delay+60s', or a duration.

    Returns:
        Whether the group's deregistration delay counts, and the time that is added to it.
    """
    if value == "delay":
        return True, timedelta()
    if isinstance(value, str) and value.startswith(DELAY):
        return True, span(value.removeprefix(DELAY).strip())
    try:
        return False, positive(value)
    except ValueError as error:
        raise ValueError(f"{error}, or delay+60s") from error


def share(value: object) -> Share:
    """A number or a percentage. A number in quotes counts as a number."""
    if isinstance(value, str) and NUMBER.fullmatch(value):
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return Share(count=value)
    match = PERCENT.fullmatch(value) if isinstance(value, str) else None
    if match is None or int(match[1]) > 100:
        raise ValueError(f"{value!r} is neither a number nor a percentage; write 1 or 50%")
    return Share(percent=int(match[1]))


def some(value: object) -> Share:
    """A share that is not zero."""
    found = share(value)
    if not (found.count or found.percent):
        raise ValueError("must allow at least one target to be out; write 1 or more")
    return found


def codes(value: object) -> str:
    """An ELBv2 matcher of HTTP status codes: '200', '200-299', '200,204'."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not CODES.fullmatch(text):
        raise ValueError(f"{value!r} is not an HTTP status code; write 200, 200-299 or 200,204")
    if any(low > high for low, _, high in (part.partition("-") for part in text.split(",")) if high):
        raise ValueError(f"{value!r} is a range in the wrong order; write the smaller code first")
    return text


def without_nul(text: str) -> str:
    """Text without a NUL character, because no command line can carry one."""
    if "\0" in text:
        raise ValueError("contains a NUL character, which no command can carry; remove it")
    return text


def variable_name(name: str) -> str:
    """The name of a variable that the work finds in its environment."""
    if not VARIABLE.fullmatch(name):
        raise ValueError("is not a variable name; use capital letters, digits and _")
    if name.startswith(RESERVED_PREFIX):
        raise ValueError(f"begins with {RESERVED_PREFIX}, which is reserved; use another name")
    if name in RESERVED_VARIABLES:
        raise ValueError("would also change the programs that start the work; set it in the command itself")
    return name


def target_variable(value: object) -> Variable:
    """A variable of work that runs on the target: plain text, or an SSM parameter that the target fetches."""
    if _reference_kind(value) == "secret":
        raise ValueError(NOT_BY_SSM)
    parameter = _reference(value, "ssm_parameter", PARAMETER, "an SSM parameter", "/path")
    return Variable("", ssm_parameter=parameter) if parameter else _plain(value, "{ssm_parameter: /path}")


def local_variable(value: object) -> Variable:
    """A variable of work that runs on this machine: plain text, or a variable of the process that runs Katakei."""
    if _reference_kind(value) == "ssm_parameter":
        raise ValueError(
            "works only with work: ssm, where the target fetches it; write {secret: NAME} and set NAME in the"
            ' environment of katakei: NAME="$(aws ssm get-parameter --with-decryption --output text --query'
            ' Parameter.Value --name /path)"'
        )
    secret = _reference(value, "secret", VARIABLE, "an environment variable", "NAME")
    return Variable("", secret=secret) if secret else _plain(value, "{secret: NAME}")


def ssh_variable(value: object) -> Variable:
    """A variable of work by ssh: plain text, or a variable of the process that runs Katakei."""
    if _reference_kind(value) == "ssm_parameter":
        raise ValueError(NOT_BY_SSH)
    return local_variable(value)


def release_variable(value: object) -> Variable:
    """A variable of a release: plain text or a reference. Which reference is possible depends on the way."""
    return target_variable(value) if _reference_kind(value) == "ssm_parameter" else local_variable(value)


def release_path(path: str) -> str:
    """The folder of the releases: an absolute path of plain letters that means the same everywhere."""
    if not RELEASE_PATH.fullmatch(path) or {".", ".."} & set(path.split("/")):
        raise ValueError(f"{path!r} is not the absolute path of a folder; write /var/www/shop, for example")
    return path


def shared_name(name: str) -> str:
    """A file or folder that releases share, by its path in the release."""
    parts = name.removesuffix("/").split("/")
    if not all(SHARED_PART.fullmatch(part) for part in parts) or {".", "..", ".katakei"} & set(parts):
        raise ValueError(f"{name!r} is not a path inside of the release; write storage/ or .env, for example")
    return name


def revision(text: str) -> str:
    """A tag or a commit of a git repository, perhaps with {release} in it."""
    if not REVISION.fullmatch(text.replace(NAME_PLACE, "r")) or ".." in text:
        raise ValueError(f'{text!r} is not the name of a tag or commit; write "v{{release}}", for example')
    return text


def checksum(value: str) -> str:
    """A checksum in hexadecimal digits, or `beside`."""
    if value != BESIDE and not SHA256.fullmatch(value):
        raise ValueError(f"{value!r} is not a checksum; write 64 hexadecimal digits, or beside")
    return value.lower()


def artifact_place(text: str) -> str:
    """Where a release is found; `Source` checks the rest, which depends on the kind."""
    if not ARTIFACT_PLACE.fullmatch(text) or "{" in text.replace(NAME_PLACE, ""):
        raise ValueError(f"{text!r} is not the place of a release; only {{release}} may stand in braces")
    return text


def ssh_host(value: object) -> tuple[str, str]:
    """What names the host of a target, and the tag where it is a tag."""
    if isinstance(value, str) and value in SSH_HOSTS:
        return value, ""
    tag = value.get("tag") if isinstance(value, Mapping) and len(value) == 1 else None
    if not isinstance(tag, str) or not tag or len(tag) > MAX_TAG:
        raise ValueError(f"{value!r} names no host; write private_ip, name, id or {{tag: Host}}")
    return "tag", tag


def ssh_options(options: Mapping[str, str]) -> Mapping[str, str]:
    """Options of ssh_config(5) that neither run a program nor weaken the check of host keys."""
    for name, value in options.items():
        if name not in SSH_OPTIONS:
            raise ValueError(
                f"{name} is not an option that may be set here ({', '.join(SSH_OPTIONS)});"
                " write it into a file of ssh_config and name that with config:"
            )
        if not SSH_VALUE.fullmatch(value):
            raise ValueError(f"{name} must have a value of one line")
        if name.endswith("KnownHostsFile") and value.split() and set(value.split()) & {"/dev/null", "none"}:
            raise ValueError(f"{name} must name a file: without one, every host key would be accepted")
    return options


def notify_url(value: object) -> SecretPlace:
    """Where the URL of a notification is read: a variable of the process that runs Katakei, or a file."""
    if _reference_kind(value) == "file":
        path = value["file"] if isinstance(value, Mapping) else None
        if not isinstance(path, str) or not FILE.fullmatch(path):
            raise ValueError(f"{path!r} is not the path of a file; write {{file: /run/secrets/chat}}")
        return SecretPlace(file=path)
    variable = _reference(value, "secret", VARIABLE, "an environment variable", "NAME")
    if not variable:  # the value is not quoted: it may be the secret itself
        raise ValueError(
            "a URL holds a secret, which does not belong into this file; write {secret: NAME} or {file: /path}"
        )
    return SecretPlace(variable=variable)


def _reference_kind(value: object) -> str:
    """The only key of a reference; '' for any other value."""
    return str(next(iter(value))) if isinstance(value, Mapping) and len(value) == 1 else ""


def _reference(value: object, kind: str, pattern: re.Pattern[str], what: str, example: str) -> str:
    """The name in a reference of this kind; '' for any other value."""
    if not isinstance(value, Mapping) or _reference_kind(value) != kind:
        return ""
    name = value[kind]
    if not isinstance(name, str) or not pattern.fullmatch(name):
        raise ValueError(f"{name!r} is not the name of {what}; write {{{kind}: {example}}}")
    return name


def _plain(value: object, reference: str) -> Variable:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a value of a variable; write text in quotes, or {reference}")  # noqa: TRY004 - pydantic's way
    if "\0" in value:
        raise ValueError("contains a NUL character, which no environment can carry; remove it")
    return Variable("", value)


def _schema(pattern: str, example: str, *, count: int | None = None) -> WithJsonSchema:
    text: dict[str, Any] = {"type": "string", "pattern": pattern, "examples": [example]}
    return WithJsonSchema(text if count is None else {"anyOf": [{"type": "integer", "minimum": count}, text]})


def _one_of_references(*kinds: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {kind: {"type": "string"} for kind in kinds},
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
    }


def _env(kind: str, read: Callable[[object], Variable]) -> Any:
    reference = {
        "type": "object",
        "properties": {kind: {"type": "string"}},
        "required": [kind],
        "additionalProperties": False,
    }
    value = Annotated[Variable, BeforeValidator(read), WithJsonSchema({"anyOf": [{"type": "string"}, reference]})]
    return dict[Annotated[str, AfterValidator(variable_name)], value]


Span = Annotated[timedelta, BeforeValidator(span), _schema(SPAN_PATTERN, "1m30s")]
Limit = Annotated[timedelta, BeforeValidator(positive), _schema(SPAN_PATTERN, "15m")]
Draining = Annotated[
    tuple[bool, timedelta],
    BeforeValidator(draining),
    _schema("^(delay|(delay\\+)?([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?)$", "delay+60s"),
]
Some = Annotated[Share, BeforeValidator(some), _schema("^(100|[1-9]?[0-9])%$", "25%", count=1)]
Part = Annotated[Share, BeforeValidator(share), _schema("^(100|[1-9]?[0-9])%$", "50%", count=0)]
Codes = Annotated[str, BeforeValidator(codes), _schema("^[1-5][0-9]{2}([-,][1-5][0-9]{2})*$", "200-299", count=100)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._/@:+-]{1,128}$")]
Text = Annotated[str, StringConstraints(min_length=1, pattern=r"\S"), AfterValidator(without_nul)]
Url = Annotated[str, StringConstraints(pattern=r"^https?://[!-~]+$")]
UrlPath = Annotated[str, StringConstraints(pattern=r"^/[!-~]*$")]
NotifyUrl = Annotated[SecretPlace, BeforeValidator(notify_url), WithJsonSchema(_one_of_references("secret", "file"))]
TargetEnv = _env("ssm_parameter", target_variable)
LocalEnv = _env("secret", local_variable)
SshEnv = _env("secret", ssh_variable)
SshHost = Annotated[
    tuple[str, str],
    BeforeValidator(ssh_host),
    WithJsonSchema({"anyOf": [{"enum": list(SSH_HOSTS)}, _one_of_references("tag")]}),
]
InstanceType = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,30}\.[a-z0-9-]{1,30}$")]
SshUser = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.@\\-]{0,63}$")]
SshFile = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f-][^\x00-\x1f]{0,1022}$")]
SshOptions = Annotated[dict[str, str], AfterValidator(ssh_options)]
ReleaseEnv = dict[
    Annotated[str, AfterValidator(variable_name)],
    Annotated[
        Variable,
        BeforeValidator(release_variable),
        WithJsonSchema({"anyOf": [{"type": "string"}, _one_of_references("secret", "ssm_parameter")]}),
    ],
]
ReleasePath = Annotated[str, AfterValidator(release_path)]
SharedName = Annotated[str, AfterValidator(shared_name)]
Revision = Annotated[str, AfterValidator(revision)]
Checksum = Annotated[str, AfterValidator(checksum)]
ArtifactPlace = Annotated[str, AfterValidator(artifact_place)]
