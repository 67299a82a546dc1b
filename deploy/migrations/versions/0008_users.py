"""People who sign in to the monitor."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


STATEMENTS = (
    # Of a password there is a salted scrypt digest. epoch: tokens of an earlier one open nothing.
    """
    CREATE TABLE users (
        name        text COLLATE "C" PRIMARY KEY CHECK (char_length(name) BETWEEN 1 AND 64),
        role        text NOT NULL CHECK (role IN ('viewer', 'analyst', 'admin')),
        salt        bytea NOT NULL CHECK (octet_length(salt) = 16),
        digest      bytea NOT NULL CHECK (octet_length(digest) = 32),
        epoch       integer NOT NULL DEFAULT 1 CHECK (epoch > 0),
        created_at  timestamptz NOT NULL DEFAULT now(),
        changed_at  timestamptz NOT NULL DEFAULT now(),
        disabled_at timestamptz
    )
    """,
)
