"""What can be wrong with an archive, below `Misuse`: nothing has left the ledger for what cannot be read."""

from models.errors import Misuse


class BadArchive(Misuse):
    """A file is missing, or is not what was written."""

    code = "bad_archive"


class CannotArchive(Misuse):
    """Another archiving is at work, or a month has more in it than was written."""

    code = "cannot_archive"
