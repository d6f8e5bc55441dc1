"""The keys of work: ec2, and the ceiling of disruption."""

from pathlib import Path

import pytest
from tests.unit.config.one_file import faults, loaded

from katakei.domain.instances import Disruption, InstanceAction, InstanceActionKind
from katakei.domain.spec import Command, Drain, DrainUntil, SshAccess

REBOOT, STOP_START = InstanceActionKind.REBOOT, InstanceActionKind.STOP_START


def test_reboot_has_safe_defaults(tmp_path: Path) -> None:
    spec = loaded(tmp_path, "work: {ec2: {action: reboot}}")
    assert spec.work == Command("ec2", instance=InstanceAction(REBOOT))
    assert spec.drain == Drain(until=DrainUntil.PROOF, probe="ssm")
    assert (spec.revert, spec.disruption, spec.carrier) == (None, None, "ssm")


def test_stop_start_reads_every_key_and_waits_for_the_delay(tmp_path: Path) -> None:
    spec = loaded(
        tmp_path,
        "work: {ec2: {action: stop_start, instance_type: m7g.large, by: ssh, ssh: {user: ops}}}\n"
        "revert: {ec2: {action: stop_start, by: none}}\ndisruption: stop_start",
    )
    assert spec.work == Command("ec2", ssh=SshAccess("ops"), instance=InstanceAction(STOP_START, "m7g.large", "ssh"))
    assert spec.revert == Command("ec2", instance=InstanceAction(STOP_START, by=""))
    assert (spec.drain, spec.disruption, spec.carrier) == (Drain(), Disruption.STOP_START, "")
    assert str(spec.work) == "ec2: stop_start as m7g.large"


def test_probe_of_a_reboot_goes_the_way_of_the_work(tmp_path: Path) -> None:
    spec = loaded(tmp_path, "work: {ec2: {action: reboot, by: ssh, ssh: {user: ops}}}")
    assert (spec.carrier, spec.carrier_access) == ("ssh", SshAccess("ops"))


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        ("work: {ec2: {}}", "3: work.ec2.action: is missing; write action: reboot or action: stop_start"),
        ("work: {ec2: {action: halt}}", "3: work.ec2.action: halt is not a known value; write reboot or stop_start"),
        ("work: {ec2: {action: reboot, by: none}}", "3: work.ec2: a reboot needs by: ssm or ssh, because EC2 does not"),
        (
            "work: {ec2: {action: reboot, instance_type: m7g.large}}",
            "3: work.ec2: instance_type has an effect only with action: stop_start; remove it",
        ),
        (
            "work: {ec2: {action: stop_start, instance_type: huge}}",
            "3: work.ec2.instance_type: must be an instance type like m7g.large",
        ),
        (
            "work: {ec2: {action: reboot, ssh: {user: ops}}}",
            "3: work.ec2: ssh has an effect only with by: ssh; write by: ssh or remove it",
        ),
        (
            "work: {ec2: {action: stop_start}}\ndrain: {until: proof}",
            "4: drain.until: has no effect with ec2: stop_start, which always waits for the delay; remove it",
        ),
        (
            "work: {ec2: {action: stop_start}}\ncheck: none",
            "4: check: none is not possible with ec2: stop_start; a started machine needs a check before it serves",
        ),
        (
            "work: {ssm: {run: x}}\nrevert: {ec2: {action: stop_start}}\ncheck: none",
            "5: check: none is not possible with ec2: stop_start",
        ),
        ("work: {ec2: {action: stop_start, by: none}}\ndrain: {until: answered}", "4: drain.until: has no effect with"),
        ("work: {ec2: {action: reboot}, manual: }", "3: work: has 2 kinds of work; write exactly one of ssm, ssh, rel"),
        ("work: {manual: }\ndisruption: much", "4: disruption: much is not a known value; write none, restart, reboot"),
    ],
)
def test_faults_of_ec2_say_what_to_write(tmp_path: Path, rest: str, said: str) -> None:
    assert faults(tmp_path, rest).startswith(said)
