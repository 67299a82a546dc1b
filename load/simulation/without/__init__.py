"""What the code becomes without one of its guards. Each changes as little as it can."""
