"""The sentence for a call that S3 denies: AWS's own words, and where to look by these words.

S3 says "Access Denied" to callers of other accounts and in all older cases. Otherwise its text names the action and the
policy, as "Troubleshoot access denied (403 Forbidden) errors in Amazon S3" lists them.
"""

import re

LONGEST = 300
"""Characters of AWS's words that are shown: they may quote a policy or a session name."""

_POLICIES = {
    "resource-based policy": "the bucket's policy",
    "service control policy": "a service control policy of the organization",
    "resource control policy": "a resource control policy of the organization",
    "permissions boundary": "the permissions boundary of this role or user",
    "session policy": "the session policy of these credentials",
    "VPC endpoint policy": "the policy of the VPC endpoint",
    "identity-based policy": "the IAM policy of this role or user",
}
_CONDITIONS = (
    "its conditions may ask for an encryption (s3:x-amz-server-side-encryption), a conditional write"
    " (s3:if-none-match), a network (aws:SourceIp, aws:SourceVpce), TLS or an account"
)
_KMS = re.compile(r"\bkms:\w+")
_LACKING = re.compile(r"because no [\w -]*policy allows the (s3:\w+) action")
_RIGHTS = "allow s3:ListBucket on the bucket and s3:GetObject and s3:PutObject below it, also in the bucket's policy"


def denial(what: str, said: str, code: str = "") -> str:
    """The sentence for a denied call.

    Args:
        what: The call and the journal.
        said: AWS's words, as one harmless line.
        code: The error code.
    """
    words = said if len(said) <= LONGEST else f"{said[:LONGEST]} …"
    return f"these credentials may not call {what}: {_advice(said, code)} (AWS says: {words})"


def _advice(said: str, code: str) -> str:
    if code.startswith("KMS."):
        return "the KMS key of the bucket cannot be used; enable it, or choose another key for the bucket"
    key = _KMS.search(said)
    if key and "explicit deny" not in said:
        return f"the KMS key of the bucket refuses; allow {key[0]} on that key, also in the key's own policy"
    policy = next((name for words, name in _POLICIES.items() if words in said), "a policy")
    if "explicit deny" in said:
        return f"{policy} denies it explicitly; {_CONDITIONS}"
    if _LACKING.search(said):
        return _RIGHTS
    return f"{_RIGHTS}; if all that is allowed already, a policy refuses by a condition: {_CONDITIONS}"
