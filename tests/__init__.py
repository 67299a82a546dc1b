"""tests proves."""
