"""The mutations of the pure engine: domain and reconcile."""

from tests.mutants.mutation import Mutation, rows

CAPACITY = rows(
    "reconcile/capacity.py",
    ("OBSERVATION_MAX_AGE = timedelta(seconds=10)", "OBSERVATION_MAX_AGE = timedelta(seconds=25)"),
    ("if phase not in MAY_SERVE)", "if phase in MAY_SERVE)"),
    ("if target.id not in self.left else ()", "if True else ()"),
    ("groups[place.group] -= 1", "groups[place.group] -= 0"),
    ("zones[where] -= 1", "zones[where] -= 0"),
    ("return health is not None and health.serving", "return health is not None"),
    ("for place, health in group.seen.items() if health.serving)", "for place, health in group.seen.items())"),
    ("if arn in serving.unseen:", "if False:"),
    ("if serving.groups[arn] < floor.count:", "if serving.groups[arn] <= floor.count:"),
    ("if serving.groups[arn] < floor.count:", "if serving.groups[arn] + 1 < floor.count:"),
    ("if here < floor.per_zone:", "if here <= floor.per_zone:"),
    ("if here < floor.per_zone:", "if here + 1 < floor.per_zone:"),
    ("group.full_begun is not None and now - group.full_begun", "now - group.full_begun"),
    ("frozenset(arns) - observed.keys())", "frozenset())"),
)

CONTEXT = rows(
    "reconcile/context.py",
    ("return min(soak, PROOF_INTERVAL) if self.status.promoted else soak", "return soak"),
    ("min(soak, PROOF_INTERVAL) if self.status.promoted", "timedelta() if self.status.promoted"),
    ("min(soak, PROOF_INTERVAL) if self.status.promoted", "PROOF_INTERVAL if self.status.promoted"),
    ("PROOF_INTERVAL = timedelta(seconds=5)", "PROOF_INTERVAL = timedelta(seconds=1)"),
    ("VERDICT_MAX_AGE = timedelta(seconds=15)", "VERDICT_MAX_AGE = timedelta(seconds=40)"),
    ("MAX_ATTEMPTS = 3", "MAX_ATTEMPTS = 4"),
    ("if change.to is Phase.DRAINING]", "if change.to is Phase.OUT]"),
    ("if reading and self.now - reading.begun < VERDICT_MAX_AGE]", "if reading]"),
    ("if len(fresh) < len(readings):", "if False:"),
    (
        "unused = {group.arn for group in self.groups if not group.load_balancers}",
        "unused = {group.arn for group in self.groups}",
    ),
    ("if not (health.idle and place.group in unused)", "if not health.idle"),
    ("allowed = self.plan.spec.membership.zonal_shift is ZonalShift.ALLOW", "allowed = True"),
    ("and not (health.state is HealthState.HEALTHY and place.group in shifted)", "and not (place.group in shifted)"),
    ("return None if self.floors_unseen else floor_violation", "return floor_violation"),
    (
        "return bool(self.health) and not any(health.serving for health in self.health or ())",
        "return bool(self.health)",
    ),
    (
        "return max(settle, *(group.delay for group in self.groups)) + limits.draining_extra",
        "return settle + limits.draining_extra",
    ),
    ("if group.target_type is TargetType.IP]\n        return self.plan", "]\n        return self.plan"),
    (
        "health is None or health.state is HealthState.DRAINING or",
        "health is not None and health.state is HealthState.DRAINING or",
        "what was not observed is not of this phase either, which the rest of the condition asks",
    ),
    ("is not None and health.begun >= self.status.since", "is not None"),
    (
        "if health and all(each.state is not HealthState.DRAINING for each in health):",
        "if all(each.state is not HealthState.DRAINING for each in health):",
    ),
    (
        "if not isinstance(self.status.baseline, Visible) or self.group_changes != ():",
        "if not isinstance(self.status.baseline, Visible):",
    ),
    ("if not isinstance(self.status.baseline, Visible) or self.group_changes != ():", "if self.group_changes != ():"),
    (
        "settled = verdict.ended >= self.status.out_since + self.plan.spec.drain.settle",
        "settled = verdict.ended >= self.status.out_since",
    ),
    (
        "return verdict.verdict is ProbeVerdict.QUIET and settled and",
        "return verdict.verdict is not ProbeVerdict.BUSY and settled and",
    ),
    ("and settled and self.now - verdict.ended < VERDICT_MAX_AGE", "and settled"),
    (
        "now - health.begun <= OBSERVATION_MAX_AGE and (not called or health.begun >= called)",
        "now - health.begun <= OBSERVATION_MAX_AGE",
    ),
    ("if health and now - health.begun <= OBSERVATION_MAX_AGE and", "if health and"),
    ("return fresh if len(fresh) == len(observed) else None", "return fresh or None"),
)

