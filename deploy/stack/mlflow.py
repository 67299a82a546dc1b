"""MLflow: tracking and registry in our Postgres, artifacts on disk and served through it."""

import httpx

from deploy.stack.part import PYTHON, Part, Program
from deploy.stack.ports import LOCALHOST
from deploy.stack.postgres import Postgres
from deploy.stack.wheels import folder_of
from models.errors import RegistryUnavailable
from streams.settings import CHECKOUT


class Mlflow(Part):
    kind = "mlflow"
    needs = ("postgres",)
    # It makes its tables at the first start: 25 s on two cores, more beside a busy Kafka.
    ready_within_s = 240.0
    steady_after_s = 5

    def prepare(self) -> None:
        folder_of("mlflow", "MLflow")
        data = self.site.home.data(self.name)
        data.mkdir(mode=0o700, exist_ok=True)
        self.site.home.account.own(data)

    def program(self) -> Program:
        artifacts = self.site.home.data(self.name).as_uri()
        where = ("--host", LOCALHOST, "--port", str(self.site.ports[self.name]), "--workers", "1")
        store = ("--serve-artifacts", "--artifacts-destination", artifacts)
        command = (PYTHON, "-m", "deploy.stack.mlflow_server", "server", *where, *store)
        return Program(command, self.environment())

    def environment(self) -> dict[str, str]:
        """The address of its database holds a password, so it is told here and not on the command line."""
        return {
            "MLFLOW_BACKEND_STORE_URI": Postgres(self.site).url("mlflow", "postgresql+psycopg"),
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "DO_NOT_TRACK": "true",
            "PYTHONPATH": str(CHECKOUT),
        }

    def probe(self) -> bool:
        try:
            answer = httpx.get(f"{self.address()}/health", timeout=2.0, trust_env=False)
        except httpx.HTTPError as error:
            raise RegistryUnavailable("MLflow does not answer", why=str(error)) from None
        if answer.status_code != httpx.codes.OK:
            raise RegistryUnavailable("MLflow is not well", why=f"it answers {answer.status_code}")
        return True

    def address(self) -> str:
        return f"http://{self.site.address(self.name)}"

    def stack_env(self) -> dict[str, str]:
        return {"MLFLOW_TRACKING_URI": self.address()}
