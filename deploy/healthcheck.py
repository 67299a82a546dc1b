"""Whether an address answers with success, for the health checks of containers:

    python -m deploy.healthcheck http://127.0.0.1:9100/healthz

It imports nothing but the standard library, as it runs every few seconds beside what it asks.
"""

import sys
import urllib.error
import urllib.request

TIMEOUT_S = 4.0


def main(arguments: list[str]) -> int:
    """0 where the address answers below 400, 1 where it does not, with the reason on standard error."""
    (url,) = arguments
    # No proxy: what is asked is in the same container.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=TIMEOUT_S):
            return 0
    except (urllib.error.URLError, OSError) as error:
        print(f"{url}: {error}", file=sys.stderr)  # noqa: T201
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