DECIDE = rows(
    "reconcile/decide.py",
    ("ATTRIBUTES_MAX_AGE = timedelta(seconds=60)", "ATTRIBUTES_MAX_AGE = timedelta(seconds=600)"),
    ("            turn = turn.after(answer)\n", "            turn = turn\n"),
    ("if not actions and not (rollout.interrupted and _ahead(rollout)):", "if not actions:"),
    ("actions += watching(turn) or _next(turn)", "actions += [*watching(turn), *_next(turn)]"),
    ("if _wanted(then) != _wanted(now):", "if False:"),
    ("now.statuses[target] is then.statuses[target]:", "True:"),
    (
        "return status.cause in RETRYABLE and status.tries < MAX_ATTEMPTS and not rollout.stopped",
        "return status.cause in RETRYABLE and not rollout.stopped",
    ),
    (
        "return status.cause in RETRYABLE and status.tries < MAX_ATTEMPTS and not rollout.stopped",
        "return status.cause in RETRYABLE and status.tries < MAX_ATTEMPTS",
    ),
    (
        "if status.may_run or status.found_serving >= INTRUSIONS_ALLOWED:",
        "if status.found_serving >= INTRUSIONS_ALLOWED:",
    ),
    ("if status.may_run or status.found_serving >= INTRUSIONS_ALLOWED:", "if status.may_run:"),
    ("if skips or rollout.stopped:", "if skips:"),
    ("return places if len(places) >= rollout.batch_size else []", "return places"),
    ("held = [] if rollout.reverting else held_up(", "held = [] if True else held_up("),
    ("held = [] if rollout.reverting else held_up(", "held = [] if False else held_up("),
    ("if overdue := expired(rollout, turn.observation.freezes, turn.now):", "if False and (overdue := []):"),
    ("free, before = places[: max(0, room(rollout))],", "free, before = places,"),
    ("return min(health, reading.begun) if reading and not turn.rollout.reverting else health", "return health"),
    ("if rollout.paused:", "if False:"),
    ("        after = left.without(target)\n", "        after = left\n"),
    ("_not_as_planned(turn, target) or after.needed(target, free[0])", "after.needed(target, free[0])"),
    ("_not_as_planned(turn, target) or after.needed(target, free[0])", "_not_as_planned(turn, target)"),
    ("            left = after\n", ""),
    ("            free = free[1:]\n            new = new", "            new = new"),
    ("intent = Intent.REVERT if turn.rollout.reverting else Intent.UPDATE", "intent = Intent.UPDATE"),
    (
        "known = len(out) == len(observed) and turn.rollout",
        "known = turn.rollout",
    ),
    ("if rollout.in_progress or not held:", "if not held:"),
    ("if waited > rollout.plan.spec.limits.waiting:", "if False:"),
    ("if reading is None or turn.now - reading.begun > ATTRIBUTES_MAX_AGE:", "if reading is None:"),
    ("        if reading.changes:", "        if False:"),
    (
        "if all(health and health.state is HealthState.ABSENT for health in observed):",
        "if any(health and health.state is HealthState.ABSENT for health in observed):",
    ),
    ("if any(health and health.out for health in observed):", "if False:"),
    ("return timedelta() if held else turn.now", "return turn.now"),
)

