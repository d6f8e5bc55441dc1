"""`katakei worker` as a person or systemd starts it."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.postgres import fresh_database
from tests.unit.given import a_plan
from tests.workers.team import LONG, fresh_journal

from katakei.cli import serve as serve_command
from katakei.workers.job_queue import ADOPT
from katakei.workers.queue_dispatch import QueueDispatch

KATAKEI = (sys.executable, "-m", "katakei.cli")


def ended(journal: str, *words: str) -> "subprocess.CompletedProcess[str]":
    command, env = [*KATAKEI, "worker", *words], {**os.environ, "KATAKEI_JOURNAL": journal}
    return subprocess.run(command, capture_output=True, text=True, timeout=LONG, check=False, env=env)


def test_worker_needs_a_journal_in_postgresql(tmp_path: Path) -> None:
    for journal in (str(tmp_path / "journal.db"), "s3://bucket/prefix"):
        said = ended(journal)
        assert said.returncode == 2
        assert "give --journal postgresql://user@host/database" in said.stderr


def test_worker_refuses_a_database_without_tables() -> None:
    with fresh_database() as url:
        said = ended(url)
    assert said.returncode == 5
    assert "has no tables yet" in said.stderr
    assert url not in said.stderr  # it holds the password


def test_worker_refuses_a_folder_that_is_not_there(tmp_path: Path) -> None:
    said = ended("postgresql://kim@127.0.0.1/x", "--services", str(tmp_path / "none"))
    assert (said.returncode, "does not exist" in said.stderr) == (2, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--base-url", "ftp://deploy"), "is not the URL of a server"),
        (("--base-url", "https://deploy/katakei"), "without a path"),
        (("--concurrency", "0"), "not in the range"),
        (("--log-format", "xml"), "'xml' is not one of"),
    ],
)
def test_worker_refuses_options_without_meaning(words: tuple[str, ...], said: str) -> None:
    answer = ended("postgresql://kim@127.0.0.1:1/x", *words)
    assert (answer.returncode, said in answer.stderr) == (2, True), answer.stderr


def test_worker_shows_its_figures_and_logs_json() -> None:
    words = ("--metrics", "127.0.0.1:0", "--log-format", "json", "--base-url", "https://deploy.example.com")
    with fresh_journal() as url, running(url, *words) as (process, lines):
        [place] = re.findall(r"figures on (http://127\.0\.0\.1:\d+)/metrics", "".join(lines))
        figures = get(f"{place}/metrics")
        assert get(f"{place}/healthz") == "ok\n"
        process.send_signal(signal.SIGTERM)
        lines.extend(process.communicate(timeout=LONG)[1].splitlines())
    assert process.returncode == 0, lines
    for figure in ("katakei_turns_due 0.0", "katakei_jobs 0.0", "katakei_notifications_waiting 0.0"):
        assert f"\n{figure}\n" in figures
    logged = [json.loads(line) for line in lines if not line.startswith("katakei: ")]
    assert {"engine started", "worker ended"} <= {each["event"] for each in logged}


@contextmanager
def running(url: str, *words: str) -> "Iterator[tuple[subprocess.Popen[str], list[str]]]":
    """A worker whose engine has started, and the lines that it wrote until then."""
    command = [*KATAKEI, "worker", "--region", "ap-northeast-1", *words]
    env = {**os.environ, "KATAKEI_JOURNAL": url}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=env) as process:
        try:
            assert process.stderr is not None
            lines = [process.stderr.readline()]
            while "engine started" not in lines[-1]:
                assert lines[-1], lines
                lines.append(process.stderr.readline())
            yield process, lines
        finally:
            process.kill()


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=LONG) as answer:  # noqa: S310 - a URL of this test
        return str(answer.read().decode())


@pytest.mark.parametrize("word", [signal.SIGTERM, signal.SIGINT])
def test_worker_ends_after_a_signal(word: signal.Signals) -> None:
    with fresh_journal() as url, running(url) as (process, lines):
        process.send_signal(word)
        lines.extend(process.communicate(timeout=LONG)[1].splitlines())
    assert process.returncode == 0, lines
    assert lines[-1] == "katakei: the worker has ended; its rollouts go on in another one"
    assert not any(url.rpartition("@")[0] in line for line in lines)


def test_serve_hands_rollouts_to_workers_in_postgresql_only(tmp_path: Path) -> None:
    """It closes the session, which gives the lease back, and offers the rollout to all workers."""
    assert serve_command._workers("") is None
    assert serve_command._workers(str(tmp_path / "journal.db")) is None
    with fresh_journal() as url:
        dispatch = serve_command._workers(url)
        assert isinstance(dispatch, QueueDispatch)
        session: Any = Session()
        dispatch.start(session, lambda: session.ends.append("drivers"))
        assert session.ends == ["lease", "drivers"]
        assert dispatch.queue.counts() == {(ADOPT, "todo"): 1}
        dispatch.close()


class Session:
    """A session that notes what ends."""

    def __init__(self) -> None:
        self.ends: list[str] = []
        self.plan = a_plan()

    def close(self) -> None:
        self.ends.append("lease")
