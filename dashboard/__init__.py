"""shows: the monitor, a page for operators and analysts. It asks the gateway, and nothing else."""