DRAINING = rows(
    "reconcile/draining.py",
    (
        "if out_for < drain.settle or context.now - verdict.ended >= VERDICT_MAX_AGE:",
        "if context.now - verdict.ended >= VERDICT_MAX_AGE:",
    ),
    ("if out_for < drain.settle or context.now - verdict.ended >= VERDICT_MAX_AGE:", "if out_for < drain.settle:"),
    ("if drain.cut_after is not None and out_for >= drain.cut_after:", "if drain.cut_after is not None:"),
    (
        "    if waiting is None:\n        return (context.enter(Phase.OUT),)",
        "    if waiting is not None:\n        return (context.enter(Phase.OUT),)",
    ),
    (
        "    waiting = unfinished(context) or unsettled(context)\n    return (waiting,) if waiting else",
        "    waiting = unfinished(context)\n    return (waiting,) if waiting else",
    ),
    ("    if context.rollout.aborting:\n        return _back", "    if False:\n        return _back"),
    ("if context.plan.kind is PlanKind.ROLL and context.called_off:", "if False:"),
    ("context.floor_lost and not context.status.was_out:", "context.floor_lost:"),
    ("context.floor_lost and not context.status.was_out:", "False:"),
    (
        "    if context.status.was_out:\n        return context.enter(Phase.LEFT_OUT, why, cause=cause)",
        "    if False:\n        return context.enter(Phase.LEFT_OUT, why, cause=cause)",
    ),
    (
        "if context.plan.kind is PlanKind.DEREGISTER or context.status.intent is Intent.KEEP_OUT:",
        "if context.plan.kind is PlanKind.DEREGISTER:",
    ),
    ("return context.waited > min(limits)", "return False"),
    ("return context.waited > min(limits)", "return context.waited > max(limits)"),
    ("if context.status.found_serving >= INTRUSIONS_ALLOWED:", "if False:"),
)

DRAIN_PROOF = rows(
    "reconcile/drain_proof.py",
    ("INTRUSIONS_ALLOWED = 2", "INTRUSIONS_ALLOWED = 3"),
    ("if context.missing(context.status.deregistered):", "if False:"),
    ("if context.health is None:", "if False:"),
    ("if all(health.out for health in context.health):", "if any(health.out for health in context.health):"),
    (
        "max(health.ended for health in context.health), context.target.id",
        "min(health.ended for health in context.health), context.target.id",
    ),
    (
        "    if context.status.out_since is not None:\n        return (Record(e.FoundServing",
        "    if False:\n        return (Record(e.FoundServing",
    ),
    ("return _take_out(context, why) if context.repeat_is_due else", "return _take_out(context, why) if True else"),
    ("observed = min((health.begun for", "observed = max((health.ended for"),
    ("if observed - begun < drain.settle:", "if False:"),
    ("    if context.nothing_pending:", "    if True:"),
    ("    if context.needed:", "    if False:"),
)

WORKING = rows(
    "reconcile/working.py",
    ("more = requests > context.status.arrived", "more = requests > 0"),
    ("overdue = context.waited > context.plan.spec.limits.working", "overdue = False"),
    (
        "if not overdue and not stopped and (context.status.ticket is None or",
        "if not overdue and (context.status.ticket is None or",
    ),
    (
        "if not overdue and not stopped and (context.status.ticket is None or",
        "if not stopped and (context.status.ticket is None or",
    ),
    (
        "(context.status.ticket is None or work.state is WorkState.NOT_STARTED)",
        "(context.status.ticket is None or work.state is WorkState.UNKNOWN)",
    ),
    ("work.exit or 0, work.out, work.cut))", "0, work.out, work.cut))"),
    ("_lost(context, begun=not _first(context))", "_lost(context, begun=True)"),
    ("return (_lost(context, begun=True), _failed(", "return (_lost(context, begun=False), _failed("),
    ("last_look=draining and not status.cut_short)", "last_look=False)"),
    ("draining = any(health.state is HealthState.DRAINING", "draining = all(health.state is not HealthState.DRAINING"),
    ("    blocked = not_out(context)\n    if blocked:\n        return blocked\n    waiting", "    waiting"),
    ("    if waiting:\n        return (waiting,)\n    code", "    code"),
    ("cause = Cause.FAILED\n    if context.called_off:", "cause = Cause.REFUSED\n    if context.called_off:"),
    ("Phase.LEFT_OUT if context.status.was_out else Phase.CHECKING", "Phase.CHECKING"),
    (
        "return (_undone(context, why, Cause.ABORTED) if _first(context) else _failed(context, why),)",
        "return (context.enter(Phase.CHECKING, why, Intent.RETURN, Cause.ABORTED),)",
    ),
    ("if _given_up(context):", "if False:"),
    ("return not work.exit and context.rollout.next_step", "return context.rollout.next_step"),
    ("_lost(context, begun=not _first(context))", "_lost(context, begun=False)"),
    ("return context.waited > context.plan.spec.limits.working + OVERDUE_LIMIT", "return False"),
    ("case WorkState.HALFWAY if not _given_up(context):", "case WorkState.HALFWAY if False:"),
    ("(start(context), context.wait(why)) if context.absent else", "(start(context), context.wait(why)) if True else"),
    (
        "return (CancelWork(key, context.target, ticket), *_meanwhile(context, canceling))",
        "return _meanwhile(context, canceling)",
    ),
    (
        "return (ForbidWork(key, context.target, ticket), *_meanwhile(context, forbidding))",
        "return _meanwhile(context, forbidding)",
    ),
    ("    if work.exit:\n", "    if False:\n"),
    (
        "    if context.recalled:\n        return _take_back(context, reason(ReasonCode.WORK_ENDED)",
        "    if False:\n        return _take_back(context, reason(ReasonCode.WORK_ENDED)",
    ),
    (
        "return _leave_to_person(context) if intruded else context.enter(Phase.CHECKING)",
        "return context.enter(Phase.CHECKING)",
    ),
    ("    if context.status.approved:", "    if True:"),
    ("if aborting or context.plan.spec.on_failure.failed_target is FailedTargetPolicy.PUT_BACK:", "if True:"),
    ("aborting = context.rollout.aborting and context.plan.spec.check.asked", "aborting = context.rollout.aborting"),
)

