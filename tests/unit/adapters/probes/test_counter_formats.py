"""The answers of counters: which number each shape tells, and that everything doubtful tells none.

A wrong number here lets work begin while requests are in flight. Without a number the load balancer's timer is waited
for. The expected value of random JSON comes from Python's own parser.
"""

import base64
import json
import random
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from tests.unit.adapters.probes.world import SHELLS, shell_argv

from katakei.adapters.probes import program_rounds
from katakei.adapters.probes.counter import asked, read
from katakei.domain.spec import CounterSource

NGINX = "Active connections: {} \nserver accepts handled requests\n 1 1 3 \nReading: {} Writing: {} Waiting: {} \n"
FPM_REST = "max listen queue:     0\nidle processes:       0\ntotal processes:      5\nmax active processes: 0\n"
FPM = (
    "pool:                 www\naccepted conn:        12073\nlisten queue:         {}\nactive processes:     {}\n"
    + FPM_REST
)
FPM_FULL = FPM + "\n************************\npid:                  31330\nstate:                Running\nrequests: 0\n"
FPM_JSON = (
    '{{"pool":"www","accepted conn":9,"listen queue":{},"max listen queue":0,"active processes":{},"idle processes":0}}'
)
PUMA = (
    '{"started_at":"2026-11-27T01:02:03Z","backlog":0,"running":5,"pool_capacity":3,"max_threads":5,"requests_count":0}'
)
PUMA_CLUSTER = (
    '{"workers":2,"phase":0,"booted_workers":2,"worker_status":['
    '{"pid":1,"index":0,"last_status":{"backlog":0,"running":5}},{"pid":2,"index":1,"last_status":{"backlog":3}}]}'
)
PROMETHEUS = (
    "# HELP http_in_flight Requests in flight: 0\n# TYPE http_in_flight gauge\n"
    'http_in_flight{code="200"} 0\nhttp_in_flight{code="500"} 3\n'
)
HAPROXY_INFO = "Name: HAProxy\nVersion: 2.8\nMaxConn: 0\nCurrConns: 12\nCumConns: 0\nCurrSslConns: 0\n"
HAPROXY_CSV = "# pxname,svname,qcur,qmax,scur,smax\nweb,FRONTEND,,,7,9\nweb,s1,0,0,0,4\n"
APACHE = "Total Accesses: 0\nServerUptimeSeconds: 81\nBusyWorkers: 4\nIdleWorkers: 0\nScoreboard: _W__0\n"
HTML = "<html><body><h1>503</h1><p>active: 0</p></body></html>"
BIG = "9" * 25


@dataclass(frozen=True)
class Row:
    """What a counter printed, the field asked for, and the number that it tells; None for no number."""

    printed: str
    field: str
    number: int | None


def _rows(*rows: tuple[str, str, int | None]) -> list[Row]:
    return [Row(*row) for row in rows]


