"""The worker, as Faust's own command finds it: `faust -A streams.worker worker --without-web`."""

from streams.app import build_app
from streams.roles import acting_as
from streams.settings import read_settings

app = build_app(acting_as(read_settings(), "worker"))
