"""OpenID Connect: the tokens of CI jobs, and the sign-in of people."""
