"""dashboard shows. Nothing is shown here yet: `fraudml status` and the metrics endpoint are the monitor."""