# fmt: off
ROWS = _rows(
    # The examples of the fault.
    ("inactive: 0\nactive: 7\n", "active", 7),
    ("active: 7\ninactive: 0\n", "active", 7),
    ("inactive: 0\n", "active", None),
    ("max_in_flight: 0\nin_flight: 5\n", "in_flight", 5),
    ("max_in_flight: 0\n", "in_flight", None),
    ("in_flight_max: 0\nin_flight: 5\n", "in_flight", 5),
    ('{"inactive":0,"active":7}', "active", 7),
    ('{"pool":{"active":0},"active":7}', "active", 7),
    ('{"pool":{"active":0}}', "active", None),
    ('{"old":{"active":0},"new":{"active":7}}', "active", None),
    ("active: 0/64\n", "active", None),
    ("active: 0 / 64\n", "active", None),
    ("active: 0,5\n", "active", None),
    ("active: 0 (est.) 5\n", "active", None),
    ('{"active":"0 (est.) 5"}', "active", None),
    ('{"active":"0/64"}', "active", None),
    ("0/64", "", None), ("0,5", "", None), ("0 (est.) 5", "", None), ("0 0", "", None), ("0\n5\n", "", None),
    # A bare number.
    ("0", "", 0), ("7\n", "", 7), (" 0 \r\n\r\n", "", 0), ("999999999", "", 999_999_999),
    ("1000000000", "", None), (BIG, "", None), ("-0", "", None), ("-1", "", None), ("+0", "", None), ("00", "", None),
    ("0x0", "", None), ("0.0", "", None), ("0e5", "", None), ("0;", "", None), ("0%", "", None), ("\u0660", "", None),
    ("0", "active", None), ("", "", None), ("", "active", None), ("null", "", None), ("[]", "", None), ("{}", "", None),
    ('"0"', "", None), ("[0]", "", None), ('{"active":0}', "", None), ("active: 0", "", None),
    # Lines.
    ("active: 0", "active", 0), ("active:0", "active", 0), ("active :\t3 \r\n", "active", 3),
    ("active: 3;\n", "active", 3),
    ("active: 3 ;  \n", "active", 3), ("active: 12\nother: 0\n", "active", 12),
    ("  active: 0\n", "active", None), ("pool:\n  active: 0\n", "active", None), ("now active: 0\n", "active", None),
    ("active: 0\nactive: 0\n", "active", None), ("active: 0\nactive: busy\n", "active", None),
    ("active: 0\nactive: 7\n", "active", None), ("Active: 0\n", "active", None), ("active: \n0\n", "active", None),
    ("active:\n", "active", None), ("active: -1\n", "active", None), ("active: 00\n", "active", None),
    ("active: 0; 5\n", "active", None), ("active: 0s\n", "active", None), ("active: 0 5\n", "active", None),
    ("active: 0.0\n", "active", None), ("active: 0e0\n", "active", None), ("active: 1e3\n", "active", None),
    ("active: 1_000\n", "active", None), ("active: 1 000\n", "active", None), ("active: 1,000\n", "active", None),
    ('active: "0"\n', "active", None), ("active= 0\n", "active", None), ("active 0\n", "active", None),
    (f"active: {BIG}\n", "active", None), ("active: 0\n: 0\n", "", None), ("active: none\n", "active", None),
    ("a.b: 4\n", "a.b", 4), ("aXb: 0\n", "a.b", None), ("a*: 2\n", "a*", 2), ("x (y): 2\n", "x (y)", 2),
    ("x: y: 2\n", "x: y", 2), ("x: y: 2\n", "x", None), ("in\\flight: 2\n", "in\\flight", 2), ("a&b: 1\n", "a&b", 1),
    # JSON.
    ('{"active":0}', "active", 0), (' \n{ "active" : 12 , "b" : 0 }\n', "active", 12),
    ('{"active":"12"}', "active", 12),
    ('{"a":{"in_flight" : 12},"b":0}', "a.in_flight", 12), ('{"a":{"b":{"c":2}}}', "a.b.c", 2),
    ('{"a.b":5}', "a.b", 5), ('{"a.b":0,"a":{"b":7}}', "a.b", None), ('{"":{"active":0}}', "active", None),
    ('{"a":[{"b":0}]}', "a.b", None), ('{"a":[{"b":0}]}', "a.0.b", None), ('[{"active":0}]', "active", None),
    ('{"active":0,"active":7}', "active", None), ('{"active":7,"active":7}', "active", None),
    ('{"act\\u0069ve":7,"active":0}', "active", None), ('{"act\\u0069ve":7}', "active", 7),
    ('{"a\\"active":0,"active":4}', "active", 4), ('{"note":"\\"active\\":0","active":4}', "active", 4),
    ('{"note":"active: 0","active":4}', "active", 4), ('{"note":"active: 0"}', "active", None),
    ('{"note":"x\\n\\"active\\": 0\\n","b":1}', "active", None), ('{"\u00e9t\u00e9":3}', "\u00e9t\u00e9", 3),
    ('{"\\u00e9t\\u00e9":3}', "\u00e9t\u00e9", 3), ('{"a\\/b":3}', "a/b", 3),
    ('{"active":null}', "active", None), ('{"active":false}', "active", None), ('{"active":[]}', "active", None),
    ('{"active":[0]}', "active", None), ('{"active":{}}', "active", None), ('{"active":{"active":0}}', "active", None),
    ('{"active":-0}', "active", None), ('{"active":-3}', "active", None), ('{"active":0.0}', "active", None),
    ('{"active":0.5}', "active", None), ('{"active":0e3}', "active", None), ('{"active":00}', "active", None),
    ('{"active":07}', "active", None), ('{"active":""}', "active", None), ('{"active":" 0"}', "active", None),
    ('{"active":"-0"}', "active", None), (f'{{"active":{BIG}}}', "active", None),
    # Not JSON after all: nothing in it counts.
    ('{"active":0', "active", None), ('{"active":0}}', "active", None), ('{"active":0} x', "active", None),
    ('{"active":0}{"active":7}', "active", None), ('{"active":0}\n{"active":7}\n', "active", None),
    ('{"active":0,}', "active", None), ("{'active':0}", "active", None), ("{active:0}", "active", None),
    ("{\nactive: 0\n}\n", "active", None), ('{"active" 0}', "active", None), ('{"a":tru,"active":0}', "active", None),
    ('{"a":"\n","active":0}', "active", None), ('{"a":"\\x","active":0}', "active", None),
    ('{"a":"\\u12","active":0}', "active", None), ('{"a":01,"active":0}', "active", None),
    ('{"a":.5,"active":0}', "active", None), ('{"a":1.,"active":0}', "active", None),
    ('{"a":NaN,"active":0}', "active", None),
    ("[" * 5000 + "]" * 5000, "active", None), ('{"a":' * 100 + "0" + "}" * 100, "active", None),
    ('{"active":0,"x":' + "[" * 100 + "]" * 100 + "}", "active", None),
    ('warning: old\n{"active":0}', "active", None),
    # nginx stub_status, which counts the request that asks.
    (NGINX.format(291, 6, 179, 106), "", 184), (NGINX.format(1, 0, 1, 0), "", 0), (NGINX.format(1, 0, 0, 1), "", 0),
    (NGINX.format(3, 1, 1, 0), "", 1), (NGINX.format(3, 1, 1, 0).replace("\n", "\r\n"), "", 1),
    (NGINX.format(3, 1, 1, 0) + NGINX.format(1, 0, 1, 0), "", None), (NGINX.format(1, 0, BIG, 0), "", None),
    (NGINX.format(1, 0, "1.5", 0), "", None), (NGINX.format(1, -1, 1, 0), "", None),
    ("Reading: 0 Writing: 1 Waiting: 0\n", "", None), ("x Reading: 0 Writing: 1 Waiting: 0\n", "", None),
    (NGINX.format(291, 6, 179, 106), "Active connections", 291), (NGINX.format(1, 0, 1, 0), "Reading", None),
    (NGINX.format(1, 0, 1, 0), "active", None),
    # php-fpm, which counts the request that asks, and requests in the queue of the socket.
    (FPM.format(2, 4), "", 5), (FPM.format(0, 1), "", 0), (FPM.format(0, 0), "", 0),
    (FPM.format(2, 4), "active processes", 5),
    (FPM_FULL.format(0, 3), "", 2), (FPM_JSON.format(1, 1), "", 1), (FPM_JSON.format(0, 1), "active processes", 0),
    (FPM_JSON.format(0, 4), "active processes", 3), (FPM_JSON.format(3, 1), "listen queue", 3),
    (FPM.format(3, 1), "listen queue", 3), (FPM.format(0, 7), "max active processes", 0),
    (FPM.format("-", 1), "", None),
    (FPM.format(0, "1/5"), "", None), (FPM_JSON.format('"x"', 1), "", None), (FPM_JSON.format(0, "null"), "", None),
    ('{"fpm":' + FPM_JSON.format(0, 1) + "}", "", None),
    ('{"fpm":' + FPM_JSON.format(0, 1) + "}", "active processes", None),
    ("max active processes: 0\n", "", None), ("active processes: 1\n", "", None),
    ("active processes: 1\n", "active processes", 1),
    ('{"active processes":1}', "active processes", 1), ('{"active processes":1}', "", None),
    # Other software.
    (PUMA, "backlog", 0), (PUMA, "running", 5), (PUMA, "requests", None), (PUMA_CLUSTER, "backlog", None),
    (PUMA_CLUSTER, "worker_status.last_status.backlog", None), (PUMA_CLUSTER, "workers", 2),
    (PROMETHEUS, "http_in_flight", None), (PROMETHEUS, "", None), ("http_in_flight 0\n", "http_in_flight", None),
    (PROMETHEUS, "# HELP http_in_flight Requests in flight", 0),
    (HAPROXY_INFO, "CurrConns", 12), (HAPROXY_INFO, "Conns", None), (HAPROXY_CSV, "scur", None),
    (HAPROXY_CSV, "", None),
    (APACHE, "BusyWorkers", 4), (APACHE, "Workers", None), (HTML, "active", None), (HTML, "", None),
)
# fmt: on


