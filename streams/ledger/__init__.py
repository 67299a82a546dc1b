"""The ledger on Postgres: the only SQL of the worker."""

from streams.ledger.postgres import SCHEMA, PostgresLedger

__all__ = ["SCHEMA", "PostgresLedger"]
