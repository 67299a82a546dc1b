"""What every test stands on: the same examples every time, and no warning goes unseen."""

from hypothesis import settings

settings.register_profile("fraudml", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("fraudml")
