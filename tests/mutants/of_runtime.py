"""The mutations of the durable turn, the lease, the calls, the plan and the use cases."""

from tests.mutants.mutation import Mutation, rows

RUNNER = rows(
    "runtime/runner.py",
    ("return jump is not None and jump >= self._looked", "return False"),
    ("        if self._jumped():\n            self._observation = Observation()\n", ""),
    ("if each.times > DROPS_TOLERATED]", "if each.times > 100]"),
    ("        self._renew()\n        self._catch_up()", "        self._catch_up()"),
    ("if self._drivers.clock.now() - self._lease.proved > PROOF_MAX_AGE:", "if False:"),
    (
        "            if not self._append(events, facts):\n                actions = ()\n                continue",
        "            self._append(events, facts)",
    ),
    (
        "self._dispatcher.submit(self._with_last_looks(actions), self._lease.until)",
        "self._dispatcher.submit(actions, self._lease.until)",
    ),
    ("if now - self._deaf_since > OUTAGE_LIMIT:", "if False:"),
    ("asked, self._facts = self._drivers.clock.now(), list(facts)", "asked = self._drivers.clock.now()"),
    ("        self._lease.prove(asked)\n", "        self._lease.prove(self._drivers.clock.now())\n"),
    ("known = still_valid(actions, then, rollout)", "known = still_valid(actions, rollout, rollout)"),
    ("if now - silent > OUTAGE_LIMIT:", "if False:"),
    (
        "if now - self._trouble_since > OUTAGE_LIMIT or (lasting and not anything_out):",
        "if now - self._trouble_since > OUTAGE_LIMIT:",
    ),
    (
        "if now - self._trouble_since > OUTAGE_LIMIT or (lasting and not anything_out):",
        "if lasting and not anything_out:",
    ),
    ("        self._deaf_since = None\n        return replace", "        return replace"),
)

DISPATCHER = rows(
    "runtime/dispatcher.py",
    ("if fresh_until is not None and now > fresh_until:", "if False:"),
    ("_by_deadline(leaving, OBSERVATION_MAX_AGE, now)", "_by_deadline(leaving, 3 * OBSERVATION_MAX_AGE, now)"),
    ("_by_deadline(starts, VERDICT_MAX_AGE, now)", "_by_deadline(starts, 3 * VERDICT_MAX_AGE, now)"),
    ("self._left(min(until, fresh_until or until))", "self._left(until)"),
    (
        "(min(action.observed for action in some) + max_age, some)",
        "(max(action.observed for action in some) + max_age, some)",
    ),
    (
        "self._change(Register, [action for action in due if isinstance(action, Register)], until, None)",
        "self._change(Register, [action for action in due if isinstance(action, Register)], until, now)",
    ),
    ("if left < timedelta(0):", "if False:"),
    ("return act(min(DEADLINE, self._left(", "return act(max(DEADLINE, self._left("),
    ("        self._tried |= targets\n", ""),
    ("busy = self._tried.union(*(targets for targets, _ in self._flying))", "busy = self._tried"),
    ("self.troubles += [error] if isinstance(error, UnreachableError) else []", "pass"),
    ("refused = rejected.which or dict.fromkeys(what, str(rejected))", "refused = rejected.which"),
    ("taken = tuple(target for target in places if target not in turned)", "taken = tuple(places)"),
    ("return not wait([future for _, future in self._flying], within.total_seconds()).not_done", "return True"),
    (
        "ask = self._executor.forbid if isinstance(ends[0], ForbidWork) else self._executor.cancel",
        "ask = self._executor.cancel",
    ),
)

LEASE = rows(
    "runtime/lease_keeper.py",
    ("watched if asked - since >= SILENCE_LIMIT else frozenset()", "watched"),
    ("if not beats or (watched and beats != watched):", "if not beats:"),
    ("return self._proved + LEASE_DURATION - SAFETY_MARGIN", "return self._proved + LEASE_DURATION + SAFETY_MARGIN"),
    ("self._proved = max(self._proved, at)", "self._proved = at"),
    ("            self._note_proof(asked)\n", "            self._note_proof(self._clock.now())\n"),
    ("if self._failure or (jump is not None and jump >= self._proved):", "if self._failure:"),
    (
        "if self._failure or (jump is not None and jump >= self._proved):",
        "if jump is not None and jump >= self._proved:",
    ),
    ("        if self._failure:\n            raise", "        if False:\n            raise"),
    (
        "self.beat_until(max(now, due or now) + STALL_LIMIT)",
        "self.beat_until(max(now, due or now) + 100 * STALL_LIMIT)",
    ),
    ("if self._clock.now() <= self._beats_until:", "if True:"),
)

