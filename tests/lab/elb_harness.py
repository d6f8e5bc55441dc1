"""A small region for tests: EC2 instances, one application, and a data plane that only records."""

from __future__ import annotations

import json
import threading
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from tests.lab.credentials import keys_of

from katakei.lab.address import BoundAddress
from katakei.lab.elb.environment import Ec2Instance, Subnet
from katakei.lab.elb.service import Elb
from katakei.lab.elb.switches import Switches
from katakei.lab.elb.target_state import TargetState
from katakei.lab.endpoint.server import Endpoint
from katakei.lab.options import environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta

    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client

    from katakei.lab.desired_config import DesiredConfig

REGION, ACCOUNT, VPC = "ap-northeast-1", "123456789012", "vpc-0a1b2c3d"
ZONES = (f"{REGION}a", f"{REGION}c", f"{REGION}d")
SUBNETS = tuple(Subnet(f"subnet-{z[-1]}", z, VPC, f"127.250.{16 * n}.0/20") for n, z in enumerate(ZONES))
ONE, TWO, FAR, STOPPED = (f"i-0000000000000000{n}" for n in range(1, 5))


class Application(ThreadingHTTPServer):
    """Answers every GET with `status` and records the headers of each request."""

    daemon_threads = True

    def __init__(self) -> None:
        self.status = 200
        self.seen: list[dict[str, str]] = []
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: Application

    def do_GET(self) -> None:
        self.server.seen.append(dict(self.headers))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the library's
        pass


@dataclass
class FakeEnvironment:
    """Four instances in three zones (the last one stopped), one application behind every address."""

    application: Application
    instances: dict[str, Ec2Instance] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for number, (name, zone) in enumerate(((ONE, 0), (TWO, 1), (FAR, 2), (STOPPED, 0))):
            state = "stopped" if name == STOPPED else "running"
            self.instances[name] = Ec2Instance(name, state, ZONES[zone], f"127.250.{16 * zone}.{10 + number}", VPC)

    def instance(self, instance: str) -> Ec2Instance | None:
        return self.instances.get(instance)

    def instance_at(self, address: str) -> Ec2Instance | None:
        return next((m for m in self.instances.values() if m.address == address), None)

    def subnet(self, subnet: str) -> Subnet | None:
        return next((s for s in SUBNETS if s.id == subnet), None)

    def subnets(self, vpc: str) -> tuple[Subnet, ...]:
        return SUBNETS if vpc == VPC else ()

    def vpc_cidrs(self, vpc: str) -> tuple[str, ...]:
        return ("127.250.0.0/16",) if vpc == VPC else ()

    def bound_address(self, _target: str, _port: int) -> BoundAddress:
        return BoundAddress("127.0.0.1", self.application.server_port)


class RecordingDataPlane:
    """A data plane that only records the last configuration."""

    def __init__(self) -> None:
        self.desired: DesiredConfig | None = None

    def apply(self, desired: DesiredConfig) -> None:
        self.desired = desired


@dataclass
class RunningElb:
    """The endpoint over the small region, with a client and its parts."""

    elb: Elb
    endpoint: Endpoint
    environment: FakeEnvironment
    data_plane: RecordingDataPlane
    _client: ElasticLoadBalancingv2Client | None = None

    def client(self, **more: Any) -> ElasticLoadBalancingv2Client:
        """Returns a shared client, or a new one for special settings. Making one takes a tenth of a second."""
        if more:
            return self._new_client(**more)
        self._client = self._client or self._new_client()
        return self._client

    def _new_client(self, **more: Any) -> ElasticLoadBalancingv2Client:
        config = Config(retries={"total_max_attempts": 1}, connect_timeout=3, read_timeout=3, **more)
        client: ElasticLoadBalancingv2Client = boto3.client("elbv2", **keys_of(self.env, config=config))
        return client

    @property
    def env(self) -> dict[str, str]:
        """The variables that a lab with this endpoint would print; it has no target group of its own."""
        printed = environment(self.endpoint.url, "", self.endpoint.key)
        return {name: value for name, value in printed.items() if value}

    def lab(self, what: str, **changes: object) -> Any:
        body = json.dumps(changes).encode() if changes else None
        key = {"X-Katakei-Lab-Key": self.endpoint.key.secret}
        asked = urllib.request.Request(f"{self.endpoint.url}/_lab/{what}", body, key)  # noqa: S310 - http
        with urllib.request.urlopen(asked, timeout=5) as answer:  # noqa: S310 - http
            return json.load(answer)

    def group(self, name: str = "g", *, delay: int = 300, **more: Any) -> str:
        """Make a group with default settings and a check every 0.3 s, without throttling."""
        settings: dict[str, Any] = {"Name": name, "Protocol": "HTTP", "Port": 80, "VpcId": VPC}
        checks = {"HealthCheckIntervalSeconds": 0.3, "HealthCheckTimeoutSeconds": 0.2, "HealthyThresholdCount": 2}
        made = self.elb.call("CreateTargetGroup", settings | checks | {"UnhealthyThresholdCount": 2} | more)
        arn = str(made["TargetGroups"][0]["TargetGroupArn"])
        if more.get("TargetType") != "lambda":
            delays = [{"Key": "deregistration_delay.timeout_seconds", "Value": str(delay)}]
            self.elb.call("ModifyTargetGroupAttributes", {"TargetGroupArn": arn, "Attributes": delays})
        return arn

    def balancer(self, name: str = "b") -> str:
        made = self.elb.call("CreateLoadBalancer", {"Name": name, "Subnets": [s.id for s in SUBNETS[:2]]})
        return str(made["LoadBalancers"][0]["LoadBalancerArn"])

    def listener(self, group: str, balancer: str, port: int = 8088) -> str:
        forward = [{"Type": "forward", "TargetGroupArn": group}]
        asked = {"LoadBalancerArn": balancer, "Port": port, "Protocol": "HTTP", "DefaultActions": forward}
        return str(self.elb.call("CreateListener", asked)["Listeners"][0]["ListenerArn"])

    def states(self, group: str, *targets: str) -> dict[str, str]:
        """Returns the state by id, or by id:port if the port is not the group's."""
        asked = {"TargetGroupArn": group} | ({"Targets": [{"Id": t} for t in targets]} if targets else {})
        shown = self.elb.call("DescribeTargetHealth", asked)["TargetHealthDescriptions"]
        return {
            d["Target"]["Id"] + ("" if d["Target"]["Port"] in {80, None} else f":{d['Target']['Port']}"): (
                d["TargetHealth"]["State"]
            )
            for d in shown
        }


@contextmanager
def running_elb(propagation: timedelta) -> Iterator[RunningElb]:
    """Run all of it while the `with` block lasts."""
    application = Application()
    serving = threading.Thread(target=application.serve_forever, args=(0.05,), daemon=True)
    serving.start()
    environment, data_plane = FakeEnvironment(application), RecordingDataPlane()
    switches = Switches(propagation=propagation)
    nodes = (f"127.250.255.{n + 10}" for n in range(200))
    elb = Elb(TargetState(REGION, ACCOUNT, environment, lambda: next(nodes, None), switches), data_plane)
    endpoint = Endpoint(elb)
    elb.start()
    endpoint.start()
    try:
        yield RunningElb(elb, endpoint, environment, data_plane)
    finally:
        endpoint.close()
        elb.close()
        application.shutdown()
        application.server_close()
        serving.join(5)
