"""Keys that sign models: made once, never in the place of others, and nowhere where they are not needed."""

from collections.abc import Mapping
from pathlib import Path
from random import Random

import pytest

from deploy.jobs.generated_secrets import FolderSecrets
from deploy.jobs.signing_keys import make_signing_keys, signing
from deploy.stack.report import Report
from models.errors import BadSetting, ModelRejected, RegistryUnavailable
from models.signature import check_signature, new_signing_key, signer
from streams.secret_files import PUBLIC_KEY_FILE, SIGNING_KEY_FILE
from streams.settings import Settings

NAME, HASHES = "FraudDetection_XGBoost", '{"model.ubj":"00"}'
OWN = new_signing_key(Random(9).randbytes)


class Kept(dict[str, bytes]):
    """As a Secret of Kubernetes keeps them."""

    def read(self) -> dict[str, bytes]:
        return dict(self)

    def add(self, missing: Mapping[str, bytes]) -> None:
        self.update({name: value for name, value in missing.items() if name not in self})


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.model_construct(home=tmp_path, model_signing_key=None)


class Signed(list[Path]):
    """What it was asked to sign with."""

    def __call__(self, settings: Settings) -> list[str]:
        assert settings.model_signing_key is not None
        self.append(settings.model_signing_key)
        assert settings.model_signing_key.stat().st_mode & 0o777 == 0o600
        return ["FraudDetection_XGBoost version 1"]


def made(settings: Settings, kept: Kept | FolderSecrets, seed: int = 1) -> bool:
    return make_signing_keys(settings, kept, Report(), Random(seed).randbytes, Signed())


def check(tmp_path: Path, kept: Kept, signature: str) -> None:
    public = tmp_path / "public.pem"
    public.write_bytes(kept[PUBLIC_KEY_FILE])
    check_signature(public, NAME, HASHES, signature)


def test_what_is_signed_with_the_kept_key_is_taken_by_the_kept_public_one(
    settings: Settings, tmp_path: Path
) -> None:
    kept = Kept()
    assert made(settings, kept)
    with signing(settings, kept) as signs:
        assert signs.model_signing_key is not None
        signature = signer(signs.model_signing_key)(NAME, HASHES)
    check(tmp_path, kept, signature)


def test_a_second_run_changes_nothing(settings: Settings) -> None:
    kept = Kept()
    made(settings, kept)
    before = dict(kept)
    assert not made(settings, kept, seed=2)
    assert kept == before


def test_what_is_registered_is_signed_before_the_keys_are_kept(settings: Settings) -> None:
    kept = Kept()

    def away(_: Settings) -> list[str]:
        assert not kept
        raise RegistryUnavailable("MLflow does not answer")

    with pytest.raises(RegistryUnavailable):
        make_signing_keys(settings, kept, Report(), Random(1).randbytes, away)
    assert not kept


def test_a_key_that_lost_its_public_one_is_given_it_again(settings: Settings, tmp_path: Path) -> None:
    kept = Kept()
    made(settings, kept)
    before = dict(kept)
    del kept[PUBLIC_KEY_FILE]
    assert made(settings, kept, seed=2)
    assert kept == before


def test_of_a_key_that_is_set_only_the_public_one_is_kept(settings: Settings, tmp_path: Path) -> None:
    own = tmp_path / "own.pem"
    own.write_bytes(OWN)
    kept = Kept()
    configured = settings.model_copy(update={"model_signing_key": own})
    assert made(configured, kept)
    assert kept.keys() == {PUBLIC_KEY_FILE}
    check(tmp_path, kept, signer(own)(NAME, HASHES))
    with signing(configured, kept) as signs:
        assert signs.model_signing_key == own


def test_a_key_that_is_set_and_is_none_is_refused_and_nothing_kept(
    settings: Settings, tmp_path: Path
) -> None:
    kept = Kept()
    with pytest.raises(BadSetting, match="cannot be read as a key"):
        made(settings.model_copy(update={"model_signing_key": tmp_path / "none.pem"}), kept)
    assert not kept


def test_where_a_public_key_was_put_nothing_is_made_and_nothing_signed(
    settings: Settings, tmp_path: Path
) -> None:
    kept = Kept({PUBLIC_KEY_FILE: b"theirs"})
    assert not made(settings, kept)
    with signing(settings, kept) as signs:
        assert signs.model_signing_key is None


def test_the_file_that_signs_is_gone_afterwards(settings: Settings) -> None:
    signed = Signed()
    make_signing_keys(settings, Kept(), Report(), Random(1).randbytes, signed)
    assert [file.exists() for file in signed] == [False]


def test_another_key_is_not_believed(settings: Settings, tmp_path: Path) -> None:
    kept, other = Kept(), tmp_path / "other.pem"
    made(settings, kept)
    other.write_bytes(OWN)
    with pytest.raises(ModelRejected, match="not signed by the holder of the key"):
        check(tmp_path, kept, signer(other)(NAME, HASHES))


def test_in_files_the_key_that_signs_lies_where_workers_and_gateways_do_not_look(
    settings: Settings, tmp_path: Path
) -> None:
    kept = FolderSecrets(tmp_path)
    made(settings, kept)
    assert [path.name for path in (tmp_path / "secrets").iterdir()] == [PUBLIC_KEY_FILE]
    assert [path.name for path in (tmp_path / "signing").iterdir()] == [SIGNING_KEY_FILE]
    assert kept.read().keys() == {PUBLIC_KEY_FILE, SIGNING_KEY_FILE}
    assert not made(settings, kept)
