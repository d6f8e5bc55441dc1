"""The keys of steps beside the work: before and after."""

from pathlib import Path

import pytest
from tests.unit.config.one_file import faults, loaded

from katakei.domain.phases import Intent, Step
from katakei.domain.spec import Command, SshAccess


def test_steps_of_each_target_are_read(tmp_path: Path) -> None:
    spec = loaded(
        tmp_path,
        "work: {ec2: {action: reboot}}\nbefore: {target: {ssm: {run: ./patch}}}\nafter: {target: {ssm: {run: ./warm}}}",
    )
    assert (spec.before, spec.after) == (Command("ssm", "./patch"), Command("ssm", "./warm"))
    assert spec.steps(Intent.UPDATE) == (Step.BEFORE, Step.WORK, Step.AFTER)
    assert [str(each) for each in spec.commands] == ["ec2: reboot", "ssm: ./patch", "ssm: ./warm"]
    alone = loaded(tmp_path, "work: {ssh: {run: x, user: ops}}\nafter: {target: {ssh: {run: y, user: ops}}}")
    assert alone.after == Command("ssh", "y", ssh=SshAccess("ops"))
    assert alone.steps(Intent.UPDATE) == (Step.WORK, Step.AFTER)


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        ("work: {manual: }\nbefore: {}", '4: before.target: is missing; write target: {ssm: {run: "./warm-up"}}'),
        ("work: {manual: }\nbefore: {target: {}}", "4: before.target: write exactly one of ssm: "),
        ("work: {manual: }\nafter: {target: {local: {run: x}}}", "4: after.target.local: is not a known key"),
        (
            "work: {ssm: {run: x}}\nafter: {target: {ssh: {run: x}}}",
            "4: after.target: must reach the targets as work does, with the same settings: all keep marks",
        ),
        (
            "work: {local: {run: x}}\nbefore: {target: {ssm: {run: x}}}\nafter: {target: {ssh: {run: x}}}",
            "5: after.target: must reach the targets as work does",
        ),
    ],
)
def test_faults_of_steps_say_what_to_write(tmp_path: Path, rest: str, said: str) -> None:
    assert faults(tmp_path, rest).startswith(said)
