"""The embedded stack: real Kafka, Valkey, Postgres and MLflow, and workers, on 127.0.0.1, supervised."""
