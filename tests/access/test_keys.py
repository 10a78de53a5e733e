"""API keys, as the command line and pages handle them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kinoshelf.app import create_app
from kinoshelf.core.access.keys import APIKeys, KeyNotFound
from kinoshelf.core.access.models import APIKey
from kinoshelf.core.errors import InvalidInput
from tests.access.conftest import OTHER_MACHINE, add_probes, until_refused


@pytest.fixture
def keys(hub):
    return hub.container.get(APIKeys)


class TestCreate:
    def test_shows_the_key_once_and_stores_its_hash(self, keys, hub):
        new = keys.create("  sonarr ")
        assert new.key.startswith("ks_")
        assert len(new.key) > 40
        with hub.database.read() as session:
            row = session.get(APIKey, new.id)
        assert new.key not in repr(vars(row))
        assert (row.name, row.prefix) == ("sonarr", new.key[:12])

    @pytest.mark.databases("sqlite")
    @pytest.mark.parametrize("name", ["two\nlines", "nul\x00", "x" * 201])
    def test_refuses_a_name_that_cannot_be_shown(self, keys, name):
        with pytest.raises(InvalidInput):
            keys.create(name)


class TestList:
    def test_is_in_the_order_they_were_made(self, keys, hub):
        made = []
        for name in ("b", "a", ""):
            made.append(keys.create(name).id)
            hub.clock.advance(1)
        listed = keys.list_all()
        assert [key.id for key in listed] == made
        assert [key.name for key in listed] == ["b", "a", "unnamed"]


class TestRevoke:
    async def test_closes_the_door_at_once(self, keys, call):
        new = keys.create("sonarr")
        client = call(OTHER_MACHINE, X_Api_Key=new.key)
        assert (await client.get("/probe/signed")).status_code == 200
        assert keys.revoke(new.id).name == "sonarr"
        assert (await client.get("/probe/signed")).status_code == 401
        assert keys.list_all() == []

    def test_of_an_unknown_key_says_so(self, keys):
        with pytest.raises(KeyNotFound):
            keys.revoke("nothing")

    @pytest.mark.system_clock
    async def test_from_the_command_line_reaches_a_running_server(self, keys, call, listening_hub):
        new = keys.create("sonarr")
        client = call(OTHER_MACHINE, to=add_probes(create_app(listening_hub)), X_Api_Key=new.key)
        assert (await client.get("/probe/signed")).status_code == 200
        keys.revoke(new.id)
        await until_refused(client, "/probe/signed")


class TestUse:
    async def test_is_noted_at_most_once_an_hour(self, keys, hub, call):
        new = keys.create("sonarr")
        client = call(OTHER_MACHINE, X_Api_Key=new.key)

        async def noted():
            assert (await client.get("/probe/signed")).status_code == 200
            return keys.list_all()[0].last_used_at

        began = hub.clock.now()
        assert await noted() == began
        hub.clock.advance(timedelta(minutes=59))
        assert await noted() == began
        hub.clock.advance(timedelta(minutes=1))
        assert await noted() == began + timedelta(hours=1)