OBSERVER = rows(
    "runtime/observer.py",
    ("groups={**last.groups, **{arn: _merged", "groups={**{arn: _merged"),
    ("self._deleted -= seen.keys()", "self._deleted -= set()"),
    (
        "return GroupObservation({**last.seen, **new.seen}, last.full_begun)",
        "return GroupObservation({**last.seen, **new.seen}, new.full_begun)",
    ),
    (
        "absent = dict.fromkeys(missed, RegistrationHealth(HealthState.ABSENT,",
        "absent = dict.fromkeys((), RegistrationHealth(HealthState.ABSENT,",
    ),
    ("if flying and not flying.done():", "if False:"),
    ("self._allowed[arn] = allowed.less() if allowed.one_is_left else allowed", "self._allowed[arn] = allowed"),
)

SESSION = rows(
    "runtime/session.py",
    ("        if self._runner.settled(within):\n            self._lease.release()", "        self._lease.release()"),
    (
        "        except BaseException:\n            lease.release()\n            raise",
        "        except BaseException:\n            raise",
    ),
    ("if self._interrupted_by and not self.rollout.interrupted:", "if False:"),
)

PLANNING = (
    *rows(
        "planning/checks.py",
        (
            "if group.target_type in {TargetType.LAMBDA, TargetType.ALB}:",
            "if group.target_type in {TargetType.LAMBDA}:",
        ),
        ("if group.target_control:", "if False:"),
        ("own = floor.per_zone > plan.spec.window.floor_per_zone", "own = False"),
        ("if group.autoscaling:", "if False:"),
        ("elif serve and floor.count and floor.base - most < floor.count:", "elif False:"),
        ("if most and missing and floor.base - most >= floor.count > floor.base - most - missing:", "if False:"),
        (
            "elif floor.per_zone and (zone := _tight_zone(plan, group)):",
            "elif False and (zone := _tight_zone(plan, group)):",
        ),
        ("if len(stay) < floor.count:", "if len(stay) + 1 < floor.count:"),
        ("if there < floor.per_zone:", "if False:"),
        ("if plan.kind is PlanKind.ROLL and survey.elsewhere and not accepted.only_these_groups:", "if False:"),
        ("if plan.kind is PlanKind.ROLL and foreign and not accepted.ignore_draining:", "if False:"),
        ("return not survey.lab and plan.spec.drain.settle < SAFE_SETTLE", "return False"),
        ("SAFE_SETTLE = timedelta(seconds=30)", "SAFE_SETTLE = timedelta(seconds=10)"),
        ("m.seen.serving and m.registration not in leaving]", "m.registration not in leaving]"),
        ("m.seen.serving and m.registration not in leaving]", "m.seen.serving]"),
    ),
    *rows(
        "planning/planner.py",
        ("t.id in held or HealthState.DRAINING not in states(survey, t.id))", "True)"),
        (
            "max(1, request.spec.window.max_unavailable.down(smallest))",
            "max(1, request.spec.window.max_unavailable.up(smallest))",
        ),
        ("    if reasons := reasons_against(plan, survey, accepted):\n", "    if reasons := ():\n"),
    ),
    *rows(
        "planning/membership.py",
        (
            "base = sum(not member.seen.out for member in survey.members[group.arn])",
            "base = len(survey.members[group.arn])",
        ),
        ("count, per_zone = window.floor.up(base),", "count, per_zone = window.floor.down(base),"),
        ("return Floor(max(count, needed(group, base)[0]), base, per_zone)", "return Floor(count, base, per_zone)"),
        ("alone = 1 if count and group.load_balancers else 0", "alone = 0"),
        ("down = set(states(survey, target.id)) != {HealthState.HEALTHY}", "down = False"),
    ),
)

APP = rows(
    "app/control.py",
    ("if version_needed(command) > state.owner_version:", "if False:"),
)

MUTATIONS: tuple[Mutation, ...] = (*RUNNER, *DISPATCHER, *LEASE, *OBSERVER, *SESSION, *PLANNING, *APP)
