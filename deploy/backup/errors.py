"""What can be wrong with a backup, below `Misuse`: nothing was touched when one of these is raised."""

from models.errors import Misuse


class BadBackup(Misuse):
    """It is none of ours, or it is not what was written."""

    code = "bad_backup"


class CannotBackUp(Misuse):
    """Something that a backup or a restore needs is missing: room, a right, a program."""

    code = "cannot_back_up"


class TargetInUse(Misuse):
    """What would be replaced holds something, or somebody works with it."""

    code = "target_in_use"


class OtherLog(Misuse):
    """Kafka's topics are not those that the ledger of a backup goes on from."""

    code = "other_log"
