"""The files Envoy reads its resources from: replaced by rename, and believed in only once Envoy says their version."""

import json
from pathlib import Path

from katakei.lab import clock
from katakei.lab.envoy_admin import Admin
from katakei.lab.envoy_resources import Json
from katakei.lab.problem import LabError


class Files:
    """All files of one Envoy. A file is known by its name and by the statistic in which Envoy says its version."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._serial = 0
        self._contents: dict[str, list[Json]] = {}
        self._awaited: dict[str, tuple[str, str]] = {}
        self._rejected: dict[str, str] = {}

    def path(self, name: str) -> Path:
        """Where the file is."""
        return self._folder / f"{name}.json"

    def put(self, name: str, said_in: str, resources: list[Json]) -> None:
        """Replace a file, unless it holds just that."""
        if self._contents.get(name) == resources:
            return
        self._serial += 1
        fresh = self._folder / f".{name}"
        fresh.write_text(json.dumps({"version_info": str(self._serial), "resources": resources}))
        fresh.rename(self.path(name))
        self._contents[name] = resources
        self._awaited[name] = (said_in, str(self._serial))

    def drop(self, name: str) -> None:
        """Forget a file nothing refers to any more."""
        self._contents.pop(name, None)
        self._awaited.pop(name, None)
        self.path(name).unlink(missing_ok=True)

    def settle(self, admin: Admin, within: float) -> None:
        """Wait until Envoy has taken everything put so far.

        Raises LabError when it refuses something or takes longer; what it has not taken is then written anew next time.
        """
        if clock.wait_for(lambda: self._settled(admin), within, every=0.005):
            return
        self._fail("Envoy does not take its new configuration")

    def _settled(self, admin: Admin) -> bool:
        if not self._awaited:
            return True
        names = "|".join(sorted(said_in.replace(".", r"\.") for said_in, _ in self._awaited.values()))
        figures = admin.figures(rf"^(?:{names})\.(?:version_text|update_rejected)$|warming")
        for name, (said_in, version) in list(self._awaited.items()):
            rejected = figures.get(f"{said_in}.update_rejected", "0")
            if rejected != self._rejected.setdefault(name, "0"):
                self._rejected[name] = rejected
                self._fail(f"Envoy refuses {name}")
            if figures.get(f"{said_in}.version_text") == version:
                del self._awaited[name]
        return not self._awaited and not any(int(figures[name]) for name in figures if "warming" in name)

    def _fail(self, what: str) -> None:
        for name in self._awaited:
            self._contents.pop(name, None)
        self._awaited.clear()
        log = (self._folder / "envoy.log").read_text(errors="replace").splitlines()
        raise LabError(f"{what}; its last words: {log[-1] if log else 'none'}")
