"""What benchmarks have found, as a document with pictures: made from their JSON alone."""