def _numbers(rows: Sequence[Row], shell: str) -> list[int | None]:
    """What the program's own `number` tells of each answer, in one shell."""
    program = program_rounds.program("counter.sh")
    functions = program[: program.index("tick\nbegan=")]
    script = [functions]
    for row in rows:
        printed = base64.b64encode(row.printed.encode()).decode()
        field = base64.b64encode(row.field.encode()).decode()
        script.append(f"field=$(plain '{field}') text=$(plain '{printed}')\nprintf '%s' \"$text\" | number\n")
    done = subprocess.run(
        [*shell_argv(shell), "-s"], input="".join(script), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stderr == ""
    told = done.stdout.splitlines()
    assert len(told) == len(rows)
    return [None if line == "-" else int(line) for line in told]


def _wrong(rows: Sequence[Row], shell: str) -> list[tuple[Row, int | None]]:
    told = zip(rows, _numbers(rows, shell), strict=True)
    return [(row, number) for row, number in told if number != row.number]


@pytest.mark.parametrize("shell", SHELLS)
def test_counter_reads_only_the_named_whole_number(shell: str) -> None:
    assert _wrong(ROWS, shell) == []


def _first(tally: CounterSource) -> int | None:
    argv = [*shell_argv("dash"), "-c", program_rounds.program("counter.sh"), "counter", "seconds=0", "quiet=0"]
    done = subprocess.run([*argv, *asked(tally)], capture_output=True, text=True, timeout=30, check=True)
    found = read(done.stdout)
    assert found
    return found.said[-1][1]


@pytest.mark.parametrize(
    ("command", "number"),
    [
        ("printf '%s\\n' 'inactive: 0' 'active: 7'", 7),
        ('echo \'{"pool":{"active":0}}\'', None),
        ("echo 'active: 0'; echo 'a warning' >&2", 0),
        ("echo 'active: 0'; exit 3", None),
        ("echo 'active: 0'; head -c 1100000 /dev/zero | tr '\\0' '\\n'; echo 'active: 7'", None),
        ("yes 'active: 0' | head -c 3000000", None),
    ],
)
def test_whole_program_reads_the_same(command: str, number: int | None) -> None:
    assert _first(CounterSource(command=command, field="active")) == number


def _random_value(draw: random.Random, depth: int) -> object:
    kinds = ["number", "number", "text", "word", "float"] + ["object", "object", "array"] * (depth < 4)
    match draw.choice(kinds):
        case "number":
            return draw.choice([0, 0, 1, 7, 64, -1, 10**12])
        case "text":
            return draw.choice(["", "0", "active", '"active": 0', "a\\b\n\té\U0001f600", "{", "}"])
        case "word":
            return draw.choice([True, False, None])
        case "float":
            return draw.choice([0.0, 0.5, -2.25e-9])
        case "array":
            return [_random_value(draw, depth + 1) for _ in range(draw.randrange(4))]
        case _:
            names = ["active", "inactive", "a", "b", "a.b", "", "é"]
            return {draw.choice(names): _random_value(draw, depth + 1) for _ in range(draw.randrange(5))}


def _values(value: object) -> dict[str, list[object]]:
    """Every value in objects by its path, as Python's parser reads it."""
    found: dict[str, list[object]] = {}

    def walk(here: object, prefix: str) -> None:
        if isinstance(here, dict):
            for name, child in here.items():
                found.setdefault(prefix + name, []).append(child)
                walk(child, f"{prefix}{name}.")

    walk(value, "")
    return found


def _expected(values: Sequence[object]) -> int | None:
    """The only value; None unless it is a whole number of at most nine digits."""
    if len(values) != 1:
        return None
    text = values[0] if isinstance(values[0], str) else json.dumps(values[0])
    whole = text.isascii() and text.isdigit() and str(int(text)) == text and len(text) <= 9
    return int(text) if whole else None


@pytest.mark.parametrize("shell", SHELLS)
def test_random_json_reads_as_python_reads_it(shell: str) -> None:
    draw = random.Random(8)  # noqa: S311 - the same answers in every run
    rows = []
    for _ in range(100):
        value = {name: _random_value(draw, 1) for name in draw.sample(["active", "a", "é", "x"], 3)}
        printed = json.dumps(value, indent=draw.choice([None, 1, 4]), ensure_ascii=draw.random() < 0.5)
        values = _values(value)
        field = draw.choice([*values, "inactive"])
        rows.append(Row(printed, field, _expected(values.get(field, []))))
        rows.append(Row(printed[: draw.randrange(1, len(printed))], field, None))
    assert sum(row.number is not None for row in rows) > 10
    assert _wrong(rows, shell) == []
