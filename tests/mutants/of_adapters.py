"""The mutations of the drivers: marks and executors, probes, journals and leases, PostgreSQL, the clock."""

from tests.mutants.mutation import Mutation, rows

WORK_STATUS = rows(
    "adapters/executors/ssm/work_status.py",
    ("if facts.answer and facts.answer.mark.state in _FINAL:", "if False:"),
    ("if facts.invocation and facts.invocation.open:", "if False:"),
    (
        "others_are_late = last is not None and facts.now - last > LATE_START + RECENT",
        "others_are_late = last is not None",
    ),
    (
        "return printed.state is MarkState.REFUSED and (facts.ticket == facts.newest or others_are_late)",
        "return printed.state is MarkState.REFUSED",
    ),
    (
        "if facts.answer and (facts.sent is None or facts.answer.asked > facts.sent) else None",
        "if facts.answer else None",
    ),
    ("query = last is None or facts.now - last >= CONFIRM_INTERVAL", "query = last is None"),
    ("if facts.sent and answer.asked - facts.sent > LATE_START:", "if facts.sent:"),
    (
        "if facts.answer is None or facts.answer.mark.state is not MarkState.ABSENT:\n        return False",
        "if facts.answer is None:\n        return False",
    ),
    (
        "if facts.ticket and facts.over is None and facts.sent is not None and facts.now - facts.sent < RECENT:",
        "if False:",
    ),
    ("return all(moment is None or facts.answer.asked > moment for moment in (facts.sent, facts.over))", "return True"),
    ("return running and facts.now - max(moments) < RECENT", "return running"),
)

KEEPER_SH = rows(
    "adapters/executors/keep.sh",
    ('[ "$(date +%s)" -le "$not_after" ] || exit 75\n', ""),
    ('mkdir -m 700 "$dir" || exit 73\n', 'mkdir -p -m 700 "$dir" || exit 73\n'),
    ('&& mkdir "$dir/go" || exit 73', "|| exit 73"),
    ('case $said in "0+0 "*) own && : >"$dir/drained"; return ;; esac', 'case $said in "0+0 "*) return ;; esac'),
    ('own || exit "$code"\n', ""),
    ('[ -z "$stopped" ] || [ "$code" -le 128 ] || exit "$code"\n', ""),
    ('if [ -e "$dir/cancelled" ] && [ "$code" -eq 0 ]; then code=143; fi\n', ""),
)

MARK_SH = rows(
    "adapters/executors/mark.sh",
    ('    was_begun "${1#"$root"/}" || return 0\n', "    return 0\n"),
    ('    [ "$boot_then" = "$(boot)" ] || return 1\n', ""),
    ('began "$pid" && [ "$began" = "$start" ] && return 0', 'began "$pid" && return 0'),
    ('[ "$1" != Z ] && [ "$1" != X ]', "true"),
    ('mkdir -m 700 "$1" 2>/dev/null || return 1', 'mkdir -p -m 700 "$1" 2>/dev/null || return 1'),
    ('if [ "$(now)" -gt "$its_not_after" ]; then', "if false; then"),
    ('[ -n "$found" ] && { [ -n "$self" ] || [ "$lines" = 1 ]; }', '[ -n "$found" ]'),
    ('[ "$id" = "${self:-$id}" ] && found=$lines', "found=$lines"),
    ('in_session() { [ "$5" = "$1" ] && [ "${21}" -le "$began" ]; }', 'in_session() { [ "${21}" -le "$began" ]; }'),
    ('        bar "$dir" "forbidden before it was begun"\n', ""),
    ('    for each in $told; do session "$each" KILL; done\n', ""),
)

MARK = rows(
    "adapters/executors/mark.py",
    ("        lines = lines[:-1]  # a cut base64 text may still look complete\n", "        pass\n"),
    ("PROVED = BEGUN - {MarkState.INTERRUPTED}", "PROVED = BEGUN"),
    ("    MarkState.INTERRUPTED: WorkState.INTERRUPTED,", "    MarkState.INTERRUPTED: WorkState.NOT_STARTED,"),
    ("    MarkState.UNKNOWN: WorkState.UNKNOWN,", "    MarkState.UNKNOWN: WorkState.NOT_STARTED,"),
    ("if not _NAME.fullmatch(name) or name in _OURS:", "if not _NAME.fullmatch(name):"),
    ('if "\\0" in value:', "if False:"),
    ('return f"{key.rollout}/{key.attempt}-{key.intent.value}{step}"', 'return f"{key.rollout}/{key.attempt}"'),
)

LOCAL = (
    *rows(
        "adapters/executors/local/state_folder.py",
        ("if (theirs.host, theirs.name) != (ours.host, ours.name):", "if theirs.host != ours.host:"),
        ("if (theirs.host, theirs.name) != (ours.host, ours.name):", "if theirs.name != ours.name:"),
        ('theirs.machine not in {"", ours.machine}:', "False:"),
        ("return theirs.boot != ours.boot or theirs.pids == ours.pids", "return True"),
    ),
    *rows(
        "adapters/executors/local/marks.py",
        ('return Judged(MarkState.UNKNOWN, why="this user may not read the mark")', "return Judged(MarkState.ABSENT)"),
        ("if boot != self._boot:", "if False:"),
        ("if lock is Lock.FREE and not inherited:", "if lock is Lock.FREE:"),
        ("return ProcessFate.ALIVE if started == recorded.started else ProcessFate.DEAD", "return ProcessFate.ALIVE"),
        ("        if fate is ProcessFate.UNKNOWN:", "        if False:"),
        ("return (None if whole else self._removed(folder)) or", "return"),
    ),
    *rows(
        "adapters/executors/local/keeper.py",
        ("    if SystemClock().now() > datetime.fromisoformat(task.not_after):\n        return TOO_LATE\n", ""),
        ('    if code == 0 and (folder / "cancelled").exists():', "    if False:"),
        ("    folder.mkdir(mode=0o700)\n    root", "    folder.mkdir(mode=0o700, exist_ok=True)\n    root"),
    ),
)