RETURNING = rows(
    "reconcile/returning.py",
    ("asked = answer is not None and answer.begun >= context.status.since", "asked = answer is not None"),
    ("if check.asked and not (asked and answer and answer.passed):", "if check.asked and not (asked and answer):"),
    ("if context.waited > check.within:", "if False:"),
    (
        "    if context.ip_still_draining:\n        return (context.wait(reason(",
        "    if False:\n        return (context.wait(reason(",
    ),
    (
        "    if context.recalled:\n        return (context.enter(Phase.LEFT_OUT, context.then(context.recalled)),)",
        "    if False:\n        return ()",
    ),
    (
        "    if waiting is None:\n        return (context.enter(Phase.SOAKING",
        "    if True:\n        return (context.enter(Phase.SOAKING",
    ),
    (
        "return context.health is not None and context.waited > limit and not serving",
        "return context.waited > limit and not serving",
    ),
    ("if context.not_serving:\n        return _became_unhealthy", "if False:\n        return _became_unhealthy"),
    ("if steady >= soak or context.recalled:", "if True:"),
    ("steady = min(health.begun for health", "steady = max(health.ended for health"),
    ("phase = Phase.FAILED_SERVING if status.cause else Phase.DONE", "phase = Phase.DONE"),
    ("if waiting is None or (not context.plan.waits and _listed(context)):", "if waiting is None or _listed(context):"),
    ("    if _too_long(context, context.return_limit):", "    if False:"),
    (
        "return context.health is not None and context.waited > limit and not serving",
        "return context.health is not None and context.waited > limit",
    ),
    (
        "if context.missing(context.status.registered):\n        return (context.register()",
        "if False:\n        return (context.register()",
    ),
    (
        "        if first is not None:\n            return (Record(e.BecameUnhealthy",
        "        if False:\n            return (Record(e.BecameUnhealthy",
    ),
    ("again = out and context.repeat_is_due and not context.ip_still_draining", "again = False"),
    (
        "again = out and context.repeat_is_due and not context.ip_still_draining",
        "again = out and context.repeat_is_due",
    ),
    ("    if apart < PROOF_INTERVAL:", "    if False:"),
    (
        "apart = min(each.begun for each in context.health) - first",
        "apart = max(each.ended for each in context.health) - first",
    ),
    (
        "return Record(e.ObservedServing(max(each.begun for each in health), context.target.id))",
        "return Record(e.ObservedServing(min(each.begun for each in health), context.target.id))",
    ),
    ("if context.status.unhealthy_count >= UNHEALTHY_ALLOWED or context.waited > limit:", "if context.waited > limit:"),
    (
        "        if floor_violation(context.rollout, context.serving.without(context.target), context.target):",
        "        if False:",
    ),
    ("        if context.floors_unseen:", "        if False:"),
)

WATCHING = rows(
    "reconcile/watching.py",
    ("UNHEALTHY_LIMIT = timedelta(seconds=30)", "UNHEALTHY_LIMIT = timedelta(seconds=300)"),
    ('return (Record(e.BecameUnhealthy(context.now, target, "", reported(down))),) if down else ()', "return ()"),
    ("if not failed and (status.unhealthy_count >= UNHEALTHY_ALLOWED or", "if not failed and (False or"),
    ("or context.now - since >= UNHEALTHY_LIMIT):", "or False):"),
    (
        "return () if context.status.cause else (Record(e.FailedAfterDone",
        "return () if True else (Record(e.FailedAfterDone",
    ),
)

