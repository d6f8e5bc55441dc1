"""The commands before a rollout, on the lab: an unedited draft works, its policy is enough, faults are found."""

import json
from datetime import timedelta

from tests.e2e.command import Katakei
from tests.e2e.ground import Ground
from tests.e2e.stage import Play, Plays, Stage
from tests.project.test_iam_calls import ACTIONS, OTHER_NAMES

from katakei.adapters.aws.services import SERVICES

RUN = 'echo "$KATAKEI_RELEASE" > release && ./bin/restart'
GROUP = "LaravelTargetGroup"
plays = Plays()


@plays.each()
def test_it(stage: Stage, play: Play) -> None:
    stage.show(play)


@plays.slow
def draft_is_planned_and_rolled_unedited_with_the_rights_of_its_policy(katakei: Katakei, ground: Ground) -> None:
    ground.set_delay(timedelta(seconds=15))
    written = katakei("init", GROUP, "--run", RUN)
    assert (written.code, written.out) == (0, "katakei.yml written; next: katakei plan\n"), written.all()
    assert katakei("config", "validate").code == 0
    assert katakei("plan").code == 0
    assert ground.changes() == []

    before = ground.places()
    healthy = katakei("doctor", "--json", within=120)
    assert (healthy.code, healthy.data["worst"]) == (0, "ok"), healthy.all()
    assert ground.places() == before

    allowed = _actions(katakei("iam", "--json").data["policy"])
    names = {service.iam: service.actions for service in SERVICES}
    others = [each for actions in names.values() for each in actions if _iam(each) not in allowed]
    ground.lab.faults(deny=[each for each in others if each != "GetCallerIdentity"])
    calls = len(ground.lab.calls())
    rolled = katakei("roll", "--release", "v2", "--yes", within=400)
    assert rolled.code == 0, rolled.all()
    assert ground.releases() == ["v2", "v2"]
    called = {str(call["action"]) for call in ground.lab.calls()[calls:]} & set(ACTIONS)
    assert {_iam(action) for action in called} <= allowed | {"sts:GetCallerIdentity"}


@plays
def faults_that_were_planted_are_found(katakei: Katakei, ground: Ground) -> None:
    ids = ground.ids
    katakei.file(katakei("init", GROUP, "-o", "-").out)
    assert katakei("ok-to-stop", ids[0]).code == 0
    both = katakei("ok-to-stop", *ids)
    assert (both.code, both.out.splitlines()[0].startswith("no: ")) == (4, True), both.all()

    ground.lab.faults(deny=["RegisterTargets"])
    found = _bad(katakei("doctor", "--json", within=120).data)
    assert found["times"] == ["delay_cuts"]
    assert found["rights"] == [None]

    ground.lab.faults(deny=[], agent_dead=[ids[0]])
    dead = katakei("doctor", "--json", within=120)
    assert dead.code == 1
    assert _bad(dead.data)["agents"] == ["target_not_ready"]

    nobody = katakei("doctor", "--json", AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None)
    assert nobody.code == 5, nobody.all()
    assert _bad(nobody.data) == {"credentials": [None]}
    assert ground.places() == sorted((target.id, target.port) for target in ground.lab.targets)


def _actions(policy: str) -> set[str]:
    """The actions that a policy document allows."""
    found: set[str] = set()
    for statement in json.loads(policy)["Statement"]:
        action = statement["Action"]
        found |= {action} if isinstance(action, str) else set(action)
    return found


def _iam(action: str) -> str:
    return OTHER_NAMES.get(ACTIONS[action], ACTIONS[action])


def _bad(data: dict[str, list[dict[str, str]]]) -> dict[str, list[str]]:
    """By topic, the codes of what is not ok."""
    found: dict[str, list[str]] = {}
    for row in data["findings"]:
        if row["level"] != "ok":
            found.setdefault(row["topic"], []).append(row["code"])
    return found
