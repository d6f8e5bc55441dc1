"""A folder of service files: what is read, and every fault of all files in one go."""

import json
import os
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import get_args

import pytest

from katakei import config
from katakei.config import service_schema, yaml_document
from katakei.config.service_schema import CI_CLAIMS, CiAct
from katakei.config.services import MAX_FILES, fingerprint, read_services
from katakei.domain.access import RIGHTS
from katakei.domain.aws_place import AwsPlace
from katakei.domain.ci_identity import ALWAYS, CiSystem, github_values, gitlab_values
from katakei.domain.errors import UsageError
from katakei.domain.principals import Act
from katakei.domain.services import UNREADABLE_POLICY, Service

DOCS = Path(__file__).parents[3] / "docs"
EXAMPLE, SCHEMA = DOCS / "service.yml.example", DOCS / "service.schema.json"
SHOP = """\
service: shop
balancer: {alb: {target_groups: [web]}}
work: {ssm: {run: "./deploy"}}
"""


def read(folder: Path, allow_local: Sequence[str] = ()) -> tuple[Service, ...]:
    return read_services(folder, fingerprint(folder), allow_local)


def only(folder: Path, text: str, allow_local: Sequence[str] = ()) -> Service:
    (folder / "shop.yml").write_text(text)
    (service,) = [each for each in read(folder, allow_local) if each.file == "shop.yml"]
    return service


def test_service_file_is_a_katakei_yml(tmp_path: Path) -> None:
    service = only(tmp_path, SHOP)
    assert service.spec is not None
    assert service.spec.groups == ("web",)
    assert (service.name, service.file, service.faults) == ("shop", "shop.yml", ())
    assert service.place == AwsPlace()


def test_server_key_gives_place_release_and_freeze(tmp_path: Path) -> None:
    role = "arn:aws:iam::123456789012:role/katakei"
    server = f"""\
server:
  aws: {{profile: prod, role_arn: "{role}", external_id: "abc/1", region: eu-north-1}}
  release: v41
  frozen: the audit of November
"""
    service = only(tmp_path, SHOP + server)
    assert service.faults == ()
    assert service.place == AwsPlace("prod", role, "abc/1", "eu-north-1")
    assert service.place.account == "123456789012"
    assert (service.release, service.frozen) == ("v41", "the audit of November")
    assert "abc/1" not in repr(service)


def test_release_may_be_in_a_file_beside(tmp_path: Path) -> None:
    (tmp_path / "shop.release").write_text("v42\n")
    assert only(tmp_path, SHOP + "server: {release: {file: shop.release}}\n").release == "v42"


@pytest.mark.parametrize(
    ("server", "fault"),
    [
        ("{release: {file: missing}}", "shop.yml:4: server.release.file: missing: cannot be read"),
        ("{release: {file: ../secret}}", "shop.yml:4: server.release: must be a release in quotes, or {file: NAME}"),
        ("{release: 'v 1'}", "shop.yml:4: server.release: the release 'v 1' must be 1 to 128 characters"),
        ("{aws: {role_arn: 'arn:aws:iam::1:role/x'}}", "shop.yml:4: server.aws.role_arn: 'arn:aws:iam::1:role/x' is"),
        ("{aws: {external_id: abc}}", "shop.yml:4: server.aws: external_id has an effect only with role_arn"),
        ("{aws: {region: Tokyo}}", "shop.yml:4: server.aws.region: 'Tokyo' is not a region"),
        ("{aws: {regoin: eu-north-1}}", "shop.yml:4: server.aws.regoin: is not a known key; did you mean region?"),
        ("{frozen: true}", "shop.yml:4: server.frozen: must be text"),
        ("7", "shop.yml:4: server: must be keys with values"),
    ],
)
def test_faults_of_the_server_key_name_their_line(tmp_path: Path, server: str, fault: str) -> None:
    service = only(tmp_path, f"{SHOP}server: {server}\n")
    assert service.spec is None
    (found,) = service.faults
    assert found.startswith(fault)


def test_all_faults_are_reported_in_one_go(tmp_path: Path) -> None:
    service = only(tmp_path, "service: shop\nworkk: 1\nserver: {aws: {region: Tokyo}, release: 'v 1'}\n")
    assert [fault.split(":")[1] for fault in service.faults] == ["1", "1", "2", "3", "3"]
    assert service.name == "shop"


def test_faulty_file_still_tells_its_place(tmp_path: Path) -> None:
    service = only(tmp_path, "service: shop\nserver: {aws: {profile: prod, region: eu-north-1}}\n")
    assert service.spec is None
    assert service.place == AwsPlace("prod", region="eu-north-1")


@pytest.mark.parametrize("text", ["a: [", "\tx", "- 1\n", "service: [x]\n", "service: 'a b'\n"])
def test_file_without_a_readable_name_is_called_by_its_file(tmp_path: Path, text: str) -> None:
    service = only(tmp_path, text)
    assert (service.name, service.spec) == ("shop.yml", None)
    assert service.faults


