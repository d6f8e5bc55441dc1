"""Options of a lab, and the facts that a running lab reports. Plain values that are cheap to import."""

import base64
import json
import re
import secrets
from dataclasses import asdict, dataclass, field
from datetime import timedelta

from katakei.lab.errors import LabError

REGION = "ap-northeast-1"
ACCOUNT = "123456789012"
GROUP = "LaravelTargetGroup"
BALANCER = "laravel"
MAX_TARGETS = 200


@dataclass(frozen=True, slots=True)
class LabOptions:
    """The lab to set up. The defaults are those of a typical first user.

    Intervals and delays that AWS would reject are allowed, because the lab calls itself without validation.

    Attributes:
        targets: number of servers.
        delay: deregistration delay.
        lag: time by which traffic follows the API.
        interval: time between two health checks.
        port: port of the target group.
        zones: letters (`a`) or full zone names.

    Raises:
        LabError: an option is out of range.
    """

    targets: int = 2
    delay: timedelta = timedelta(seconds=300)
    lag: timedelta = timedelta(0)
    interval: timedelta = timedelta(seconds=10)
    port: int = 80
    zones: tuple[str, ...] = ("a", "c")

    def __post_init__(self) -> None:
        for fine, complaint in (
            (0 <= self.targets <= MAX_TARGETS, f"--targets takes 0 to {MAX_TARGETS}"),
            (timedelta(0) <= self.delay <= timedelta(hours=1), "--delay takes 0 to 3600 seconds, as on AWS"),
            (timedelta(0) <= self.lag <= timedelta(minutes=10), "--lag takes 0 to 600 seconds"),
            (timedelta(seconds=0.2) <= self.interval <= timedelta(minutes=5), "--interval takes 0.2 to 300 seconds"),
            (1 <= self.port <= 65535, "--port takes 1 to 65535"),
            (bool(self.zones) and len(self.zones) <= 4, "--zones takes one to four zones"),
            (len(set(self.zone_names)) == len(self.zones), "--zones names a zone twice"),
            (all(re.fullmatch(rf"{REGION}[acd]", z) for z in self.zone_names), f"the zones of {REGION} are a, c and d"),
        ):
            if not fine:
                raise LabError(complaint)

    @property
    def zone_names(self) -> tuple[str, ...]:
        """The full names of the zones."""
        return tuple(REGION + zone if len(zone) == 1 else zone for zone in self.zones)


@dataclass(frozen=True, slots=True)
class Target:
    """One server of the lab's own group. `port` is the API's port, `folder` holds the server's files."""

    id: str
    port: int
    address: str
    zone: str
    folder: str


@dataclass(frozen=True, slots=True)
class LabInfo:
    """The facts about a running lab: the one JSON line of `lab up --json`.

    `env` holds the variables that point any AWS client at the lab.
    """

    endpoint: str
    url: str
    target_group_arn: str
    load_balancer_arn: str
    targets: tuple[Target, ...]
    env: dict[str, str] = field(default_factory=dict)

    def line(self) -> str:
        """Returns the facts as one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, line: str) -> "LabInfo":
        """Parse that line."""
        known = json.loads(line)
        return cls(**known | {"targets": tuple(Target(**target) for target in known["targets"])})


@dataclass(frozen=True, slots=True)
class AccessKey:
    """An access key. Who knows the secret commands the lab."""

    id: str
    secret: str = field(repr=False)


def new_access_key(prefix: str = "LAB") -> AccessKey:
    """Returns a new random key: 20 letters and digits, as moto expects, and a secret of 240 random bits."""
    letters = base64.b32encode(secrets.token_bytes(15)).decode()
    return AccessKey((prefix + letters)[:20], secrets.token_urlsafe(30))


LAB_KEY = "KATAKEI_LAB_KEY"
"""The variable with the secret that `/_lab` asks for in the header `X-Katakei-Lab-Key`."""


def environment(endpoint: str, group: str, key: AccessKey) -> dict[str, str]:
    """Returns the variables that point an AWS client at the lab and keep it away from every real account."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": key.id,
        "AWS_SECRET_ACCESS_KEY": key.secret,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "TARGET_GROUP_ARN": group,
        LAB_KEY: key.secret,
    }
