"""Whether models can meet their objectives of latency."""
