"""The parameters of paths and queries that several routes take."""

from typing import Annotated

from fastapi import Path, Query

ID = r"^[A-Za-z0-9._-]{1,64}$"

Region = Annotated[str, Path(pattern=r"^[a-z0-9-]{1,40}$", description="The region of the group.")]
GroupName = Annotated[str, Path(pattern=r"^[A-Za-z0-9-]{1,32}$", description="The name of the target group.")]
RolloutName = Annotated[str, Path(pattern=ID, description="The id of the rollout.")]
GateName = Annotated[
    str, Path(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f/]+$", description="The name of the gate.")
]
ServiceName = Annotated[
    str, Path(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f/]+$", description="The name of the service.")
]
Limit = Annotated[int, Query(ge=1, le=500, description="How many at most.")]
Search = Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$", description="What is searched for.")]
Text = Annotated[str, Query(max_length=300, pattern=r"^[^\x00]*$")]