JOURNALS = (
    *rows(
        "adapters/journals/lease_holders.py",
        ("-SKEW <= self.age <= FRESH_HEARTBEAT", "self.age <= FRESH_HEARTBEAT"),
        ("        if holder.beat not in silent\n        and ", "        if "),
        ("fate is DEAD and (not shared or holder.long_silent)", "fate is DEAD"),
        ("self.age is not None and self.age > SILENCE_LIMIT + SKEW", "self.age is not None"),
        ("silent=frozenset() if heard else beats,", "silent=beats,"),
    ),
    *rows(
        "adapters/journals/lease_rows.py",
        ("max((row.epoch for row in rows), default=0) + 1)", "max((row.epoch for row in rows), default=0))"),
        ("if not lease.groups or held != len(lease.groups):", "if not lease.groups or not held:"),
        ('    table.c.epoch == bindparam("lease_epoch"),\n', ""),
        ("(_owner(row), row.rollout) != (owner, rollout)]", "_owner(row) != owner]"),
        ("connection.execute(wanted.with_for_update())", "connection.execute(wanted)"),
        ("order_by(table.c.group_arn).with_for_update()\nBEAT", "order_by(table.c.group_arn)\nBEAT"),
        (" ON CONFLICT DO NOTHING", ""),
        ("select(func.clock_timestamp()), select", "select(func.current_timestamp()), select"),
    ),
    *rows(
        "adapters/journals/s3/leases.py",
        (
            "return row.held and (_owner(row), row.epoch) == (lease.owner, lease.epoch)",
            "return row.held and row.epoch == lease.epoch",
        ),
        (
            "return row.held and (_owner(row), row.epoch) == (lease.owner, lease.epoch)",
            "return (_owner(row), row.epoch) == (lease.owner, lease.epoch)",
        ),
        ("unchanged_since(seen.found))", "unchanged_since(self._bucket.get(_key(group))))"),
        ("        if not claimed:\n            self.release(lease)\n", ""),
    ),
    *rows(
        "adapters/journals/s3/bucket.py",
        ("return doubtful and self._holds(key, text)", "return False"),
        ("                if self._holds(key, text):\n                    return True\n", ""),
        (
            "            page, more = self._page(folder, found[-1])\n",
            "            page, more = self._page(folder, found[0])\n",
        ),
        (
            "return IfMatch(found.etag) if found else Condition.IF_ABSENT",
            "return IfMatch(found.etag) if found else Condition.ALWAYS",
        ),
        ("                if version > SCHEMA_VERSION:", "                if False:"),
    ),
)

POSTGRES = (
    *rows(
        "adapters/journals/postgres/connections.py",
        ("min(outer, ours) if outer else ours", "ours"),
        ("left if timeout is None else min(left, timeout)", "timeout"),
        ("            self.pgconn.finish()\n", "            pass\n", "the pool closes it when it is given back"),
        ("    WHEN 'off' THEN 'on'", "    WHEN 'off' THEN 'off'"),
        ("STATEMENT_LIMIT = ANSWER_LIMIT + timedelta", "STATEMENT_LIMIT = ANSWER_LIMIT - timedelta"),
        ("ANSWER_LIMIT = timedelta(seconds=8)", "ANSWER_LIMIT = timedelta(seconds=18)"),
        ("IDLE_LIMIT = timedelta(seconds=10)", "IDLE_LIMIT = timedelta(seconds=30)"),
        ('{"target_session_attrs": "read-write"} if "," in location.hosts else {}', "{}"),
        ("    connection.execute(DURABLE)\n", ""),
    ),
    *rows(
        "adapters/journals/postgres/errors.py",
        ('if code.startswith(("08", "57P", "25P03")):', "if False:"),
        ("    if code in NOTHING_WRITTEN:", "    if False:"),
    ),
    *rows(
        "adapters/journals/postgres/schema.py",
        ("    if standby:", "    if False:"),
        ('    if encoding != "UTF8":', "    if False:"),
        ("    if schema and not table:", "    if False:"),
        ("SchemaState.OLDER if self.found < self.newest else SchemaState.NEWER", "SchemaState.CURRENT"),
        ("        check_version(location, version_of(location, connection))", "        pass"),
    ),
    *rows(
        "adapters/journals/postgres/upgrade.py",
        ("session.autocommit = False", "session.autocommit = True"),
        ('    session.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK_KEY])\n', ""),
        ("    if before.state is SchemaState.NEWER:", "    if False:"),
        ("    if before.state is SchemaState.OLDER:", "    if False:"),
    ),
    *rows(
        "adapters/journals/postgres/database.py",
        ("    shared = True", "    shared = False"),
        ("if self._reader is not None and not _answers(self._reader):", "if False:"),
        ("pool_pre_ping=True", "pool_pre_ping=False"),
        ("max_overflow=0", "max_overflow=9"),
        ("connection.autocommit = False", "connection.autocommit = True"),
        (
            "with time_limit(), self._session() as connection, connection.begin():",
            "with self._session() as connection, connection.begin():",
        ),
    ),
)

CLOCK = rows(
    "adapters/system/clock.py",
    ('CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)', "CLOCK = time.CLOCK_MONOTONIC"),
)

MUTATIONS: tuple[Mutation, ...] = (*WORK_STATUS, *KEEPER_SH, *MARK_SH, *MARK, *LOCAL, *JOURNALS, *POSTGRES, *CLOCK)
