"""Models where none is registered: one of each family, fitted to simulated customers."""

from collections.abc import Iterable
from datetime import timedelta
from itertools import islice

from deploy.jobs.training import register, train_table
from deploy.stack.report import Report
from load.columns import Transactions, concatenated
from load.generator import START, simulate
from load.parameters import SimulatorParameters
from models.boosters import FAMILIES
from models.recipes import recipe_of
from streams.models_in_force import all_registered
from streams.settings import Settings

SEED = 1
# 30 days fill the windows, 7 train.
WARM_DAYS, TRAIN_DAYS = 30, 7
SIMULATED = SimulatorParameters(customers=2000, customer_prefix="first-c", terminal_prefix="first-t")


def first_models(settings: Settings, report: Report) -> bool:
    """Train and promote on simulated days of its own. False where models are registered already.

    Raises:
        RegistryUnavailable: MLflow cannot be reached.
    """
    days = simulate(SIMULATED, seed=SEED, days=WARM_DAYS + TRAIN_DAYS, prefix="first-")
    return train_if_new(days, settings, report)


def train_if_new(days: Iterable[Transactions], settings: Settings, report: Report) -> bool:
    """Train on the first days of these, from START on, and promote.

    Raises:
        RegistryUnavailable: MLflow cannot be reached.
    """
    if all_registered(settings):
        report.note("models: those that are registered")
        return False
    history = concatenated(list(islice(days, WARM_DAYS + TRAIN_DAYS)))
    first, last = START + timedelta(WARM_DAYS), START + timedelta(WARM_DAYS + TRAIN_DAYS - 1)
    for family in FAMILIES:
        trained = train_table(history, first, last, recipe_of(family), seed=SEED, report=report)
        report.waiting(f"registering {family} with MLflow")
        found = register(trained, settings)
        report.note(
            f"models: {found['name']} version {found['version']} ({found['alias']}), "
            f"trained on {len(trained.fraud):,} transactions of {first} to {last}"
        )
    return True
