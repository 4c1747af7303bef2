"""A feed out of Kafka: what `kraken-tui publish` wrote, read and proven again. Only `consumer` knows the client."""
