"""The mutations of overlaps: each clause of the rule once, and what it rests on."""

from tests.mutants.mutation import Mutation, rows

RULE = rows(
    "reconcile/overlap.py",
    ("if timedelta() < rest <= rollout.plan.spec.drain.settle]", "if timedelta() < rest]"),
    ("if timedelta() < rest <= rollout.plan.spec.drain.settle]", "if rest <= rollout.plan.spec.drain.settle]"),
    ("    if spec.overlap is Overlap.NEVER or rollout.reverting:", "    if rollout.reverting:"),
    ("    if spec.overlap is Overlap.NEVER or rollout.reverting:", "    if spec.overlap is Overlap.NEVER:"),
    ("        if target not in taken\n        and _sound", "        if _sound"),
    ("        and status.intent is Intent.UPDATE\n", ""),
    ("max(PROOF_INTERVAL, spec.soak - spec.drain.settle)", "PROOF_INTERVAL"),
    ("return status.cause is None and not status.unhealthy_count", "return status.cause is None"),
    ("return status.cause is None and not status.unhealthy_count", "return not status.unhealthy_count"),
    ("or not soaking.health or soaking.not_serving:", "or not soaking.health:"),
    ("phase not in TAKERS:", "phase in ():"),
    ("    return unproven(turn.rollout, left, target)", "    return None"),
    ("why = why or _broken(soaking) or _unproven(context, soaking)", "why = why or _unproven(context, soaking)"),
    ("_broken(soaking) or _unproven(context, soaking)", "_broken(soaking)"),
    ("    if rollout.paused:", "    if False:"),
    ("    if rollout.interrupted:", "    if False:"),
    ("    if isinstance(turn.freeze, Freeze):", "    if False:"),
    ("if not isinstance(decision, Go)]", "if False]"),
    ("status.unhealthy_since is None and not down", "status.unhealthy_since is None"),
    ("not down and soaking.group_deleted is None", "not down"),
    ("if not sound or status.phase not in", "if status.phase not in"),
    ("if not sound or status.phase not in {Phase.SOAKING, Phase.DONE}:", "if not sound:"),
    ("    if left > soaking.plan.spec.drain.settle:", "    if False:"),
    ("if -left > PATIENCE else None", "if False else None"),
    ("    if soaking.status.phase is Phase.DONE:\n        unread", "    if True:\n        unread"),
    ("    if other is None:\n", "    if True or other is None:\n"),
    ("leaves = bool(context.missing(context.status.deregistered))", "leaves = False"),
    ("rollout.statuses[soaking].phase is Phase.SOAKING and", ""),
)

PROVEN = rows(
    "reconcile/capacity.py",
    ("if now - at < soak}\n        new |=", "if False}\n        new |="),
    ("if p in rollout.owners and now - at < soak}", "if False}"),
    ("if now - observation.watched.get(arn, now) < soak}", "if False}"),
    ("*rollout.by_phase[Phase.SOAKING], *rollout.failed_targets, *new}", "*rollout.failed_targets, *new}"),
    ("*rollout.by_phase[Phase.SOAKING], *rollout.failed_targets, *new}", "*rollout.by_phase[Phase.SOAKING], *new}"),
    (
        "left, least = proven.groups[arn], max(1, floor.count)",
        "left, least = proven.groups[arn], floor.count",
        "where one is left in the zone of the target, one is left in its group",
    ),
    ("left, least = proven.groups[arn], max(1, floor.count)", "left, least = proven.groups[arn], 1"),
    ("proven.zones[arn, target.zone], max(1, floor.per_zone)", "proven.zones[arn, target.zone], floor.per_zone"),
    ("proven.zones[arn, target.zone], max(1, floor.per_zone)", "proven.zones[arn, target.zone], 1"),
)

BESIDE = (
    Mutation("reconcile/returning.py", "        if kept_for := kept(context, why):", "        if kept_for := None:"),
    Mutation("reconcile/draining.py", "    if overlap := ended(context):", "    if overlap := None:"),
    Mutation(
        "reconcile/draining.py",
        "    waiting = unfinished(context) or unsettled(context)",
        "    waiting = unsettled(context)",
    ),
    Mutation(
        "reconcile/decide.py",
        "        if kept_by := self.overlapping.get(target.id):",
        "        if kept_by := None:",
    ),
    Mutation("reconcile/decide.py", "target is not None and target not in tied and", "target is not None and"),
    Mutation("reconcile/decide.py", "        if self.guarded and (why", "        if False and (why"),
    Mutation(
        "reconcile/context.py", "observed = min(observed, *(health.begun for health in soaking.health or ()))", "pass"
    ),
    Mutation("domain/rollout.py", "tries = before.tries + (before.cause not in HELD_BACK)", "tries = before.tries + 1"),
    Mutation(
        "domain/rollout.py",
        "return self.plan.window - self.in_progress + shared",
        "return self.plan.window - self.in_progress",
    ),
)

MUTATIONS: tuple[Mutation, ...] = (*RULE, *PROVEN, *BESIDE)