REVERT = rows(
    "reconcile/revert.py",
    (
        "if rollout.reverting or rollout.aborting or rollout.plan.spec.revert is None:",
        "if rollout.reverting or rollout.plan.spec.revert is None:",
    ),
    (
        "if rollout.reverting or rollout.aborting or rollout.plan.spec.revert is None:",
        "if rollout.reverting or rollout.aborting:",
    ),
    ("due = status.touched and not status.reverted and", "due = not status.reverted and"),
    ("due = status.touched and not status.reverted and", "due = status.touched and"),
    (
        "return _reverted(rollout) if due and not rollout.stopped else None",
        "return _reverted(rollout) if due else None",
    ),
    ("    if rollout.stopped:\n        return rollout.stopped", "    if False:\n        return rollout.stopped"),
    ("return None if rollout.statuses[target].intent is Intent.REVERT else _reverted(rollout)", "return None"),
)

DRIFT = rows(
    "reconcile/drift.py",
    ('{"name", "load_balancers", "sticky"', '{"name", "load_balancers", "idle_timeout", "sticky"'),
    ('{"name", "load_balancers", "sticky"', '{"name", "load_balancers", "delay", "sticky"'),
    ('ended = name == "zonal_shift" and set(is_now) <= set(was)', 'ended = name == "zonal_shift"'),
    ("if recorded.load_balancers and not now.load_balancers:", "if False:"),
    ("and any(not group.seen[place].out for place", "and any(True for place"),
    ("    if rollout.reverting or rollout.reopened:", "    if rollout.reverting:"),
    ("return newcomer.trouble or rollout.stopped", "return newcomer.trouble"),
    ("return newcomer.trouble or rollout.stopped", "return rollout.stopped"),
    ("if why is None or phase is Phase.WORKING:", "if why is None:"),
    ("if phase in {Phase.WARMING, Phase.SOAKING}:", "if phase in {Phase.WARMING}:"),
)

OBSERVE = rows(
    "reconcile/observe.py",
    ("    if taking:\n        return timedelta()", "    if False:\n        return timedelta()"),
    ("ATTRIBUTES_PROOF_INTERVAL = timedelta(seconds=8)", "ATTRIBUTES_PROOF_INTERVAL = timedelta(seconds=80)"),
    ("if status.ticket is not None or _begins_no_more(rollout, target, now):", "if status.ticket is not None:"),
    (
        "return isinstance(status.baseline, Visible) and not status.cut_short",
        "return isinstance(status.baseline, Visible)",
    ),
    ("return over or bool(called_off(rollout, target))", "return over"),
)

GATING = rows(
    "reconcile/gating.py",
    ("if status.state in PASSED:", "if True:"),
    ("or status.expires is None or store_time >= status.expires:", "or status.expires is None:"),
    (
        "if status.state is GateState.EXPIRED or status.expires is None or store_time",
        "if status.expires is None or now",
    ),
    ("if is_due(rollout, gate) else Go()", "if True else Go()"),
    ("return len(rollout.by_phase[Phase.DONE]) >= gate.after", "return len(rollout.by_phase[Phase.DONE]) > gate.after"),
    ("begun = len(rollout.by_phase[Phase.DONE]) + rollout.in_progress", "begun = len(rollout.by_phase[Phase.DONE])"),
    ("begun = len(rollout.by_phase[Phase.DONE]) + rollout.in_progress", "begun = rollout.in_progress"),
    ("if reading is None or now - reading.begun > OBSERVATION_MAX_AGE:", "if reading is None:"),
    ("return rollout.frozen or NOT_READ", "return NOT_READ"),
    ("return rollout.frozen or NOT_READ", "return rollout.frozen"),
    ("[] if freeze == rollout.frozen else [Record", "[Record"),
    ("return [*news, Wait(now + HELD_INTERVAL, frozen(freeze))]", "return news"),
    ("    if freeze or reading is None:\n        return NOT_READ", "    if reading is None:\n        return NOT_READ"),
    ("    if rollout.frozen:\n        return [Record", "    if False:\n        return [Record"),
    ("if gate.approval and gate.name not in rollout.gates:", "if gate.approval:"),
    ("store_time + gate.approval.expires", "now + gate.approval.expires"),
)

