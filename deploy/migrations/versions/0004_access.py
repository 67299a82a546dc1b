"""Who may ask, and what was done: API keys, and an audit table in which every row rests on the one before."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

LOCK = 0x6175646974  # one row of the audit table after the other, whoever writes


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


STATEMENTS = (
    # Of a key's secret there is only an HMAC: 32 bytes, and so never the key itself.
    """
    CREATE TABLE api_keys (
        key_id           text COLLATE "C" PRIMARY KEY,
        env              text NOT NULL,
        owner            text NOT NULL CHECK (char_length(owner) BETWEEN 1 AND 64),
        name             text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 64),
        digest           bytea NOT NULL CHECK (octet_length(digest) = 32),
        pepper_id        text NOT NULL,
        last_four        text NOT NULL CHECK (char_length(last_four) = 4),
        scopes           text[] NOT NULL CHECK (cardinality(scopes) > 0),
        limit_per_minute integer NOT NULL DEFAULT 100 CHECK (limit_per_minute > 0),
        lifetime         interval,
        created_at       timestamptz NOT NULL DEFAULT now(),
        expires_at       timestamptz,
        revoked_at       timestamptz
    )
    """,
    "CREATE INDEX api_keys_of ON api_keys (owner, name)",
    "ALTER TABLE audit ADD COLUMN outcome text NOT NULL DEFAULT 'done'",
    "ALTER TABLE audit ADD COLUMN prev_hash bytea",
    "ALTER TABLE audit ADD COLUMN hash bytea",
    # Ids are given under the lock below: drawn before it, they would not be in the order of the chain.
    "ALTER TABLE audit ALTER COLUMN audit_id DROP IDENTITY",
    # What is hashed. The same in every session: a moment as such would be told in the session's own zone.
    """
    CREATE FUNCTION audit_text(entry audit) RETURNS text LANGUAGE sql STABLE AS $$
        SELECT jsonb_build_object(
            'audit_id', entry.audit_id,
            'happened_at', to_char(entry.happened_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
            'actor', entry.actor, 'action', entry.action, 'object', entry.object, 'before', entry.before,
            'after', entry.after, 'why', entry.why, 'detail', entry.detail, 'outcome', entry.outcome
        )::text
    $$
    """,
    "ALTER TABLE audit DISABLE TRIGGER audit_stands",
    """
    DO $$
    DECLARE
        entry audit;
        last_hash bytea := decode(repeat('00', 32), 'hex');
    BEGIN
        FOR entry IN SELECT * FROM audit ORDER BY audit_id LOOP
            UPDATE audit SET
                prev_hash = last_hash,
                hash = sha256(last_hash || convert_to(audit_text(entry), 'UTF8'))
            WHERE audit_id = entry.audit_id
            RETURNING hash INTO last_hash;
        END LOOP;
    END
    $$
    """,
    "ALTER TABLE audit ENABLE TRIGGER audit_stands",
    "ALTER TABLE audit ALTER COLUMN prev_hash SET NOT NULL, ALTER COLUMN hash SET NOT NULL",
    # Nothing but one chain fits in, even for a session that does not see the newest row.
    "CREATE UNIQUE INDEX audit_is_one_chain ON audit (prev_hash)",
    # Id and moment too are given here, so that they rise along the chain and nobody can choose them.
    f"""
    CREATE FUNCTION follow_the_last() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        last audit;
    BEGIN
        PERFORM pg_advisory_xact_lock({LOCK});
        SELECT * INTO last FROM audit ORDER BY audit_id DESC LIMIT 1;
        NEW.audit_id := coalesce(last.audit_id, 0) + 1;
        NEW.happened_at := clock_timestamp();
        NEW.prev_hash := coalesce(last.hash, decode(repeat('00', 32), 'hex'));
        NEW.hash := sha256(NEW.prev_hash || convert_to(audit_text(NEW), 'UTF8'));
        RETURN NEW;
    END
    $$
    """,
    """
    CREATE TRIGGER audit_follows BEFORE INSERT ON audit
    FOR EACH ROW EXECUTE FUNCTION follow_the_last()
    """,
)