def test_two_files_with_one_service_name_are_both_faulty(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(f"# the first\n{SHOP}")
    (tmp_path / "b.yaml").write_text(SHOP)
    first, second = read(tmp_path)
    assert first.faults == ("a.yml:2: service: shop is also the name in b.yaml; keep one of them",)
    assert second.faults == ("b.yaml:1: service: shop is also the name in a.yml; keep one of them",)
    assert first.spec is second.spec is None


LOCAL = SHOP.replace('{ssm: {run: "./deploy"}}', '{local: {run: "./deploy", env: {TOKEN: {secret: TOKEN}}}}')


def test_local_work_is_refused_unless_allowed(tmp_path: Path) -> None:
    refused = only(tmp_path, LOCAL)
    assert refused.spec is None
    (fault,) = refused.faults
    assert fault.startswith("shop.yml:3: work.local: would run as the user of this server")
    assert only(tmp_path, LOCAL, ["shop"]).spec is not None
    assert only(tmp_path, LOCAL, ["other"]).spec is None


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (SHOP.replace("{ssm:", "{ssh:"), "3: work.ssh"),
        (SHOP.replace("{ssm:", "{manual: }\nrevert: {ssh:"), "4: revert.ssh"),
        (SHOP + "drain: {witness: ssh}\n", "4: drain.witness"),
    ],
)
def test_ssh_has_the_rights_of_the_server(tmp_path: Path, text: str, key: str) -> None:
    assert f"shop.yml:{key}: would run as the user of this server" in "\n".join(only(tmp_path, text).faults)


def test_local_revert_is_refused_as_well(tmp_path: Path) -> None:
    (fault,) = only(tmp_path, SHOP + 'revert: {local: {run: "./back"}}\n').faults
    assert fault.startswith("shop.yml:4: revert.local: would run as the user of this server")


def test_secret_cannot_come_in_by_another_way(tmp_path: Path) -> None:
    text = SHOP.replace('"./deploy"', '"./deploy", env: {TOKEN: {secret: TOKEN}}')
    (fault,) = only(tmp_path, text).faults
    assert fault.startswith("shop.yml:3: work.ssm.env.TOKEN: Run Command would show the value of a secret")


def test_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "services"
    folder.mkdir()
    (tmp_path / "outside.yml").write_text(SHOP)
    (folder / "shop.yml").symlink_to(tmp_path / "outside.yml")
    (service,) = read(folder)
    assert service.faults == ("shop.yml: is a link to a file outside of the services folder; put the file into it",)


def test_links_of_a_config_map_are_followed(tmp_path: Path) -> None:
    (tmp_path / "..2026_11_28").mkdir()
    (tmp_path / "..2026_11_28" / "shop.yml").write_text(SHOP)
    (tmp_path / "..data").symlink_to("..2026_11_28")
    (tmp_path / "shop.yml").symlink_to("..data/shop.yml")
    (service,) = read(tmp_path)
    assert service.spec is not None


