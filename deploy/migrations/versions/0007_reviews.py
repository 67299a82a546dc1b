"""Cases that analysts work on, what they did, and the labels that their verdicts become."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


STATEMENTS = (
    # The queue, by what a case may cost and by age. A row that is approved costs nothing here.
    """
    CREATE INDEX cases_by_loss ON decisions ((score * amount_minor) DESC, transaction_id DESC)
    WHERE decision <> 'approve'
    """,
    "CREATE INDEX IF NOT EXISTS alerts_newest ON decisions (decided_at) WHERE decision <> 'approve'",
    # Where a case stands (`models.review.Case`), once somebody has acted on it. No row: open.
    """
    CREATE TABLE reviews (
        transaction_id    text COLLATE "C" PRIMARY KEY,
        revision          integer NOT NULL CHECK (revision > 0),
        held_by           text,
        held_until        timestamptz,
        escalated         boolean NOT NULL,
        snoozed_until     timestamptz,
        verdict           text CHECK (verdict IN ('fraud', 'genuine', 'escalate', 'snooze')),
        reason_code       text,
        decided_by        text,
        undo_until        timestamptz,
        was_escalated     boolean NOT NULL,
        was_snoozed_until timestamptz,
        CHECK ((held_by IS NULL) = (held_until IS NULL)),
        CHECK ((verdict IS NULL) = (reason_code IS NULL) AND (verdict IS NULL) = (decided_by IS NULL)
            AND (verdict IS NULL) = (undo_until IS NULL))
    )
    """,
    """
    CREATE TABLE review_actions (
        transaction_id text COLLATE "C" NOT NULL,
        revision       integer NOT NULL,
        happened_at    timestamptz NOT NULL,
        actor          text NOT NULL,
        action         text NOT NULL CHECK (action IN ('take', 'release', 'decide', 'undo')),
        verdict        text,
        reason_code    text,
        note           text NOT NULL,
        until          timestamptz,
        PRIMARY KEY (transaction_id, revision)
    )
    """,
    # Written with its verdict. From due_at on a gateway claims and sends it; before that, undoing deletes it.
    # arrived_at: it stands among the labels.
    """
    CREATE TABLE review_labels (
        transaction_id text COLLATE "C" PRIMARY KEY,
        label_id       text COLLATE "C" NOT NULL,
        customer_id    text COLLATE "C" NOT NULL,
        label          text NOT NULL CHECK (label IN ('fraud', 'genuine')),
        version        integer NOT NULL CHECK (version >= 0),
        event_time     timestamptz NOT NULL,
        due_at         timestamptz NOT NULL,
        claimed_at     timestamptz,
        sent_at        timestamptz,
        arrived_at     timestamptz
    )
    """,
    "CREATE INDEX review_labels_waiting ON review_labels (due_at) WHERE arrived_at IS NULL",
)
