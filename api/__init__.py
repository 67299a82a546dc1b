"""api answers over HTTP. Nothing is served here yet: transactions come by Kafka."""
