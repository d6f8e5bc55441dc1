"""The mutations of access to a server: rights, tokens, sessions, sign-in, and the tokens of CI jobs."""

from tests.mutants.mutation import Mutation, rows

RIGHTS = rows(
    "domain/access.py",
    ("if principal.services is not None and service not in principal.services:", "if False:"),
    ("if principal.acts is not None and act not in principal.acts:", "if False:"),
    ("if role is None or role.rank < right.role.rank:", "if role is None:"),
    ("if principal.kind is PrincipalKind.CI and not right.ci:", "if False:"),
    ("    if not _listed(principal, role, policy, right.limited_by):\n", "    if False:\n"),
    ("    if principal.kind not in PEOPLE:\n", "    if False:\n"),
    ("    if principal.name in started_by:\n", "    if False:\n"),
)
CI_IDENTITY = rows(
    "domain/ci_identity.py",
    ("each.issuer == claims.issuer and ", ""),
    ('if any("*" in value for _, value in self.claims):', "if False:"),
    ('required.get("ref_protected") != "true"', '"ref_protected" not in required'),
    ("if len(start) > 1 and text.startswith(start) else", "if text.startswith(start) else"),
)
TOKENS = rows(
    "app/access_tokens.py",
    ("return hashed == found.hashed and now < until", "return now < until"),
    ("return hashed == found.hashed and now < until", "return hashed == found.hashed"),
    ("            self._attempts.check(address, name)\n", ""),
    ("        check_alive(found, now)\n", ""),
    ("    if now >= token.expires:\n", "    if now > token.expires:\n"),
    ("        _check_may_manage(by, request.roles)\n", ""),
    ("if by.acts is not None and (request.acts is None or not request.acts <= by.acts):", "if False:"),
    (
        "return found if found and found.revoked is None and now < found.expires else None",
        "return found if found else None",
    ),
)
SESSIONS = rows(
    "app/access_sessions.py",
    ("if token.principal.kind not in PEOPLE:", "if False:"),
    ("now >= min(found.expires, found.seen + IDLE)", "now >= found.expires"),
    ("now >= min(found.expires, found.seen + IDLE)", "now >= found.seen + IDLE"),
    ("expires = min(now + LONGEST, until or now + LONGEST)", "expires = now + LONGEST"),
    ("        self._attempts.check(address)\n", ""),
)
EXCHANGE = rows(
    "app/ci_exchange.py",
    ("        self._attempts.check(address)\n", ""),
    ("claims.expires - now + LEEWAY", "claims.expires - now"),
    ("acts, frozenset({service}))", "acts, None)"),
    ("PrincipalKind.CI, {service: lowest_role(acts)}, acts,", "PrincipalKind.CI, {service: lowest_role(acts)}, None,"),
)
LOGIN = rows(
    "app/login.py",
    ("if not kept or not hmac.compare_digest(of_browser, hashed(browser)):", "if not kept:"),
    ("LASTS = timedelta(minutes=10)", "LASTS = timedelta(minutes=11)"),
)
STORE = rows(
    "adapters/access/sql_store.py",
    ("return row.text if row and row.expires > now else None", "return row.text if row else None"),
    ("return connection.execute(ADD_ONCE, values).rowcount == 1", "return bool(connection.execute(ADD_ONCE, values))"),
    ("            connection.execute(delete(sessions_table).where(sessions_table.c.token == lookup))\n", ""),
)
TOKEN_CHECK = rows(
    "adapters/oidc/token_check.py",
    ("if len(text) > MAX_BYTES or not text.isascii():", "if not text.isascii():"),
    ('if header.get("typ", "") not in expected.types:', "if False:"),
    ('if "crit" in header or "b64" in header:', "if False:"),
    ("if not timedelta() < expires - issued <= MAX_LIFETIME:", "if not timedelta() < expires - issued:"),
    ("if max(issued, not_before) > now + LEEWAY:", "if issued > now + LEEWAY:"),
    ("if now >= expires + LEEWAY:", "if False:"),
    ("if now - issued > max_age + LEEWAY:", "if False:"),
)
OIDC_LOGIN = rows(
    "adapters/oidc/login.py",
    ("if not isinstance(given, str) or not hmac.compare_digest(", "if not isinstance(given, str) or not max("),
    ('if claims.get("azp", self._settings.client_id) != self._settings.client_id:', "if False:"),
    ('if claim == EMAIL and claims.get("email_verified") is not True:', "if False:"),
    ('if found.get("issuer") != self._issuer:', "if False:"),
)
KEYS = rows(
    "adapters/oidc/signing_keys.py",
    ("self._tried is None or now - self._tried >= AT_MOST_EVERY", "True"),
    ("fresh = self._read is not None and now - self._read < KEPT", "fresh = self._read is not None"),
)
HTTP = rows(
    "adapters/oidc/provider_http.py",
    ("    if len(found) != len(pairs):\n", "    if False:\n"),
    ('(parts.scheme == "http" and parts.hostname in LOOPBACK)', 'parts.scheme == "http"'),
    ("            if self._clock.now() > until:\n", "            if False:\n"),
)

MUTATIONS: tuple[Mutation, ...] = (
    *RIGHTS,
    *CI_IDENTITY,
    *TOKENS,
    *SESSIONS,
    *EXCHANGE,
    *LOGIN,
    *STORE,
    *TOKEN_CHECK,
    *OIDC_LOGIN,
    *KEYS,
    *HTTP,
)
