"""deploy runs: the command line, the embedded stack, migrations."""
