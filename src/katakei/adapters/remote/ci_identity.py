"""The identity of a CI job: its OpenID Connect token, and the exchange for a short token of a server.

GitHub Actions gives a token on request, for an audience of the caller's choice, by ACTIONS_ID_TOKEN_REQUEST_URL and
ACTIONS_ID_TOKEN_REQUEST_TOKEN (https://docs.github.com/actions, "OpenID Connect reference"). GitLab puts one into a
variable that the job names under `id_tokens`. The token itself never appears in a message.
"""

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit

from katakei.adapters.remote.http_client import Address, ServerApi
from katakei.domain.errors import UnreachableError

GITHUB_URL = "ACTIONS_ID_TOKEN_REQUEST_URL"
GITHUB_TOKEN = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"  # noqa: S105 - the name of a variable
GITLAB_TOKEN = "KATAKEI_ID_TOKEN"  # noqa: S105 - the name of a variable


def identity(env: Mapping[str, str], audience: str) -> str:
    """The OpenID Connect token of this job; '' where it has none.

    Args:
        env: The environment of the job.
        audience: The server for which a token is asked.

    Raises:
        NoAnswerError: GitHub's service did not answer.
        UnreachableError: It gave no token.
    """
    if token := env.get(GITLAB_TOKEN, "").strip():
        return token
    if not (env.get(GITHUB_URL) and env.get(GITHUB_TOKEN)):
        return ""
    parts = urlsplit(env[GITHUB_URL])
    query = {**dict(parse_qsl(parts.query)), "audience": audience}
    api = ServerApi(Address(f"{parts.scheme}://{parts.netloc}", ""), env[GITHUB_TOKEN])
    answer = api.get(f"{parts.path}?{urlencode(query)}")
    given = answer.get("value") if isinstance(answer, dict) else None
    if not isinstance(given, str) or not given:
        raise UnreachableError("GitHub Actions gave no OpenID Connect token: set permissions: id-token: write")
    return given


def exchanged(api: ServerApi, token: str, service: str) -> str:
    """The server's own short token for this service. Raises UnreachableError: it does not accept this job."""
    answer = api.post("/api/v1/ci/token", {"token": token, "service": service})
    found = answer.get("secret") if isinstance(answer, dict) else None
    if not isinstance(found, str) or not found:
        raise UnreachableError("the server gave no token for this job: use the version of Katakei that the server has")
    return found
