"""The executor `ec2`: a reboot, or a stop and a start, each at most once under its key.

The mark is a tag that is written before the call. A reboot that was marked is never asked for again: another boot id
proves that it took place. A stop and a start are continued from what EC2 shows, because a repeated call changes
nothing: another launch time proves that they took place.

A ticket is `sent` where this process knows that the call was made, and `marked` where only the mark is known.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from katakei.adapters.executors import mark
from katakei.adapters.executors.ec2.boots import BootReader
from katakei.adapters.executors.ec2.calls import GONE, RUNNING, STOPPED, InstanceCalls, Machine
from katakei.adapters.executors.ec2.claims import NO_BOOT, Claim, ClaimState
from katakei.domain.actions import Job
from katakei.domain.errors import KatakeiError, NoAnswerError, RejectedError
from katakei.domain.events import WorkKey
from katakei.domain.instances import InstanceAction, InstanceActionKind, InstanceSurvey
from katakei.domain.model import Target, TargetId
from katakei.domain.observation import WorkState, WorkStatus
from katakei.domain.ports import Clock, Executor, ProgramRunner
from katakei.domain.spec import Command

SENT, MARKED = "sent", "marked"
BOOT_MAX_AGE = timedelta(seconds=45)
"""How old the boot id may be that a mark records: a reboot by somebody else after that would look like our own."""

TIME_TO_CALL = timedelta(seconds=3)
"""With less time left no mark is written, because the call after it could not be made any more."""

REPEAT_STOP = timedelta(seconds=60)
_NOT_BEGUN = "EC2 was not called yet"


class Ec2Executor:
    """Implements the ports `Executor` and `InstanceReader`.

    Args:
        calls: The calls to EC2.
        action: What is done with each instance.
        clock: This machine's clock.
        runner: Asks the machines for their boot ids; None: only EC2 is asked (STOP_START).
        reach: The executor that reaches the machines in the same way, for its preflight; None with no runner.
    """

    marks = ""
    lacks = None

    def __init__(
        self,
        calls: InstanceCalls,
        action: InstanceAction,
        clock: Clock,
        runner: ProgramRunner | None,
        reach: Executor | None,
    ) -> None:
        self._calls, self._action, self._clock, self._reach = calls, action, clock, reach
        self._boots = BootReader(runner, clock) if runner else None
        self._claims: dict[WorkKey, Claim] = {}  # a tag just written may not be listed yet
        self._noticed: dict[WorkKey, datetime] = {}
        self._unsent: dict[WorkKey, Claim] = {}
        self._sent: set[WorkKey] = set()
        self._stopped: dict[WorkKey, datetime] = {}
        self._up: dict[WorkKey, datetime] = {}
        self._why: dict[WorkKey, str] = {}

    def ready(self, targets: Sequence[Target], by: timedelta) -> Mapping[TargetId, str]:
        """The targets that do not run, or that cannot be asked whether they are up again."""
        found = self._calls.machines([target.id for target in targets])
        unready = {each.id: _unready(found.get(each.id)) for each in targets}
        reached = self._reach.ready(targets, by) if self._reach else {}
        return {**reached, **{target: why for target, why in unready.items() if why}}

    def fits(self, jobs: Mapping[WorkKey, tuple[Target, Job]]) -> None:
        """Checks that the rollout can be named in a mark. Raises UsageError."""
        for key in jobs:
            mark.name_of(key)

    def prove(self, command: Command, targets: Sequence[Target], by: timedelta) -> Mapping[TargetId, str]:  # noqa: ARG002 - the port's shape
        """Makes each call as a dry run, which changes nothing. Raises UnreachableError, NoAnswerError."""
        ids = [target.id for target in targets]
        self._calls.allowed_to_mark(ids)
        if self._action.kind is InstanceActionKind.REBOOT:
            self._calls.allowed_to_reboot(ids)
        else:
            self._calls.allowed_to_stop_and_start(ids, self._action.instance_type)
        return self._reach.prove(Command(self._action.by, "true"), targets, by) if self._reach else {}

    def survey(self, targets: Sequence[Target]) -> InstanceSurvey:
        """What EC2 tells about the instances and their types. Raises NoAnswerError, UnreachableError."""
        found = self._calls.machines([target.id for target in targets])
        facts = {target: machine.facts for target, machine in found.items()}
        names = {each.instance_type for each in facts.values()} | {self._action.instance_type}
        return InstanceSurvey(facts, dict(self._calls.types(sorted(names - {""}))))

    def prepare(self, targets: Sequence[Target], by: timedelta) -> Mapping[TargetId, str]:  # noqa: ARG002 - each call has its own bound
        """Reads the boot ids, which a reboot records. No target keeps a mark of its own."""
        if self._boots is None or self._action.stops:
            return dict.fromkeys((target.id for target in targets), "")
        self._boots.read(targets)
        since = self._clock.now() - BOOT_MAX_AGE
        return {each.id: "" for each in targets if self._boots.of(each.id, since)}

    def start(self, jobs: Mapping[WorkKey, tuple[Target, Job]], by: timedelta) -> Mapping[WorkKey, str]:
        """Begins the action under each key, or continues a stop and a start.

        A job that cannot begin now is taken with the ticket `''`: `look` then says why, and whether to start again.

        Raises:
            NoAnswerError, UnreachableError: Nothing could be done at all, or a right is missing.
        """
        until = self._clock.now() + by
        found = self._calls.machines([target.id for target, _ in jobs.values()], until)
        if self._boots and not self._action.stops:
            self._boots.read([target for target, _ in jobs.values()])
        tickets: dict[WorkKey, str] = {}
        errors: list[KatakeiError] = []
        for key, (target, _) in jobs.items():
            machine = found.get(target.id)
            try:
                tickets[key] = self._started(key, machine, until) if machine else ""
            except KatakeiError as error:  # of one instance: the others begin all the same
                errors.append(error)
        if errors and not tickets:
            raise errors[0]
        return tickets

    def look(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> Mapping[WorkKey, WorkStatus]:
        """What the marks and EC2 say. Raises NoAnswerError, UnreachableError."""
        until = self._clock.now() + by
        targets = list({target.id: target for target, _ in tickets.values()}.values())
        found = self._calls.machines([target.id for target in targets], until)
        running = [each for each in targets if each.id in found and found[each.id].state == RUNNING]
        if self._boots:
            self._boots.read(running)
        checks = self._calls.unfinished_checks([each.id for each in running], until) if running else {}
        return {
            key: self._judged(key, found.get(target.id), checks.get(target.id, "not known yet"), ticket)
            for key, (target, ticket) in tickets.items()
        }

    def forbid(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> None:
        """Writes marks where there are none. Raises NoAnswerError, UnreachableError."""
        until = self._clock.now() + by
        found = self._calls.machines([target.id for target, _ in tickets.values()], until)
        for key, (target, _) in tickets.items():
            machine = found.get(target.id)
            if machine and self._claim(key, machine) is None:
                self._mark(key, Claim(mark.name_of(key), NO_BOOT, machine.launched, ClaimState.FORBIDDEN), until)

    def cancel(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> None:
        """Does nothing: EC2 does not take a reboot back, and a stopped instance has to be started in any case."""

    def _claim(self, key: WorkKey, machine: Machine) -> Claim | None:
        """The mark of this key: the one that this process wrote, else the one that EC2 lists."""
        listed = machine.claim if machine.claim and machine.claim.name == mark.name_of(key) else None
        claim = self._claims.get(key) or listed
        if claim:
            self._noticed.setdefault(key, self._clock.now())
        return claim

    def _mark(self, key: WorkKey, claim: Claim, until: datetime) -> None:
        self._calls.mark(key.target, claim, until)
        self._claims[key] = claim
        self._noticed.setdefault(key, self._clock.now())

    def _started(self, key: WorkKey, machine: Machine, until: datetime) -> str:
        claim = self._claim(key, machine)
        if claim is None:
            return self._begun(key, machine, until)
        if self._unsent.pop(key, None) == claim:  # there was no answer to the mark, so that no call followed
            self._call(key, claim, until)
        elif claim.state is ClaimState.BEGUN and self._action.stops:
            self._continued(key, claim, machine, until)
        return SENT if key in self._sent else MARKED

    def _begun(self, key: WorkKey, machine: Machine, until: datetime) -> str:
        now = self._clock.now()
        boot = self._boots.of(key.target, now - BOOT_MAX_AGE) if self._boots and not self._action.stops else NO_BOOT
        if machine.state != RUNNING or boot is None:
            self._why[key] = _unready(machine) or "its boot id is not known yet"
            return ""
        if until - now < TIME_TO_CALL:
            self._why[key] = _NOT_BEGUN
            return ""
        claim = self._unsent[key] = Claim(mark.name_of(key), boot, machine.launched)
        self._mark(key, claim, until)
        del self._unsent[key]
        self._call(key, claim, until)
        return SENT if key in self._sent else MARKED

    def _call(self, key: WorkKey, claim: Claim, until: datetime) -> None:
        """Makes the first call. Where EC2 refused it, nothing was done and nothing will be: the mark says so."""
        try:
            (self._calls.stop if self._action.stops else self._calls.reboot)(key.target, until)
        except NoAnswerError:
            return  # it may have been carried out
        except KatakeiError as refused:
            self._why[key] = str(refused)
            self._mark(key, replace(claim, state=ClaimState.REFUSED), until)
            return
        self._sent.add(key)
        self._stopped[key] = self._clock.now()

    def _continued(self, key: WorkKey, claim: Claim, machine: Machine, until: datetime) -> None:
        """The next call of a stop and a start. Each of them changes nothing where it was made before."""
        wanted = self._action.instance_type
        try:
            if machine.state == STOPPED:
                if wanted and machine.facts.instance_type != wanted:
                    self._calls.change_type(key.target, wanted, until)
                self._calls.start(key.target, until)
            elif machine.state == RUNNING and machine.launched == claim.launched:
                self._calls.stop(key.target, until)
                self._stopped[key] = self._clock.now()
            self._sent.add(key)
        except RejectedError as refused:  # EC2 may have no capacity now
            self._why[key] = str(refused)

    def _judged(self, key: WorkKey, machine: Machine | None, checks: str, ticket: str) -> WorkStatus:
        if machine is None:
            return WorkStatus(WorkState.UNKNOWN, why="EC2 does not list the instance")
        claim = self._claim(key, machine)
        if claim is None:
            return WorkStatus(WorkState.NOT_STARTED, why=self._why.get(key, _NOT_BEGUN))
        if claim.state is not ClaimState.BEGUN:
            why = "it was forbidden" if claim.state is ClaimState.FORBIDDEN else self._why.get(key, "EC2 refused it")
            return WorkStatus(WorkState.REFUSED, why=why)
        if machine.state in GONE:
            return WorkStatus(WorkState.INTERRUPTED, why=f"the instance is {machine.state}")
        if self._action.stops:
            return self._of_stop(key, claim, machine, checks)
        return self._of_reboot(key, claim, machine, checks, known=ticket == SENT or key in self._sent)

    def _of_reboot(self, key: WorkKey, claim: Claim, machine: Machine, checks: str, *, known: bool) -> WorkStatus:
        boot = self._boots.of(key.target, self._noticed[key]) if self._boots else None
        if boot and boot != claim.boot and machine.state == RUNNING:
            return _up(checks, f"rebooted: boot {claim.boot} is now {boot}")
        if machine.state != RUNNING:
            return WorkStatus(WorkState.UNKNOWN, why=f"the instance is {machine.state}")
        if known:
            return WorkStatus(WorkState.RUNNING, out="waiting until it is up again with another boot id\n")
        return WorkStatus(WorkState.UNKNOWN, why="the reboot may have been asked for; its boot id has not changed")

    def _of_stop(self, key: WorkKey, claim: Claim, machine: Machine, checks: str) -> WorkStatus:
        if machine.state == STOPPED:
            return WorkStatus(
                WorkState.HALFWAY, why=self._why.get(key, "the instance is stopped and has to be started")
            )
        if machine.state != RUNNING:
            return WorkStatus(WorkState.RUNNING, out=f"the instance is {machine.state}\n")
        if machine.launched == claim.launched:
            last = self._stopped.get(key)
            if last is None or self._clock.now() - last > REPEAT_STOP:
                return WorkStatus(WorkState.HALFWAY, why="the instance still runs and has to be stopped")
            return WorkStatus(WorkState.RUNNING, out="waiting until it is stopped\n")
        wanted = self._action.instance_type
        if wanted and machine.facts.instance_type != wanted:
            why = f"somebody else started the instance as {machine.facts.instance_type}, before it was {wanted}"
            return WorkStatus(WorkState.ENDED, 1, f"{why}\n", why)
        since = self._up.setdefault(key, self._clock.now())
        if self._boots and not self._boots.of(key.target, since):
            return WorkStatus(WorkState.RUNNING, out=f"started; waiting until it answers by {self._action.by}\n")
        return _up(checks, f"stopped and started as {machine.facts.instance_type}")


def _up(checks: str, done: str) -> WorkStatus:
    """The end of the work, once the status checks of EC2 have passed."""
    if checks:
        return WorkStatus(WorkState.RUNNING, out=f"{done}; status checks: {checks}\n")
    return WorkStatus(WorkState.ENDED, 0, f"{done}; status checks passed\n")


def _unready(machine: Machine | None) -> str:
    if machine is None:
        return "EC2 does not list an instance of this id"
    return "" if machine.state == RUNNING else f"the instance is {machine.state}"
