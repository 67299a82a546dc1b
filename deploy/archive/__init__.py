"""Months of decisions, moved out of the ledger into files that stay queryable (docs/retention.md)."""
