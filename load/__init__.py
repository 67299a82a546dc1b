"""load pushes: generator, replayer, benchmarks."""
