"""Backups: what is in one, where it lies, and how it is put back."""
