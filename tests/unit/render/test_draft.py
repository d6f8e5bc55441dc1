"""Tests of the draft of katakei.yml: in every language it is a configuration, and the one that was meant."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.unit.given import a_group
from tests.unit.surveyed import DOWN, HEALTHY, a_survey

from katakei import config
from katakei.domain.errors import RefusedError
from katakei.domain.model import Group, TargetId
from katakei.domain.notifications import Language
from katakei.domain.spec import Check, Command, LatePolicy, Overlap, Spec, Window
from katakei.planning.draft import Draft, floor_for
from katakei.planning.reasons import PlanCode, reason
from katakei.render.draft import draft_data, draft_text
from katakei.render.translation import ENGLISH, Translator, translator

WEB = a_group()
JAPANESE = translator(Language.JAPANESE)
RUN = "./deploy \"$KATAKEI_RELEASE\" '片系' # now: {yes}"
NONE: Mapping[TargetId, str] = {}


def a_draft(work: Command | None = None, groups: tuple[Group, ...] = (WEB,), **more: object) -> Draft:
    work = work or Command("ssm", RUN)
    survey = a_survey((HEALTHY, HEALTHY, DOWN), groups)
    spec = Spec(
        service=groups[0].name,
        groups=tuple(group.name for group in groups),
        work=work,
        late=LatePolicy.ROLL,
        window=Window(floor=floor_for(groups, survey.members)),
        drain=config.defaults.default_drain(work.executor),
        overlap=Overlap.AUTO,
    )
    made = Draft(spec, groups, survey.members, NONE, given=True)
    return replace(made, **more)  # type: ignore[arg-type]  # a test's own choice of values


def read(tmp_path: Path, text: str) -> Spec:
    file = tmp_path / "katakei.yml"
    file.write_text(text, encoding="utf-8")
    return config.load(file, config.Overrides())


@pytest.mark.parametrize("tr", [ENGLISH, JAPANESE], ids=["en", "ja"])
@pytest.mark.parametrize(
    "made",
    [
        a_draft(),
        a_draft(Command("ssm", "set -e\n./a\n./b", errexit=True)),
        a_draft(Command("manual"), given=False),
        a_draft(groups=(WEB, replace(a_group(), arn=WEB.arn.replace("web", "api"), name="api"))),  # type: ignore[arg-type]  # as AWS gives it
    ],
    ids=["ssm", "lines", "manual", "groups"],
)
def test_draft_is_the_configuration_that_was_meant(tmp_path: Path, made: Draft, tr: Translator) -> None:
    assert read(tmp_path, draft_text(made, tr)) == made.spec


def test_draft_of_grpc_leaves_the_check_to_the_load_balancer(tmp_path: Path) -> None:
    made = a_draft()
    made = replace(made, spec=replace(made.spec, check=Check(asked=False)))
    assert read(tmp_path, draft_text(made, ENGLISH)) == made.spec


def test_draft_says_what_aws_told() -> None:
    head = draft_text(a_draft(), ENGLISH).splitlines()[:2]
    assert head[0].startswith("# yaml-language-server: $schema=https://")
    assert head[1].startswith(f"# {WEB.name}: 3 targets, 2 serving, in ")
    assert f"deregistration delay {ENGLISH.span(WEB.delay)}" in head[1]
    assert "ターゲット 3 台 (稼働 2)" in draft_text(a_draft(), JAPANESE)


def test_text_from_outside_stays_in_its_comment(tmp_path: Path) -> None:
    evil = "no agent\nwork: {local: {run: rm}}"
    off = [reason(PlanCode.UNUSED_GROUP, group=name) for name in ("web", "b\nx: 1")]
    refused = RefusedError(reasons=tuple(off))
    group = replace(WEB, check=replace(WEB.check, path="/up\nx: 1"))
    made = a_draft(Command("manual"), (group,), given=False, unready={TargetId("i-1"): evil}, refused=refused)
    text = draft_text(made, ENGLISH)
    assert read(tmp_path, text) == made.spec
    assert "# Run Command does not reach i-1, so a person does the work.\n#   no agent" in text
    assert "# `katakei plan` refuses this now:\n#   - " in text


def test_work_that_was_not_given_is_marked() -> None:
    assert "# Replace this command" in draft_text(a_draft(given=False), ENGLISH)
    assert "# Replace this command" not in draft_text(a_draft(), ENGLISH)


def test_json_names_the_file_and_the_next_command() -> None:
    made = a_draft(refused=RefusedError("no"), groups=(replace(WEB, delay=timedelta(seconds=5)),))
    assert draft_data(made, "web.yml", "katakei plan -f web.yml") == {
        "file": "web.yml",
        "groups": [WEB.name],
        "work": "ssm",
        "refused": "no",
        "next": "katakei plan -f web.yml",
    }
