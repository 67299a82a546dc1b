"""Jobs behind the commands: each puts parts of the rooms together and does one thing."""
