"""The master password outside the endpoints: given by the environment, and its hash kept up to date."""

from __future__ import annotations

import pytest
from pwdlib.hashers.argon2 import Argon2Hasher

from kinoshelf.core.access.passwords import find_password, set_given_password, set_password
from kinoshelf.core.access.signing_in import SignIn, WrongPassword
from kinoshelf.core.errors import InvalidInput
from tests.access.conftest import PASSWORD


def stored_hash(hub) -> str | None:
    row = hub.database.run_read(find_password)
    return row.password_hash if row is not None else None


async def sign_in(hub, password=PASSWORD):
    return await hub.container.get(SignIn)(password, remember=False, client="192.0.2.1")


class TestGivenByTheEnvironment:
    async def test_is_set_where_there_is_none(self, hub):
        assert set_given_password(hub.database, hub.clock, {"KINOSHELF_PASSWORD": PASSWORD})
        assert await sign_in(hub)

    async def test_from_a_secret_file(self, hub, tmp_path):
        secret = tmp_path / "secret"
        secret.write_text(f"{PASSWORD}\n", encoding="utf-8")
        assert set_given_password(hub.database, hub.clock, {"KINOSHELF_PASSWORD_FILE": str(secret)})
        assert await sign_in(hub)

    async def test_never_replaces_one_that_is_set(self, hub):
        set_password(hub.database, hub.clock, PASSWORD)
        assert not set_given_password(hub.database, hub.clock, {"KINOSHELF_PASSWORD": "Another-Horse-7"})
        # What is not used is not looked at either.
        assert not set_given_password(hub.database, hub.clock, {"KINOSHELF_PASSWORD_FILE": "/nowhere/secret"})
        assert await sign_in(hub)

    @pytest.mark.parametrize("environ", [{}, {"KINOSHELF_PASSWORD": ""}])
    def test_nothing_given_sets_nothing(self, hub, environ):
        assert not set_given_password(hub.database, hub.clock, environ)
        assert stored_hash(hub) is None

    @pytest.mark.parametrize(
        ("environ", "words"),
        [
            ({"KINOSHELF_PASSWORD": "short"}, "KINOSHELF_PASSWORD: the password needs at least 8 characters"),
            ({"KINOSHELF_PASSWORD_FILE": "/nowhere/secret"}, "KINOSHELF_PASSWORD_FILE names cannot be read"),
        ],
    )
    def test_one_that_cannot_be_used_is_a_sentence(self, hub, environ, words):
        with pytest.raises(InvalidInput, match=words):
            set_given_password(hub.database, hub.clock, environ)
        assert stored_hash(hub) is None


class TestHash:
    async def test_is_renewed_at_sign_in_when_its_parameters_are_of_yesterday(self, hub, expected_logs):
        expected_logs.expect("access.wrong_password")
        set_password(hub.database, hub.clock, PASSWORD)
        old = Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
        with hub.database.write() as session:
            find_password(session).password_hash = old
        with pytest.raises(WrongPassword):
            await sign_in(hub, PASSWORD + "x")
        assert stored_hash(hub) == old
        assert await sign_in(hub)
        renewed = stored_hash(hub)
        assert renewed != old
        assert await sign_in(hub)
        assert stored_hash(hub) == renewed
