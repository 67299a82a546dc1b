"""The worker, as Faust's own command finds it: `faust -A streams.worker worker --without-web`."""

from streams.app import build_app
from streams.settings import read_settings

app = build_app(read_settings())
