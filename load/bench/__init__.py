"""Benchmarks: each takes a running stack and a worker as arguments, and gives figures."""
