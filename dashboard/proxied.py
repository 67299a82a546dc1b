"""Who a proxy says has signed in there, where it may."""

import ipaddress

from starlette.requests import HTTPConnection

from models.errors import BadSetting

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class NamedByProxy:
    """header: empty for none. trusted: addresses and networks, by commas.

    Raises:
        BadSetting: there is a header and nobody to believe it of, or what is trusted is no network.
    """

    def __init__(self, header: str, trusted: str) -> None:
        self._header = header
        self._trusted = [_network(each.strip()) for each in trusted.split(",") if each.strip()]
        if header and not self._trusted:
            raise BadSetting(
                "FRAUDML_MONITOR_USER_HEADER is believed of nobody",
                next_step="name the proxies in FRAUDML_TRUSTED_PROXIES",
            )

    def name_in(self, connection: HTTPConnection) -> str | None:
        """None: nobody is named, or by somebody who may not."""
        name = connection.headers.get(self._header) if self._header else None
        return name if name and self._trusts(connection.client and connection.client.host) else None

    def _trusts(self, host: str | None) -> bool:
        try:
            address = ipaddress.ip_address(host or "")
        except ValueError:
            return False
        return any(address in network for network in self._trusted)


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise BadSetting(
            "FRAUDML_TRUSTED_PROXIES is not usable",
            why=f"{text} is no address",
            next_step="name addresses and networks, by commas",
        ) from None
