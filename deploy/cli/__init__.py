"""The `fraudml` command line: a file per noun, each command thin over the room that does the work."""
