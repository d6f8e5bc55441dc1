"""CI jobs as principals: the claims of their OpenID Connect tokens, and the bindings of a service's policy.

Names of repositories never count: a name can be given to another repository after a rename. Ids decide
(docs/access.md). Every comparison is exact; there are no wildcards.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from katakei.domain.access_reasons import AccessCode, access_reason
from katakei.domain.principals import Act
from katakei.domain.reasons import Reason


class CiSystem(StrEnum):
    """The CI systems whose tokens are understood."""

    GITHUB = "github"
    GITLAB = "gitlab"


ISSUERS: Mapping[CiSystem, str] = {
    CiSystem.GITHUB: "https://token.actions.githubusercontent.com",
    CiSystem.GITLAB: "https://gitlab.com",
}
"""The issuer of each system; a system of one's own has another one, given in the configuration."""

IDS: Mapping[CiSystem, tuple[str, ...]] = {
    CiSystem.GITHUB: ("repository_id", "repository_owner_id"),
    CiSystem.GITLAB: ("project_id",),
}
"""The claims that identify a repository. A binding must have them."""

ALWAYS = frozenset({Act.READ, Act.LOGS, Act.PLAN})
"""What every CI job may do for its service, so that it can show how its rollout goes."""

LIFETIME = timedelta(hours=1)
MAX_LIFETIME = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class CiClaims:
    """The claims of a valid token, in the names of the bindings.

    Attributes:
        issuer: The issuer, exactly as configured.
        jti: The id of the token, which is accepted once.
        expires: When the token expires.
        values: The claims that a binding may compare, and no others.
        described: Repository, run and person as the CI system names them, for the audit log.
    """

    issuer: str
    jti: str
    expires: datetime
    values: Mapping[str, str]
    described: str = ""


@dataclass(frozen=True, slots=True)
class CiBinding:
    """The CI jobs that may use one service.

    Attributes:
        name: Its name in the policy. The journal and the audit log name the job `ci:NAME`.
        system: The CI system, which decides which claims are ids.
        issuer: The issuer, compared exactly.
        claims: The claims that a token must have, with their exact values; all ids of the system are among them.
        acts: What the job may do beside `ALWAYS`.
        lifetime: How long the short token is valid.
    """

    name: str
    system: CiSystem
    issuer: str
    claims: tuple[tuple[str, str], ...]
    acts: frozenset[Act]
    lifetime: timedelta = LIFETIME

    def __post_init__(self) -> None:
        required = dict(self.claims)
        missing = [name for name in (*IDS[self.system], "ref") if not required.get(name)]
        if missing:
            raise ValueError(f"the CI binding {self.name} has no {missing[0]}")
        if self.system is CiSystem.GITLAB and required.get("ref_protected") != "true":
            raise ValueError(f"the CI binding {self.name} must require ref_protected, because forks can forge a ref")
        if any("*" in value for _, value in self.claims):
            raise ValueError(f"the CI binding {self.name} has a wildcard, and there are none: give the exact value")
        if not timedelta() < self.lifetime <= MAX_LIFETIME:
            raise ValueError(f"the CI binding {self.name} has a lifetime that is not between 0 and 12 hours")


def find_binding(claims: CiClaims, service: str, bindings: Sequence[CiBinding]) -> CiBinding | Reason:
    """The first binding that a token matches, or why there is none.

    Args:
        claims: The claims of a token that was verified.
        service: The name of the service, for the reason.
        bindings: Those of the service's policy.

    Returns:
        A reason that names a claim only when the ids match: somebody else's repository learns nothing about a policy.
    """
    near = [each for each in bindings if each.issuer == claims.issuer and not _first_fault(claims, each, ids=True)]
    for each in near:
        if not _first_fault(claims, each, ids=False):
            return each
    if not near:
        return access_reason(AccessCode.CI_NOT_BOUND, service=service)
    fault = _first_fault(claims, near[0], ids=False)
    return access_reason(AccessCode.CI_CLAIM_DIFFERS, service=service, claim=fault, binding=near[0].name)


def _first_fault(claims: CiClaims, binding: CiBinding, *, ids: bool) -> str:
    """The first claim that is missing or differs, of the ids or of the others; ''."""
    known = IDS[binding.system]
    pairs = [(name, value) for name, value in binding.claims if (name in known) is ids]
    return next((name for name, value in pairs if claims.values.get(name) != value), "")


def github_values(token: Mapping[str, str]) -> Mapping[str, str]:
    """The claims of a GitHub token in the names of the bindings.

    Args:
        token: The claims whose values are text.

    Returns:
        `workflow` is the path of the workflow file, only when the file is in the repository of the job.
        https://docs.github.com/en/actions/reference/security/oidc names the claims.
    """
    plain = ("repository_id", "repository_owner_id", "ref", "ref_protected", "environment", "job_workflow_ref")
    values = {name: token[name] for name in plain if name in token}
    path = _within(token.get("workflow_ref", "").rpartition("@")[0], f"{token.get('repository', '')}/")
    return values | ({"workflow": path} if path else {})


def gitlab_values(token: Mapping[str, str]) -> Mapping[str, str]:
    """The claims of a GitLab token in the names of the bindings.

    Args:
        token: The claims whose values are text.

    Returns:
        `ref` is the full name (`refs/heads/main`). `workflow` is the path of the CI configuration, only when it is in
        the project of the job. https://docs.gitlab.com/ci/secrets/id_token_authentication names the claims.
    """
    values = {
        name: token[name] for name in ("project_id", "namespace_id", "ref_protected", "environment") if name in token
    }
    folder = {"branch": "refs/heads/", "tag": "refs/tags/"}.get(token.get("ref_type", ""))
    if folder and token.get("ref"):
        values["ref"] = folder + token["ref"]
    uri, project = token.get("ci_config_ref_uri", "").rpartition("@")[0], token.get("project_path", "")
    path = _within(uri.partition("/")[2], f"{project}//") if project else ""
    return values | ({"workflow": path} if path else {})


def _within(text: str, start: str) -> str:
    return text.removeprefix(start) if len(start) > 1 and text.startswith(start) else ""