REPLAY = rows(
    "domain/replay.py",
    ("                self._change(frozen=freeze)\n", "                pass\n"),
    ("self._change(frozen=None)\n                self.moved = at", "self.moved = at"),
    ("unhealthy_since=at, promoted=False)", "unhealthy_since=at)"),
    (
        "for target in self.index[Phase.SOAKING]:\n                    self._set(target, promoted",
        "for target in self.statuses:\n                    self._set(target, promoted",
    ),
    (
        "self._set(target, exit=event.exit, out=event.out, may_run=False)",
        "self._set(target, exit=event.exit, out=event.out)",
    ),
    ("touched=before.touched if begun else before.touched_before)", "touched=before.touched)"),
    ("self.failures += not self.rollout.reverting or self.statuses[target].reverted", "self.failures += 1"),
    (
        "self._set(target, found_serving=count, out_since=None, cut_short=False)",
        "self._set(target, found_serving=count, cut_short=False)",
    ),
    (
        "self._set(target, found_serving=count, out_since=None, cut_short=False)",
        "self._set(target, found_serving=count, out_since=None)",
    ),
    ("self._set(target, deregistered=frozenset(), called=None)", "self._set(target, called=None)"),
    ("                if self.rollout.finished is None:  # else", "                if True:  # else"),
    ("before.deregistered | {event.group}, called=event.at)", "before.deregistered | {event.group})"),
    ("before.registered | {event.group}, called=event.at)", "before.registered | {event.group})"),
    ("if self.rollout.reverting and not self.rollout.finished:", "if False:"),
    ("if self.statuses[target].phase in FINAL_PHASES:  # a target", "if True:  # a target"),
    ("not (status.phase is Phase.DONE and status.intent is Intent.REVERT)", "True"),
    (
        "called=called, out_since=None, serving_since=None, busy_at=None)",
        "called=called, serving_since=None, busy_at=None)",
    ),
    (
        "called=called, out_since=None, serving_since=None, busy_at=None)",
        "called=called, out_since=None, busy_at=None)",
    ),
    ("arrived = before.arrived_before + before.arrived", "arrived = before.arrived"),
    ("if event.to not in TRANSITIONS[before.phase]:", "if False:"),
    ("after = replace(after, touched=self.number)", "pass"),
    ("self.rollout.revert_marks if status.intent is Intent.REVERT else self.rollout.marks", "self.rollout.marks"),
    ("return of_executor or status.place", "return of_executor"),
    ("            return status.place\n        of_executor", "            pass\n        of_executor"),
    ("after.cause is Cause.FAILED and before.cause is not Cause.FAILED", "after.cause is Cause.FAILED"),
    ("counts = after.reverted or not self.rollout.reverting", "counts = True"),
)

ROLLOUT = rows(
    "domain/rollout.py",
    ("was_out=before.phase is Phase.LEFT_OUT,", "was_out=False,"),
    ("attempt = before.attempt + (before.cause is not Cause.OVERLAP_ENDED)", "attempt = before.attempt"),
    ("reverted=intent is Intent.REVERT, entered", "reverted=False, entered"),
    ("approved=False, may_run=True, touched_before", "approved=False, touched_before"),
    (
        "after, ticket=None, started=None,",
        "after, started=None,",
        "every way to WORKING begins an attempt, and its status begins without a ticket",
    ),
    (
        "    if event.to is Phase.CHECKING:\n        return replace(after, may_run=False)",
        "    if False:\n        return replace(after, may_run=False)",
    ),
    ("return free if free >= self.batch_size else 0", "return free"),
    (
        "return self.failures > self.plan.spec.on_failure.max_failures",
        "return self.failures > self.plan.spec.on_failure.max_failures + 1",
    ),
    (
        "return self.failures > self.plan.spec.on_failure.max_failures",
        "return self.failures >= self.plan.spec.on_failure.max_failures",
    ),
    ("IN_PROGRESS - {Phase.SOAKING} | {Phase.LEFT_OUT}))", "IN_PROGRESS - {Phase.SOAKING}))"),
)

MUTATIONS: tuple[Mutation, ...] = (
    *CAPACITY,
    *CONTEXT,
    *DECIDE,
    *DRAINING,
    *DRAIN_PROOF,
    *WORKING,
    *RETURNING,
    *WATCHING,
    *REVERT,
    *DRIFT,
    *OBSERVE,
    *GATING,
    *REPLAY,
    *ROLLOUT,
)
