"""Other tools at the same job, each in an environment of its own, to see what the rest of ours is worth."""
