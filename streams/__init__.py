"""streams moves: Kafka in, ledger, view, alerts out."""
