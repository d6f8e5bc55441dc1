"""The mutations of waves and limits."""

from tests.mutants.mutation import Mutation, rows

WAVES = rows(
    "reconcile/waves.py",
    ("begun = rollout.wave + (rollout.wave_ended is not None)", "begun = rollout.wave + 1"),
    (
        "if begun >= len(rollout.plan.waves) or rollout.reverting:",
        "if begun > len(rollout.plan.waves) or rollout.reverting:",
    ),
    ("rollout.plan.waves[begun - 1]]}", "rollout.plan.waves[begun - 1] - 1]}"),
    ("if target in among]", "if target not in among]"),
    ("each.id not in left and rollout", "rollout"),
    ("rollout.statuses[each.id].phase in FINAL_PHASES for each in here)", "True for each in here)"),
    ("if left and ended else None", "if ended else None"),
    (
        "rollout.wave_ended is not None or rollout.reverting:\n        return None\n    here",
        "False:\n        return None\n    here",
    ),
    ("if now >= ends or rollout.wave_promoted:", "if now >= ends:"),
    ("if now >= ends or rollout.wave_promoted:", "if rollout.wave_promoted:"),
    ("e.WaveBegun(now, rollout.wave + 1)", "e.WaveBegun(now, rollout.wave)"),
)

LIMIT = (
    *rows(
        "domain/rollout.py",
        (
            "if self.plan.limit is None or self.reverting or self.reopened:",
            "if self.plan.limit is None or self.reverting:",
        ),
        (
            "self.plan.limit - (len(self.statuses) - ahead - len(self._never_taken))",
            "self.plan.limit - (len(self.statuses) - ahead)",
        ),
        (
            "(Phase.WAITING, Phase.SKIPPED, Phase.GONE))\n        return max(0",
            "(Phase.WAITING,))\n        return max(0",
        ),
    ),
    *rows(
        "reconcile/decide.py",
        ("if never is None and rollout.limit_left == 0:", "if False:"),
        ("new = new if new is None else new - _is_new(rollout, target_id)", "new = new"),
        ("return status.phase is Phase.WAITING or status.attempt == 0", "return status.phase is Phase.WAITING"),
        ("beyond = set() if left is None else set(held[left:])", "beyond: set[TargetId] = set()"),
    ),
    *rows(
        "domain/spec.py",
        ("(ends[-1] if ends else 0) + 1))", "(ends[-1] if ends else 0)))"),
        ("end = min(targets, max(share.up(targets)", "end = min(targets, max(share.down(targets)"),
        ("if not ends or ends[-1] == targets else [*ends, targets])", "if True else [*ends, targets])"),
    ),
    *rows(
        "planning/membership.py",
        (
            "return not past.failed, past.rollouts_ago is not None, -(past.rollouts_ago or 0)",
            "return True, past.rollouts_ago is not None, -(past.rollouts_ago or 0)",
        ),
        (
            "return not past.failed, past.rollouts_ago is not None, -(past.rollouts_ago or 0)",
            "return not past.failed, True, -(past.rollouts_ago or 0)",
        ),
        (
            "return not past.failed, past.rollouts_ago is not None, -(past.rollouts_ago or 0)",
            "return not past.failed, past.rollouts_ago is not None, past.rollouts_ago or 0",
        ),
        ("if not request.needs_past or past is None:", "if past is None:"),
    ),
    *rows(
        "planning/survey.py",
        ("return self.release == release and self.how is Knowledge.CONFIRMED", "return self.release == release"),
        ("return self.how is Knowledge.UNCONFIRMED", "return self.how is not Knowledge.CONFIRMED"),
    ),
)

CONDITIONS = rows(
    "reconcile/conditions.py",
    ("READING_MAX_AGE = timedelta(seconds=60)", "READING_MAX_AGE = timedelta(seconds=90)"),
    ("if reading is None or turn.now - reading.begun > READING_MAX_AGE:", "if reading is None:"),
    (
        "case GateVerdict.UNKNOWN:\n            return Hold(_without_data(turn, gate, reading.why))",
        "case GateVerdict.UNKNOWN:\n            return Go()",
    ),
    ("case GateVerdict.FAILS if gate.outcome is GateOutcome.HOLD:", "case GateVerdict.FAILS:"),
    ("reverts = gate.outcome is GateOutcome.REVERT", "reverts = False"),
    ("if moment in gate.moments and is_due", "if is_due"),
    ("if moment in gate.moments and is_due(turn.rollout, gate)]", "if moment in gate.moments]"),
    ("if code != decision.reason.code:", "if not code:"),
    ("*_of(turn, GateMoment.SOAK)])", "])"),
)

MUTATIONS: tuple[Mutation, ...] = (*WAVES, *LIMIT, *CONDITIONS)
