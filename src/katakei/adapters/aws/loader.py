"""The loader of botocore's data: extracts with the actions that Katakei calls, before the models that botocore ships.

The models of botocore describe every action of a service: reading those of five services takes as long as a whole
`katakei status`, and 30 MB. The extracts are made from them by `make extracts`; a test compares them with the
installed botocore. A service without an extract, which a credential provider may call, has botocore's own model.
"""

import os
from functools import cache
from pathlib import Path

from botocore.loaders import Loader

EXTRACTS = Path(__file__).parent / "service_models"
"""Parts of botocore's models of `services.py`, and of its table of endpoints."""


class ExtractLoader(Loader):
    """botocore's loader with the extracts. What a user put into AWS_DATA_PATH or `~/.aws/models` comes first.

    Args:
        data_path: AWS_DATA_PATH, or `data_path` of the profile; '' for none.
    """

    def __init__(self, data_path: str) -> None:
        given = [os.path.expandvars(Path(path).expanduser()) for path in data_path.split(os.pathsep) if path]
        paths = [*given, self.CUSTOMER_DATA_PATH, str(EXTRACTS), self.BUILTIN_DATA_PATH]
        super().__init__(paths, include_default_search_paths=False)

    def list_available_services(self, type_name: str) -> list[str]:
        """The names of all folders. botocore would search 400 folders for a file of this type."""
        del type_name
        return sorted({name for path in self.search_paths if Path(path).is_dir() for name in os.listdir(path)})  # noqa: PTH208 - only names

    def is_builtin_path(self, path: str) -> bool:
        """Whether data are botocore's own, as the extracts are. For other data it would not use its endpoint rules."""
        return Path(path).is_relative_to(EXTRACTS) or bool(super().is_builtin_path(path))


@cache
def service_loader(data_path: str) -> ExtractLoader:
    """The loader that all sessions of this process share, because it keeps what it has read."""
    return ExtractLoader(data_path)
