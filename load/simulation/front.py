"""The front: gateway processes, who starts and ends them, and the callers before them."""

from collections.abc import Callable
from random import Random

from load.simulation.callers import Callers
from load.simulation.gateway import SimulatedGateway
from load.simulation.inputs import Inputs
from load.simulation.line import Line, Note, Rates
from load.simulation.notebook import Ending, Notebook, Process
from load.simulation.surroundings import Surroundings
from load.simulation.turns import Crashed, Task
from models.transaction import Transaction

ASKS_AGAIN = 0.3


class Front:
    """gateways: by slot, those that run."""

    def __init__(
        self,
        around: Surroundings,
        inputs: Inputs,
        notes: Notebook,
        rates: Callable[[], Rates],
        note: Note,
    ) -> None:
        self._around = around
        self._random: Random = around.random
        self._notes = notes
        self._rates = rates
        self._note = note
        self._started = 0
        self.callers = Callers(around.random, inputs)
        self.gateways: dict[int, Process[SimulatedGateway]] = {}

    def supervise(self, chance: float) -> None:
        for slot in range(self._around.plan.gateways):
            if slot not in self.gateways and self._random.random() < chance:
                self._start(slot)

    def _start(self, slot: int) -> None:
        self._started += 1
        name = f"g{slot}.{self._started}"
        line = Line(name, self._random, self._rates, lambda: task.pause(), self._note)
        gateway = SimulatedGateway(name, slot, self._around, line, self.callers)
        task = Task(gateway.work)
        self.gateways[slot] = Process(gateway, task)

    def ask(self, transaction: Transaction) -> None:
        """Somebody asks one of the gateways, if there is one."""
        self.callers.asks(transaction)
        if not self.gateways:
            self.callers.tell(transaction, None, "nobody", self._around.ledger.eras)
            return
        slot = self._random.choice(sorted(self.gateways))
        self.gateways[slot].worker.ask(transaction)

    def ask_again(self, chance: float = ASKS_AGAIN) -> bool:
        """Some who were told something ask once more. Whether anybody did."""
        if not self.callers.again or self._random.random() >= chance:
            return False
        self.ask(self.callers.again.pop(self._random.randrange(len(self.callers.again))))
        return True

    def ready(self, step: int) -> list[Process[SimulatedGateway]]:
        every = self.gateways.values()
        return [each for each in every if each.asleep_until <= step and each.worker.has_work()]

    def bury(self, process: Process[SimulatedGateway]) -> None:
        failure, gateway = process.task.failure, process.worker
        self.gateways.pop(gateway.slot)
        self._note(gateway.name, f"ends: {type(failure).__name__} {failure}")
        if failure is not None and not isinstance(failure, Crashed):
            self._notes.endings.append(Ending(gateway.name, failure))
        gateway.hang_up()

    def kill(self, process: Process[SimulatedGateway]) -> None:
        process.task.kill()
        self.bury(process)

    def stop_all(self) -> None:
        for process in list(self.gateways.values()):
            self.kill(process)

    def wake(self) -> None:
        for process in self.gateways.values():
            process.worker.idle = False

    @property
    def settled(self) -> bool:
        """Nobody asks, nobody is to be told, and every row has its record."""
        told = not self.callers.again and all(each.worker.settled for each in self.gateways.values())
        return told and all(row.owner is not None for row in self._around.ledger.rows.values())
