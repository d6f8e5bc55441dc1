"""Tests of CI jobs as principals: bindings compare ids and claims exactly, and names of repositories never count."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.given import NOON

from katakei.domain.ci_identity import (
    ISSUERS,
    CiBinding,
    CiClaims,
    CiSystem,
    find_binding,
    github_values,
    gitlab_values,
)
from katakei.domain.principals import Act
from katakei.domain.reasons import Reason

GITHUB = {
    "repository": "acme/shop",
    "repository_id": "123",
    "repository_owner_id": "45",
    "ref": "refs/heads/main",
    "ref_protected": "true",
    "environment": "production",
    "workflow_ref": "acme/shop/.github/workflows/deploy.yml@refs/heads/main",
    "job_workflow_ref": "acme/lib/.github/workflows/roll.yml@refs/tags/v1",
    "sub": "repo:acme/shop:environment:production",
}
GITLAB = {
    "project_id": "7",
    "project_path": "acme/shop",
    "namespace_id": "3",
    "ref": "main",
    "ref_type": "branch",
    "ref_protected": "true",
    "environment": "production",
    "ci_config_ref_uri": "gitlab.example.com/acme/shop//.gitlab-ci.yml@refs/heads/main",
}
OF_GITHUB = (
    ("repository_id", "123"),
    ("repository_owner_id", "45"),
    ("ref", "refs/heads/main"),
    ("ref_protected", "true"),
    ("environment", "production"),
    ("workflow", ".github/workflows/deploy.yml"),
    ("job_workflow_ref", "acme/lib/.github/workflows/roll.yml@refs/tags/v1"),
)
OF_GITLAB = (("project_id", "7"), ("ref", "refs/heads/main"), ("ref_protected", "true"), ("environment", "production"))


def binding(system: CiSystem = CiSystem.GITHUB, name: str = "main", /, **changed: str | None) -> CiBinding:
    required = dict(OF_GITHUB if system is CiSystem.GITHUB else OF_GITLAB)
    claims = {name: value for name, value in {**required, **changed}.items() if value is not None}
    return CiBinding(name, system, ISSUERS[system], tuple(claims.items()), frozenset({Act.START}))


def claims(values: Mapping[str, str], system: CiSystem = CiSystem.GITHUB) -> CiClaims:
    return CiClaims(ISSUERS[system], "one", NOON, values)


def found(token: Mapping[str, str], *bindings: CiBinding, system: CiSystem = CiSystem.GITHUB) -> str:
    values = github_values(token) if system is CiSystem.GITHUB else gitlab_values(token)
    result = find_binding(claims(values, system), "shop", bindings)
    if not isinstance(result, Reason):
        return result.name
    return f"{result.code} {dict(result.data).get('claim', '')}".strip()


def test_job_with_every_claim_is_bound() -> None:
    assert found(GITHUB, binding()) == "main"
    assert found(GITLAB, binding(CiSystem.GITLAB), system=CiSystem.GITLAB) == "main"


@pytest.mark.parametrize("name", ["ref", "ref_protected", "environment", "job_workflow_ref"])
@pytest.mark.parametrize("value", ["other", "", None, "REFS/HEADS/MAIN", "refs/heads/main2"])
def test_claim_that_differs_or_is_missing_is_refused(name: str, value: str | None) -> None:
    token = {key: text for key, text in {**GITHUB, name: value}.items() if text is not None}
    assert found(token, binding()) == f"ci_claim_differs {name}"


@pytest.mark.parametrize("name", ["repository_id", "repository_owner_id"])
@pytest.mark.parametrize("value", ["666", "", None])
def test_job_of_another_repository_learns_nothing(name: str, value: str | None) -> None:
    token = {key: text for key, text in {**GITHUB, name: value, "ref": "x"}.items() if text is not None}
    assert found(token, binding()) == "ci_not_bound"


def test_name_of_the_repository_never_counts() -> None:
    """Somebody registers the old name of a renamed repository: the name is the same and the id is another."""
    assert found({**GITHUB, "repository_id": "666"}, binding()) == "ci_not_bound"
    renamed = {
        **GITHUB,
        "repository": "acme/store",
        "workflow_ref": "acme/store/.github/workflows/deploy.yml@refs/heads/main",
        "sub": "repo:acme@45/store@123:ref:refs/heads/main",
    }
    assert found(renamed, binding()) == "main"


def test_transferred_repository_is_refused() -> None:
    assert found({**GITHUB, "repository_owner_id": "46"}, binding()) == "ci_not_bound"


def test_claim_without_binding_does_not_count() -> None:
    free = binding(environment=None, workflow=None, job_workflow_ref=None, ref_protected=None)
    token = {name: GITHUB[name] for name in ("repository_id", "repository_owner_id", "ref")}
    assert found(token, free) == "main"


@pytest.mark.parametrize(
    "workflow_ref",
    [
        "acme/shop/.github/workflows/other.yml@refs/heads/main",
        "evil/shop/.github/workflows/deploy.yml@refs/heads/main",
        ".github/workflows/deploy.yml",
        "acme/shop/.github/workflows/deploy.yml",
        "",
    ],
)
def test_workflow_must_be_the_file_of_the_same_repository(workflow_ref: str) -> None:
    assert found({**GITHUB, "workflow_ref": workflow_ref}, binding()) == "ci_claim_differs workflow"


def test_token_without_repository_has_no_workflow() -> None:
    assert "workflow" not in github_values({"workflow_ref": "/x@y"})


def test_issuer_must_be_the_same() -> None:
    other = replace(binding(), issuer="https://github.example.com/_services/token")
    assert found(GITHUB, other) == "ci_not_bound"
    assert found(GITHUB) == "ci_not_bound"


def test_first_binding_that_fits_counts() -> None:
    staging = binding(CiSystem.GITHUB, "staging", environment="staging")
    assert found(GITHUB, staging, binding(), binding(CiSystem.GITHUB, "again")) == "main"
    assert found({**GITHUB, "environment": "other"}, staging, binding()) == "ci_claim_differs environment"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"project_id": "8"}, "ci_not_bound"),
        ({"ref_protected": "false"}, "ci_claim_differs ref_protected"),
        ({"ref_type": "tag"}, "ci_claim_differs ref"),
        ({"ref_type": "x"}, "ci_claim_differs ref"),
        ({"ref": ""}, "ci_claim_differs ref"),
        ({"environment": "x"}, "ci_claim_differs environment"),
        ({"project_path": "evil/fork"}, "ci_claim_differs workflow"),
        ({"project_path": ""}, "ci_claim_differs workflow"),
        (
            {"ci_config_ref_uri": "gitlab.example.com/evil/x//.gitlab-ci.yml@refs/heads/main"},
            "ci_claim_differs workflow",
        ),
    ],
    ids=str,
)
def test_job_of_gitlab_that_differs_is_refused(changed: Mapping[str, str], said: str) -> None:
    bound = binding(CiSystem.GITLAB, workflow=".gitlab-ci.yml")
    assert found(GITLAB, bound, system=CiSystem.GITLAB) == "main"
    assert found({**GITLAB, **changed}, bound, system=CiSystem.GITLAB) == said


@pytest.mark.parametrize(
    ("system", "changed", "said"),
    [
        (CiSystem.GITHUB, {"repository_id": None}, "has no repository_id"),
        (CiSystem.GITHUB, {"repository_owner_id": ""}, "has no repository_owner_id"),
        (CiSystem.GITHUB, {"ref": None}, "has no ref"),
        (CiSystem.GITHUB, {"ref": "refs/heads/*"}, "has a wildcard"),
        (CiSystem.GITHUB, {"environment": "*"}, "has a wildcard"),
        (CiSystem.GITLAB, {"project_id": None}, "has no project_id"),
        (CiSystem.GITLAB, {"ref_protected": None}, "must require ref_protected"),
        (CiSystem.GITLAB, {"ref_protected": "false"}, "must require ref_protected"),
    ],
    ids=str,
)
def test_binding_without_an_id_or_with_a_wildcard_is_refused(
    system: CiSystem, changed: Mapping[str, str | None], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        binding(system, **changed)


@pytest.mark.parametrize("lifetime", [timedelta(), timedelta(hours=12, seconds=1), timedelta(seconds=-1)])
def test_binding_has_a_bounded_lifetime(lifetime: timedelta) -> None:
    replace(binding(), lifetime=timedelta(hours=12))
    with pytest.raises(ValueError, match="between 0 and 12 hours"):
        replace(binding(), lifetime=lifetime)
