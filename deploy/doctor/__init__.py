"""Looks the machine and the stores over, and says what to do about what it finds."""
