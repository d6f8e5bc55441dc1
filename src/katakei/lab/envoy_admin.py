"""What Envoy says about itself over its admin port. It only asks."""

import json
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from urllib.parse import quote

from katakei.lab.address import Door


@dataclass(frozen=True, slots=True)
class Load:
    """What a target has in hand, as the data plane sees it."""

    active: int  # requests in flight now
    total: int  # requests sent to it so far
    connections: int  # open now, idle ones too


class Admin:
    """Envoy's admin port. Not thread-safe. Raises OSError when it does not answer."""

    def __init__(self, door: Door) -> None:
        self._connection = HTTPConnection(*door, timeout=5)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def _get(self, path: str) -> bytes:
        try:
            self._connection.request("GET", path)
            return self._connection.getresponse().read()
        except HTTPException as error:
            raise ConnectionError(f"Envoy's admin port: {error!r}") from error
        except OSError:
            self._connection.close()
            raise

    def ready(self) -> bool:
        """Whether the first configuration is in place."""
        return self._get("/ready").startswith(b"LIVE")

    def figures(self, expression: str) -> dict[str, str]:
        """Every statistic whose name the expression matches."""
        lines = self._get(f"/stats?filter={quote(expression)}").decode().splitlines()
        return {name: value.strip('"') for name, _, value in (line.partition(": ") for line in lines)}

    def loads(self) -> dict[tuple[str, Door], Load]:
        """By name of the cluster and door of the target."""
        found = {}
        for cluster in json.loads(self._get("/clusters?format=json")).get("cluster_statuses", []):
            for host in cluster.get("host_statuses", []):
                at = host["address"]["socket_address"]
                values = {each["name"]: int(each.get("value", 0)) for each in host["stats"]}
                load = Load(values["rq_active"], values["rq_total"], values["cx_active"])
                found[cluster["name"], Door(at["address"], at["port_value"])] = load
        return found
