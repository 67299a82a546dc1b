"""The seeded simulator: the real pipeline over doubles, and everything that can die, dying."""