def test_pipe_folder_and_dangling_link_are_faults(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yml")
    (tmp_path / "folder.yml").mkdir()
    (tmp_path / "gone.yml").symlink_to("nothing.yml")
    faults = {service.file: service.faults for service in read(tmp_path)}
    assert faults["pipe.yml"] == ("pipe.yml: is not a regular file; remove it from the services folder",)
    assert faults["gone.yml"][0].startswith("gone.yml: cannot be read (No such file or directory)")
    assert faults["folder.yml"][0].startswith("folder.yml: cannot be read (Is a directory)")


def test_file_that_is_too_large_or_no_text_is_a_fault(tmp_path: Path) -> None:
    assert only(tmp_path, SHOP + "#" * 300_000).faults == (
        "shop.yml: has more than 256 KiB; check whether it is a configuration",
    )
    (tmp_path / "shop.yml").write_bytes(b"\xff\xfe")
    (service,) = read(tmp_path)
    assert service.faults == ("shop.yml: the file is not UTF-8 text; save it as UTF-8",)


def test_other_and_hidden_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# hello")
    (tmp_path / ".shop.yml.swp").write_text("x")
    assert read(tmp_path) == ()
    assert set(fingerprint(tmp_path)) == {"README.md"}


def test_folder_with_too_many_files_is_refused(tmp_path: Path) -> None:
    for n in range(MAX_FILES + 1):
        (tmp_path / f"{n}.yml").touch()
    with pytest.raises(UsageError, match="more than 1000 files"):
        fingerprint(tmp_path)
    with pytest.raises(UsageError, match="cannot be read"):
        fingerprint(tmp_path / "nowhere")


POLICY = """\
server:
  policy:
    start: [kim, "role:approver", "ci:main"]
    approve: ["role:approver"]
    four_eyes: true
    ci:
      - name: main
        system: github
        claims: {repository_id: "1", repository_owner_id: "2", ref: refs/heads/main, environment: production}
        acts: [start, abort]
        lifetime: 30m
"""


def test_policy_and_ci_jobs_are_read(tmp_path: Path) -> None:
    service = only(tmp_path, SHOP + POLICY)
    assert service.faults == ()
    policy = service.policy
    assert (policy.start, policy.approve, policy.abort) == (
        ("kim", "role:approver", "ci:main"),
        ("role:approver",),
        (),
    )
    assert policy.four_eyes
    (job,) = policy.ci
    assert job.issuer == "https://token.actions.githubusercontent.com"
    assert dict(job.claims)["environment"] == "production"
    assert job.acts == {Act.START, Act.ABORT}
    assert job.lifetime == timedelta(minutes=30)


@pytest.mark.parametrize(
    ("wrong", "right", "fault"),
    [
        ("ci:other", "ci:main", "shop.yml:5: server.policy: ci:other names no CI job of this file"),
        ("role:boss", "role:approver", "shop.yml:6: server.policy.start[1]: 'role:boss' names no role"),
        ("rule:admin", "role:approver", "shop.yml:6: server.policy.start[1]: 'rule:admin' is neither"),
        ('" "', "kim", "shop.yml:6: server.policy.start[0]: must be a name"),
        ("approve]", "abort]", "shop.yml:13: server.policy.ci[0].acts[1]: approve is not a known value"),
        ("repo", "repository_id", "shop.yml:10: server.policy.ci[0]: repo is no claim that can be compared"),
        ("'*'", "refs/heads/main", "shop.yml:10: server.policy.ci[0]: the CI binding main has a wildcard"),
        ("nobody", "repository_owner_id", "shop.yml:10: server.policy.ci[0]: nobody is no claim"),
        ("25h", "30m", "shop.yml:10: server.policy.ci[0]: the CI binding main has a lifetime"),
        ("1", '"1"', "shop.yml:12: server.policy.ci[0].claims.repository_id: must be text; put it in quotes"),
    ],
)
def test_faults_of_the_policy_name_their_line(tmp_path: Path, wrong: str, right: str, fault: str) -> None:
    service = only(tmp_path, SHOP + POLICY.replace(right, wrong, 1))
    assert [each for each in service.faults if each.startswith(fault)], service.faults
    assert service.policy == UNREADABLE_POLICY


@pytest.mark.parametrize("text", ["service: [", "service: shop\nserver: 7\n", "- 1\n"])
def test_policy_that_cannot_be_read_limits_everything(tmp_path: Path, text: str) -> None:
    assert only(tmp_path, text).policy == UNREADABLE_POLICY


def test_other_fault_of_the_file_keeps_its_policy(tmp_path: Path) -> None:
    assert only(tmp_path, "service: shop\n" + POLICY).policy.approve == ("role:approver",)


def test_claims_are_those_that_tokens_give() -> None:
    github = dict.fromkeys([*CI_CLAIMS[CiSystem.GITHUB], "repository"], "x") | {"workflow_ref": "x/ci.yml@refs"}
    assert set(github_values(github)) == CI_CLAIMS[CiSystem.GITHUB]
    gitlab = dict.fromkeys([*CI_CLAIMS[CiSystem.GITLAB], "project_path"], "x") | {"ref_type": "branch"}
    assert set(gitlab_values(gitlab | {"ci_config_ref_uri": "host/x//ci.yml@r"})) == CI_CLAIMS[CiSystem.GITLAB]


def test_acts_of_ci_jobs_are_those_of_the_rights() -> None:
    assert set(get_args(CiAct)) == {act.value for act, right in RIGHTS.items() if right.ci and act not in ALWAYS}


def test_documented_example_uses_every_key_of_the_schema(tmp_path: Path) -> None:
    service = only(tmp_path, EXAMPLE.read_text())
    assert service.faults == ()
    assert service.place.external_id == "5f2c9b71-shop"
    written = yaml_document.read(EXAMPLE.read_text(), "example").data["server"]
    assert set(written) == set(service_schema.Server.model_fields)
    assert set(written["aws"]) == set(service_schema.Aws.model_fields)
    assert set(written["policy"]) == set(service_schema.Policy.model_fields)
    assert set(written["policy"]["ci"][0]) == set(service_schema.CiJob.model_fields)


def test_published_service_schema_is_up_to_date() -> None:
    text = json.dumps(service_schema.schema(), indent=2, ensure_ascii=False) + "\n"
    assert SCHEMA.read_text() == text, "run: make docs"


def test_server_key_is_refused_outside_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "katakei.yml").write_text(SHOP + "server: {release: v1}\n")
    with pytest.raises(UsageError, match=r"katakei.yml:4: server: has an effect only in the services folder"):
        config.load(tmp_path / "katakei.yml", config.Overrides())
