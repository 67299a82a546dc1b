"""What it means that Redis lacks our functions: whoever may load them does, and others say whom to ask."""

from redis.exceptions import NoPermissionError, ResponseError

from models.errors import ViewUnavailable

MISSING = "Function not found"


def is_missing(error: ResponseError) -> bool:
    return MISSING in str(error)


def may_not_load(error: NoPermissionError) -> ViewUnavailable:
    """For a user that has the rights of its role alone."""
    return ViewUnavailable(
        "Redis has not the functions of this version",
        why=f"this user may not load them: {str(error).splitlines()[0]}",
        next_step="fraudml access, with REDIS_URL of a user who may",
    )
