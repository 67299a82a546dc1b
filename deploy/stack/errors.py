"""What can go wrong with the embedded stack itself; what its stores do wrong is in models/errors.py."""

from models.errors import Misuse


class StackError(Misuse):
    """The machine, the folder or the way of calling has to change before the stack can do this."""

    code = "stack"


class NotRunning(StackError):
    code = "not_running"


class PartFailed(StackError):
    """A part was started and did not get ready; its log says why."""

    code = "part_failed"


class JarsMissing(StackError):
    """Kafka's jars are not here and could not be fetched, or are not what the lock names."""

    code = "jars_missing"
