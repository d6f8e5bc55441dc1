"""Calls that a stack makes to the other services of the lab, inside this process.

They are signed, counted, throttled and broken by no fault: these are for the calls of users.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import botocore.session
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.exceptions import ClientError, ParamValidationError
from botocore.model import ListShape, Shape, StructureShape

from katakei.lab.cloudformation.errors import DeploymentError

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest

ADDRESS = "http://127.0.0.1"  # never connected to: requests are answered in this process


class Reply(Protocol):
    """The answer to a request."""

    @property
    def code(self) -> int:
        """The status."""

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The headers."""

    @property
    def body(self) -> bytes:
        """The whole body."""


Send = Callable[["AWSPreparedRequest", str, str, str], Reply]
"""Answers (request, service, region, account)."""


class _Body(io.BytesIO):
    """The body of an answer as botocore reads it."""

    def stream(self, amount: int = 2**16, **_options: object) -> Iterator[bytes]:
        """Yields the body in parts."""
        while data := self.read(amount):
            yield data


class ServiceCalls:
    """Calls to the services of one account and region.

    Args:
        send: executes one request of this lab.
    """

    def __init__(self, send: Send, account: str, region: str) -> None:
        self.account = account
        self.region = region
        self._send = send
        self._session = botocore.session.get_session()
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()

    def call(self, service: str, operation: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Call an operation, with values converted to the types that it takes (`"20"` to 20).

        Raises:
            DeploymentError: the service rejects the call, or does not have such a parameter.
        """
        client = self._client(service)
        shape = client.meta.service_model.operation_model(operation).input_shape
        try:
            found: dict[str, Any] = client._make_api_call(operation, _converted(params or {}, shape))  # noqa: SLF001 - by the operation's name in the API; botocore's methods have names of their own
        except ClientError as error:
            code, text = error.response["Error"]["Code"], error.response["Error"]["Message"]
            raise DeploymentError(f"{text} (Service: {service}, Operation: {operation}, Code: {code})") from error
        except ParamValidationError as error:
            faults = "; ".join(str(error).splitlines()[1:])
            raise DeploymentError(f"{operation} of {service}: {faults}") from error
        return found

    def find(self, service: str, operation: str, params: Mapping[str, Any]) -> dict[str, Any] | None:
        """Like `call`, but returns None if the service rejects the call, for things that may be gone."""
        try:
            return self.call(service, operation, params)
        except DeploymentError:
            return None

    def _client(self, service: str) -> Any:
        with self._lock:
            if service not in self._clients:
                client = self._session.create_client(
                    service,
                    region_name=self.region,
                    endpoint_url=ADDRESS,
                    aws_access_key_id="STACK",
                    aws_secret_access_key="stack",  # noqa: S106 - nobody checks it: no request leaves this process
                    config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
                )
                client.meta.events.register("before-send", self._answer_of(service))
                self._clients[service] = client
            return self._clients[service]

    def _answer_of(self, service: str) -> Callable[..., Any]:
        def answer(request: AWSPreparedRequest, **_given: object) -> AWSResponse:
            found = self._send(request, service, self.region, self.account)
            headers = HTTPHeaders.from_pairs(found.headers)
            return AWSResponse(request.url, found.code, headers, _Body(found.body))

        return answer


def _converted(value: Any, shape: Shape | None) -> Any:
    """Returns a template's value with the types of an API: a template may write 20, "20" and "true"."""
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        return {key: _converted(each, shape.members.get(key)) for key, each in value.items()}
    if isinstance(shape, ListShape) and isinstance(value, list | tuple):
        return [_converted(each, shape.member) for each in value]
    kind = shape.type_name if shape is not None else ""
    if kind in {"integer", "long"} and isinstance(value, str) and value.lstrip("-").isdigit():
        return int(value)
    if kind == "boolean" and isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    if kind == "string" and isinstance(value, bool | int):
        return str(value).lower()
    return value
