"""One loader of botocore's data for the whole process of a lab.

moto opens a session for each service that it imports, and each session would read the same large files again. That is
a third of the time in which a lab starts.
"""

from functools import cache


def share() -> None:
    """Makes all sessions that are opened later use the same loader. Call it before moto is imported."""
    from botocore import loaders, session  # noqa: PLC0415 - slow to import, and only a running lab needs it

    session.create_loader = cache(loaders.create_loader)  # type: ignore[attr-defined,unused-ignore]  # not exported
