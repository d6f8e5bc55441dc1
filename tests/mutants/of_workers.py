"""The mutations of the workers: the turn number, the lease of a session, the owner, the sweep and the queue."""

from tests.mutants.mutation import Mutation, rows

SESSIONS = rows(
    "workers/worker_sessions.py",
    ("if self._newest.get(job.rollout) != job:", "if False:"),
    ("if self._newest.get(job.rollout) != job:", "if job.rollout not in self._newest:"),
    ("        if rollout in self._newest:\n", "        if True:\n"),
    (
        "if rollout in self.host.rollouts() or self._refuses(rollout):",
        "if self._refuses(rollout):",
        "take_lease refuses a rollout that this process drives already; this only saves the reading",
    ),
    ("if rollout in self.host.rollouts() or self._refuses(rollout):", "if rollout in self.host.rollouts():"),
    ("before.epoch if epoch is None else epoch", "before.epoch"),
    (" before.number + 1)", " before.number)"),
    ("now - hosted.due > OVERDUE and", "True and"),
    ("now - hosted.due > OVERDUE and", "False and"),
    ("        self._try(lambda: self._jobs.adopted(rollout, session.epoch), rollout)\n", ""),
    ("        self.host.close(within)\n", ""),
    ("        self._try(lambda: self._jobs.leave(self.queue), None)\n", ""),
    (
        "            self._try(lambda rollout=rollout: self._jobs.adopt(rollout), rollout)",
        "            self._try(int, rollout)",
    ),
    ("return at is not None and self._clock.now() - at < SWEEP_INTERVAL", "return False"),
    ("return at is not None and self._clock.now() - at < SWEEP_INTERVAL", "return at is not None"),
    ("return rollout in self._refused and self._clock.now() < self._refused[rollout][1]", "return False"),
    ("            self._left[rollout] = state.number\n", ""),
    ("        if rollout not in self.host.rollouts():\n            self._newest.pop(rollout, None)", "        pass"),
    ("                self._newest[hosted.rollout] = job\n", ""),
)

QUEUE = rows(
    "workers/job_queue.py",
    ("PRIORITIES = {TURN: -10,", "PRIORITIES = {TURN: 0,"),
    ('if any(status == "doing" for _, status, _ in turns):', "if False:"),
    ('if not connection.execute(PENDING, {"lock": rollout, "task": WAKE}).fetchone():', "if True:"),
    ('if not connection.execute(PENDING, {"lock": rollout, "task": ADOPT}).fetchone():', "if True:"),
    ("            elif beats:", "            elif False:"),
    ("            elif beats:", "            else:"),
    (
        '            connection.execute(DROP_EARLIER, {"lock": rollout, "epochs": [epoch for _, epoch, _ in beats]})\n',
        "",
    ),
    ('            connection.execute(DROP_STALLED, {"lock": rollout, "stall": STALL_MARK})\n', ""),
    ("worker.last_heartbeat > now() - %(stall)s::interval)", "false)"),
    ("(args->>'epoch')::bigint < %(epoch)s", "(args->>'epoch')::bigint <= %(epoch)s"),
    (
        '_schedule(connection, queue, job, timedelta(), ["todo", "doing"])',
        '_schedule(connection, queue, job, timedelta(), ["todo"])',
    ),
    ("if connection.execute(WAITS, before).fetchone():", "if False:"),
    ("    connection.execute(DROP_PENDING_TURNS, mine)\n", ""),
    ("WHERE queue_name = %(queue)s AND status = 'todo'", "WHERE status = 'todo'"),
)

HOST = rows(
    "runtime/session_host.py",
    ("if hosted is None or hosted.running or self._closing:", "if hosted is None or self._closing:"),
    ("if hosted is None or hosted.running or self._closing:", "if hosted is None or hosted.running:"),
    ("for hosted in [each for each in due if not each.running]:", "for hosted in due:"),
    ("due = [] if self._closing else", "due ="),
    ("            closing = self._closing\n", "            closing = False\n"),
    ("if each.session and not each.running]", "if each.session]"),
    ("            self._hosted.clear()\n", ""),
    ("        wait(turns, within.total_seconds())\n", ""),
    ("hosted.due = self._clock.now() if hosted.woken else due", "hosted.due = due"),
    ("            self._leave(hosted, timedelta())\n", ""),
    (
        "        self._leave(hosted, LAST_CALL)\n        return self._clock.now() + pause",
        "        return self._clock.now() + pause",
    ),
    ("            self._leave(hosted, LAST_CALL)\n            return None", "            return None"),
    ("FIRST_PAUSE * (1 << min(hosted.failures - 1, 10))", "FIRST_PAUSE"),
    ("now - hosted.broke > HEALTHY_AFTER:", "False:"),
    ("now - hosted.broke > HEALTHY_AFTER:", "True:"),
    ("            session.close(within)\n            hosted.done()", "            hosted.done()"),
    ("            session.close(within)\n            hosted.done()", "            session.close(within)"),
)

WATCH = rows(
    "runtime/lease_watch.py",
    ("if asked - since >= SILENCE_LIMIT:", "if asked - since >= SILENCE_LIMIT / 2:"),
    ("if asked - since >= SILENCE_LIMIT:", "if False:"),
    ("self._seen.get(holder.beat, self._clock.now())", "self._clock.now()"),
    ("or self._begun - self._answered > LONGEST_GAP:", "or False:"),
    ("alive = alive or not (", "alive = not ("),
    (" and not holder.watched", ""),
    ("return holder.liveness is Liveness.GONE and", "return"),
    ("min([regular, *soon])", "regular"),
    ("if header.rollout not in known]", "]"),
)

OWNER = (
    *rows(
        "runtime/session.py",
        (
            "self._runner.note(e.OwnerChanged(drivers.clock.now(), drivers.owner, update, revert, e.VERSION))",
            "pass",
        ),
    ),
    *rows(
        "runtime/lease_keeper.py",
        ("if holder is not None and ours and holder.beat not in silent:", "if False:"),
        (
            "drivers.leases.take(groups, drivers.owner, rollout, silent)",
            "drivers.leases.take(groups, drivers.owner, rollout)",
        ),
    ),
    *rows(
        "app/dispatch.py",
        ("    if is_left(state):\n        return None\n    drivers", "    drivers"),
        (
            "lease = take_lease(drivers, groups, state.plan.rollout, silent)",
            "lease = take_lease(drivers, groups, state.plan.rollout)",
        ),
        ("        drivers.close()\n        raise", "        raise"),
        ("    return state.rests\n", "    return state.finished is not None or state.interrupted\n"),
        ("    return state.rests\n", "    return state.finished is not None\n"),
    ),
    *rows(
        "workers/queue_dispatch.py",
        ("        session.close()\n", ""),
        ("            self.queue.adopt(rollout)\n", "            pass\n"),
        ("            self.queue.wake(rollout)\n", "            pass\n"),
    ),
    *rows(
        "workers/worker.py",
        ("        self.fetched = self._clock.now()\n        return job", "        return job"),
        ("return self._clock.now() - self._heard > DEAF_LIMIT", "return False"),
        ("            self._heard = self._clock.now()\n        return", "            pass\n        return"),
    ),
)

MUTATIONS: tuple[Mutation, ...] = (*SESSIONS, *QUEUE, *HOST, *WATCH, *OWNER)
