"""The background check: one program, beside the workers."""

from deploy.stack.part import PYTHON, Program
from deploy.stack.workers import OwnProgram

RECONCILER = "reconciler"
EVERY_S = 60


class Reconciler(OwnProgram):
    kind = RECONCILER
    role = "auditor"
    port_field = "reconciler_port"

    def program(self) -> Program:
        command = (PYTHON, "-m", "deploy.cli.main", "reconcile", "--every", str(EVERY_S))
        return Program(command, self.environment())
