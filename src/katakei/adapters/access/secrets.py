"""The slow hash of secrets: Argon2id with the parameters of RFC 9106 for little memory (64 MB, 3 passes)."""

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError


class Argon2Hasher:
    """Implements the port `SecretHasher`. One hash takes about 0.1 s."""

    def __init__(self) -> None:
        self._argon2 = PasswordHasher()

    def hash(self, secret: str) -> str:
        """As the port says."""
        return self._argon2.hash(secret)

    def verify(self, hashed: str, secret: str) -> bool:
        """As the port says; a damaged hash fits no secret."""
        try:
            return self._argon2.verify(hashed, secret)
        except (Argon2Error, InvalidHashError):
            return False
