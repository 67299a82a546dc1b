"""One program per peer, written as its tool's documentation has it. Run in the tool's own environment."""
