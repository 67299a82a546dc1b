"""The gateway: one program, beside the workers, of as many processes as the setting says.

By default one: broker, stores and workers share the machine's cores with it, and a second process would
split the requests that are decided together without a core of its own to decide them on.
"""

from deploy.stack.part import PYTHON, Program
from deploy.stack.workers import OF_THE_GATEWAY, OwnProgram, passed_on
from streams.secret_files import API_KEY_FILE

GATEWAY = "gateway"


class Gateway(OwnProgram):
    kind = GATEWAY
    role = "gateway"
    port_field = "gateway_port"

    def program(self) -> Program:
        return Program((PYTHON, "-m", "deploy.cli.main", "gateway"), self.environment())

    def environment(self) -> dict[str, str]:
        """With a key to make the first keys with: the user's, or the stack's own, made at first use."""
        key = {} if self.site.settings.api_key.get_secret_value() else {"API_KEY": self._own_key()}
        return super().environment() | passed_on(self.site.settings, OF_THE_GATEWAY) | key

    def _own_key(self) -> str:
        return self.site.home.secret(API_KEY_FILE)

    def address(self) -> str:
        return self.url()
