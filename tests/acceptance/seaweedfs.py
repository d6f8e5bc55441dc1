"""SeaweedFS, an S3 server written by others, on loopback: where the S3 journal must keep its promises too.

The program comes from a package of its own environment (`make accept` makes it). Each bucket takes whole volumes of the
server, so there is one bucket, and every test has a prefix of its own.
"""

import json
import secrets
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from katakei.lab import clock

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / ".venv-weed" / "bin" / "weed"
BUCKET, REGION = "journals", "ap-northeast-1"
READY_WITHIN = 90.0
GRPC = 10_000
"""The port of each service's gRPC is its own port plus this."""


@dataclass(frozen=True, slots=True)
class SeaweedFs:
    """A running server with one bucket. `env` points S3, and nothing else, of an AWS client at it."""

    url: str
    env: Mapping[str, str]


@contextmanager
def seaweedfs(folder: Path, key: str = "", secret: str = "") -> Iterator[SeaweedFs]:
    """Starts the server and makes the bucket.

    Args:
        folder: Everything is kept here.
        key: The access key that the server accepts; '' for a random one.
        secret: The secret of that key.
    """
    key, secret = key or secrets.token_hex(8), secret or secrets.token_hex(16)
    data, config = folder / "data", folder / "s3.json"
    data.mkdir(parents=True)
    credentials = [{"accessKey": key, "secretKey": secret}]
    config.write_text(json.dumps({"identities": [{"name": "k", "credentials": credentials, "actions": ["Admin"]}]}))
    master, volume, filer, s3 = _free_ports(4)
    command = [
        str(PROGRAM),
        "server",
        f"-dir={data}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-s3",
        f"-s3.config={config}",
    ]
    ports = [f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}", f"-s3.port={s3}"]
    ports += [f"-s3.port.grpc={s3 + GRPC}", "-volume.max=100", "-master.volumeSizeLimitMB=64"]
    url = f"http://127.0.0.1:{s3}"
    env = {"AWS_ENDPOINT_URL_S3": url, "AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_REGION": REGION}
    with (folder / "log").open("wb") as log, subprocess.Popen([*command, *ports], stdout=log, stderr=log) as server:
        try:
            client: Any = boto3.Session(key, secret, region_name=REGION).client("s3", endpoint_url=url)
            assert clock.wait_for(lambda: _makes_bucket(client), READY_WITHIN, 0.5), (folder / "log").read_text()[
                -2000:
            ]
            client.close()
            yield SeaweedFs(url, {**env, "AWS_DEFAULT_REGION": REGION})
        finally:
            server.kill()  # it ends by nothing else in time


def _makes_bucket(client: Any) -> bool:
    with suppress(ClientError, BotoCoreError):
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    with suppress(ClientError, BotoCoreError):
        client.put_object(Bucket=BUCKET, Key="ready", Body=b"")
        return True
    return False


def _free_ports(count: int) -> list[int]:
    """Ports that are free now, and whose gRPC ports are free too."""
    found: list[int] = []
    while len(found) < count:
        with socket.socket() as one, socket.socket() as other, suppress(OSError, OverflowError):
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
            port = port if port + GRPC < 65_536 else port - 2 * GRPC
            other.bind(("127.0.0.1", port + GRPC))
            found += [port] if port not in found else []
    return found
