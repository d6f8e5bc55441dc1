"""Five hundred watchers of one rollout: latency, memory and processor time, and one watcher that reads nothing."""

import asyncio
import resource
import socket
import sys
import time
from pathlib import Path

import pytest
from tests.web.stage import API, WebStage, serving

from katakei.web.settings import WebSettings

WATCHERS = 500
ROUNDS = 5
LATEST = 10.0
"""Seconds within which every watcher must have an event. The figures are printed; they are no limit."""


async def watch(web: WebStage, path: str, token: str, writers: list[asyncio.StreamWriter]) -> asyncio.StreamReader:
    """An open stream."""
    reader, writer = await asyncio.open_connection("127.0.0.1", web.port)
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{web.port}\r\nAuthorization: Bearer {token}\r\n\r\n"
    writer.write(head.encode())
    writers.append(writer)
    await reader.readuntil(b'"kind": "Planned"')
    return reader


async def measure(web: WebStage, rollout: str, token: str) -> list[float]:
    """The latencies of all watchers in all rounds, sorted."""
    path = f"{API}/rollouts/{rollout}/events"
    writers: list[asyncio.StreamWriter] = []
    readers = [await watch(web, path, token, writers) for _ in range(WATCHERS)]
    taken: list[float] = []
    for number in range(ROUNDS):
        verb, kind = ("pause", "PauseAsked") if number % 2 == 0 else ("resume", "ResumeAsked")

        async def seen(reader: asyncio.StreamReader, kind: str = kind) -> float:
            await asyncio.wait_for(reader.readuntil(f'"kind": "{kind}"'.encode()), LATEST)
            return time.perf_counter()

        waiting = [asyncio.ensure_future(seen(each)) for each in readers]
        answer = await asyncio.to_thread(web.ask, "POST", f"{API}/rollouts/{rollout}/{verb}", {}, token=token)
        begun = time.perf_counter()
        assert answer.status == 200, answer.text
        taken += [max(0.0, await each - begun) for each in waiting]
    for writer in writers:
        writer.close()
    return sorted(taken)


@pytest.mark.acceptance
def test_500_watchers_get_every_event(tmp_path: Path) -> None:
    open_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, open_files[1]), open_files[1]))
    with serving(tmp_path, WebSettings(address_burst=5000, act_burst=1000)) as web:
        token = web.token()
        rollout = web.start(token)
        stalled = socket.create_connection(("127.0.0.1", web.port))
        head = f"GET {API}/rollouts/{rollout}/events HTTP/1.1\r\nHost: 127.0.0.1:{web.port}\r\n"
        stalled.sendall(f"{head}Authorization: Bearer {token}\r\n\r\n".encode())
        before, begun = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        taken = asyncio.run(measure(web, rollout, token))
        after, lasted = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter() - begun
        busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        sys.stdout.write(
            f"\n{WATCHERS} watchers, {ROUNDS} events: median {taken[len(taken) // 2] * 1000:.0f} ms,"
            f" p99 {taken[len(taken) * 99 // 100] * 1000:.0f} ms after the answer; memory"
            f" +{(after.ru_maxrss - before.ru_maxrss) / 1024:.0f} MB, processor {busy:.1f} s of {lasted:.1f} s"
            f" (server and watchers in one process); readers of the journal: {web.context.hub.watched[0]}\n"
        )
        assert web.context.hub.watched == (1, 0)
        stalled.close()
