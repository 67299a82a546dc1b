"""Chaos drills: each takes a running stack as an argument, harms it, and counts what is left."""
