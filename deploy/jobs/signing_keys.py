"""The pair of keys that models are signed and checked with: made once, and first models signed by it.

Models that were registered before it are signed as they stand then; whoever has changed one until then is
believed, as he was before.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from deploy.jobs.generated_secrets import GeneratedSecrets
from deploy.stack.report import Report
from models.api_key import RandomBytes
from models.signature import new_signing_key, public_of
from streams.secret_files import PUBLIC_KEY_FILE, SIGNING_KEY_FILE
from streams.settings import Settings

Sign = Callable[[Settings], list[str]]
"""Signs what is registered, by the key of the settings; names the versions."""


def make_signing_keys(
    settings: Settings, kept: GeneratedSecrets, report: Report, random_bytes: RandomBytes, sign: Sign
) -> bool:
    """Keep a pair where there is no public key, or the public one of the key that is set. False where it is
    there.

    They are kept after what is registered is signed: a run that fails before begins anew.

    Raises:
        BadSetting: the key that is set cannot be read.
        RegistryUnavailable: MLflow cannot be reached.
        Misuse, Unavailable: the secrets cannot be read or kept.
    """
    there = kept.read()
    if PUBLIC_KEY_FILE in there:
        report.note("model signatures: keys as they were")
        return False
    if settings.model_signing_key is not None:
        kept.add({PUBLIC_KEY_FILE: public_of(settings.model_signing_key)})
        report.note(f"model signatures: kept the public key of {settings.model_signing_key.name}")
        return True
    private = there.get(SIGNING_KEY_FILE) or new_signing_key(random_bytes)
    with _as_file(settings, private) as (signs, file):
        signed, public = sign(signs), public_of(file)
    kept.add({SIGNING_KEY_FILE: private, PUBLIC_KEY_FILE: public})
    report.note(f"model signatures: made keys; signed {', '.join(signed) or 'nothing, as nothing was there'}")
    return True


@contextmanager
def signing(settings: Settings, kept: GeneratedSecrets) -> Iterator[Settings]:
    """Settings that sign by the kept key, where no other is set and one is kept."""
    private = kept.read().get(SIGNING_KEY_FILE)
    if settings.model_signing_key is not None or private is None:
        yield settings
        return
    with _as_file(settings, private) as (signs, _):
        yield signs


@contextmanager
def _as_file(settings: Settings, private: bytes) -> Iterator[tuple[Settings, Path]]:
    """What signs reads a file; this one only we can read, and it goes."""
    with TemporaryDirectory(prefix="fraudml-") as folder:
        file = Path(folder) / SIGNING_KEY_FILE
        file.touch(mode=0o600)
        file.write_bytes(private)
        yield settings.model_copy(update={"model_signing_key": file}), file


def sign_registered(settings: Settings) -> list[str]:
    """Every version of both models that has hashes.

    Raises:
        RegistryUnavailable: MLflow cannot be reached.
    """
    os.environ["MLFLOW_TRACKING_URI"] = settings.mlflow_tracking_uri
    from models.mlflow_registry import sign_versions

    assert settings.model_signing_key is not None
    return sign_versions(settings.model_signing_key)
