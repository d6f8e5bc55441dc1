"""The mutations: one-line changes of safety-relevant code, each of which a test must notice.

A row names the file below `src/katakei`, the text that is replaced (it occurs there exactly once), and the new text.
`python -m tests.mutants` (`make mutants`) runs them all. A mutation that changes no behavior says why (`equivalent`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

PROMISES = "tests/properties/test_each_phase.py tests/properties/test_promises.py"
READER = (
    "tests/unit/adapters/probes/test_wire_kernel.py tests/unit/adapters/probes/test_wire_questions.py",
    "tests/unit/adapters/probes/test_wire_reader.py",
)
ENGINE = ("tests/unit/reconcile tests/unit/domain", PROMISES)

TESTS: Mapping[str, Sequence[str]] = {
    "domain/": ENGINE,
    "reconcile/": ENGINE,
    "runtime/": ("tests/unit/runtime tests/unit/app", PROMISES),
    "planning/": ("tests/unit/planning",),
    "app/": ("tests/unit/app",),
    "domain/access": ("tests/unit/domain/test_access.py",),
    "domain/ci_identity": ("tests/unit/domain/test_ci_identity.py",),
    "app/access": ("tests/unit/app/test_access.py tests/unit/app/test_access_tokens.py",),
    "app/ci_exchange": ("tests/unit/app/test_ci_exchange.py",),
    "app/login": ("tests/unit/adapters/oidc/test_login.py",),
    "runtime/session_host.py": (
        "tests/unit/runtime/test_session_host.py",
        "tests/unit/app/test_dispatch.py",
        "tests/unit/workers",
    ),
    "runtime/lease_watch.py": ("tests/unit/runtime/test_lease_watch.py",),
    "app/dispatch.py": ("tests/unit/app/test_dispatch.py", "tests/unit/workers"),
    "workers/": ("tests/unit/workers", "tests/workers/test_job_queue.py"),
    "workers/worker.py": ("tests/workers/test_watchdog.py",),
    "workers/queue_dispatch.py": ("tests/workers/test_worker_command.py",),
    "adapters/access/": ("tests/contracts/test_access_store.py",),
    "adapters/oidc/": ("tests/unit/adapters/oidc",),
    "adapters/executors/ssm/": ("tests/unit/adapters/executors tests/contracts/test_executor_ssm.py",),
    "adapters/executors/local/": (
        "tests/contracts/test_executor_local.py tests/contracts/test_mark.py tests/contracts/test_mark_identity.py",
    ),
    "adapters/executors/": (
        "tests/unit/adapters/executors tests/contracts/test_mark.py tests/contracts/test_mark_identity.py",
    ),
    "adapters/journals/s3/": ("tests/unit/adapters/journals/test_s3.py", "tests/contracts/test_leases.py"),
    "adapters/journals/postgres/": (
        "tests/unit/adapters/journals/test_postgres_faults.py tests/unit/adapters/journals/test_postgres_schema.py",
        "tests/contracts/test_leases.py",
    ),
    "adapters/journals/": (
        "tests/contracts/test_leases.py tests/contracts/test_journal.py",
        "tests/unit/adapters/journals/test_postgres_faults.py",
    ),
    "adapters/probes/": ("tests/unit/adapters/probes",),
    "adapters/probes/requests": ("tests/unit/adapters/probes/test_requests.py",),
    "adapters/probes/wire/": (
        "tests/unit/adapters/probes/test_wire_connection.py tests/unit/adapters/probes/test_wire_tracker.py",
    ),
    "adapters/probes/wire/kernel": READER,
    "adapters/probes/wire/reader": READER,
    "adapters/probes/wire/client": READER,
    "adapters/system/": ("tests/unit/adapters/system",),
}
"""The tests near a file, by the longest prefix of its path, in the order in which they run."""


@dataclass(frozen=True)
class Mutation:
    """One change of one line.

    Attributes:
        file: The file below `src/katakei`.
        old: The text that is replaced; it occurs exactly once.
        new: The text in its place.
        equivalent: Why no test can notice it; '' when one must.
        near: The tests that run, in order; by default those of `TESTS`.
    """

    file: str
    old: str
    new: str
    equivalent: str = ""
    near: Sequence[str] = ()

    def __str__(self) -> str:
        return f"{self.file}: {self.old!r} -> {self.new!r}"

    @property
    def tests(self) -> Sequence[str]:
        """The tests that run, in order."""
        return self.near or max(((len(key), each) for key, each in TESTS.items() if self.file.startswith(key)))[1]

    def applied(self, text: str) -> str:
        """The file with the change. Raises ValueError: the old text does not occur exactly once."""
        if text.count(self.old) != 1:
            raise ValueError(f"{self}: the old text occurs {text.count(self.old)} times")
        return text.replace(self.old, self.new)


def rows(file: str, *changes: tuple[str, str] | tuple[str, str, str]) -> Iterator[Mutation]:
    """Several mutations of one file: old text, new text and, where no test can notice it, the reason."""
    for old, new, *why in changes:
        yield Mutation(file, old, new, *why)
