"""models decides: the domain, the features, the models and what they answer. No Kafka, no store, no web."""
