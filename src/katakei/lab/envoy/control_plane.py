"""Control of Envoy: the files with its resources, and the admin socket that reports the active version."""

import json
import os
import socket
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import quote

from katakei.lab import clock
from katakei.lab.address import BoundAddress
from katakei.lab.envoy.resources import ADMIN_SOCKET, Json
from katakei.lab.errors import LabError


@dataclass(frozen=True, slots=True)
class TargetLoad:
    """The load of one target, as the data plane sees it."""

    active: int  # requests in flight now
    total: int  # requests sent so far
    connections: int  # open now, idle ones included


class _SocketConnection(HTTPConnection):
    """An HTTP connection over a socket in the file system."""

    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        """Connect. The path of a socket must be short, so the folder is named by a descriptor."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self.sock.connect(f"/proc/self/fd/{folder}/{self._path.name}")
        finally:
            os.close(folder)


class Admin:
    """Envoy's admin API on a socket in its folder. It can end Envoy, so it is on no port: other users reach those.

    Not thread-safe. Raises OSError if Envoy does not answer.
    """

    def __init__(self, folder: Path) -> None:
        self._connection = _SocketConnection(folder / ADMIN_SOCKET, timeout=5)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _get(self, path: str) -> bytes:
        try:
            self._connection.request("GET", path)
            return self._connection.getresponse().read()
        except HTTPException as error:
            raise ConnectionError(f"Envoy's admin socket: {error!r}") from error
        except OSError:
            self._connection.close()
            raise

    def listening(self) -> bool:
        """Whether Envoy has opened the socket."""
        try:
            self._get("/ready")
        except OSError:
            return False
        return True

    def ready(self) -> bool:
        """Whether the first configuration is active."""
        return self._get("/ready").startswith(b"LIVE")

    def statistics(self, expression: str) -> dict[str, str]:
        """Returns every statistic whose name matches the expression."""
        lines = self._get(f"/stats?filter={quote(expression)}").decode().splitlines()
        return {name: value.strip('"') for name, _, value in (line.partition(": ") for line in lines)}

    def loads(self) -> dict[tuple[str, BoundAddress], TargetLoad]:
        """Returns the load of every target, by cluster name and address."""
        found = {}
        for cluster in json.loads(self._get("/clusters?format=json")).get("cluster_statuses", []):
            for host in cluster.get("host_statuses", []):
                at = host["address"]["socket_address"]
                values = {each["name"]: int(each.get("value", 0)) for each in host["stats"]}
                load = TargetLoad(values["rq_active"], values["rq_total"], values["cx_active"])
                found[cluster["name"], BoundAddress(at["address"], at["port_value"])] = load
        return found


class ConfigFiles:
    """All resource files of one Envoy.

    Each file has a name and the statistic in which Envoy reports the file's active version.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._serial = 0
        self._contents: dict[str, list[Json]] = {}
        self._pending: dict[str, tuple[str, str]] = {}
        self._rejected: dict[str, str] = {}

    def path(self, name: str) -> Path:
        """Returns the path of a file."""
        return self._folder / f"{name}.json"

    def put(self, name: str, version_statistic: str, resources: list[Json]) -> None:
        """Replace a file by rename, unless its content is the same."""
        if self._contents.get(name) == resources:
            return
        self._serial += 1
        temporary = self._folder / f".{name}"
        temporary.write_text(json.dumps({"version_info": str(self._serial), "resources": resources}))
        temporary.rename(self.path(name))
        self._contents[name] = resources
        self._pending[name] = (version_statistic, str(self._serial))

    def drop(self, name: str) -> None:
        """Remove a file that nothing refers to any more."""
        self._contents.pop(name, None)
        self._pending.pop(name, None)
        self.path(name).unlink(missing_ok=True)

    def wait_until_active(self, admin: Admin, within: float) -> None:
        """Wait until Envoy has activated every file.

        Raises:
            LabError: Envoy rejected a file or took longer than `within` seconds. The next call writes those files
                again.
        """
        if clock.wait_for(lambda: self._all_active(admin), within, every=0.005):
            return
        self._fail("Envoy does not take its new configuration")

    def _all_active(self, admin: Admin) -> bool:
        if not self._pending:
            return True
        names = "|".join(
            sorted(version_statistic.replace(".", r"\.") for version_statistic, _ in self._pending.values())
        )
        statistics = admin.statistics(rf"^(?:{names})\.(?:version_text|update_rejected)$|warming")
        for name, (version_statistic, version) in list(self._pending.items()):
            rejected = statistics.get(f"{version_statistic}.update_rejected", "0")
            if rejected != self._rejected.setdefault(name, "0"):
                self._rejected[name] = rejected
                self._fail(f"Envoy refuses {name}")
            if statistics.get(f"{version_statistic}.version_text") == version:
                del self._pending[name]
        return not self._pending and not any(int(statistics[name]) for name in statistics if "warming" in name)

    def _fail(self, what: str) -> None:
        for name in self._pending:
            self._contents.pop(name, None)
        self._pending.clear()
        log = (self._folder / "envoy.log").read_text(errors="replace").splitlines()
        raise LabError(f"{what}; the last line of its log: {log[-1] if log else 'none'}")
