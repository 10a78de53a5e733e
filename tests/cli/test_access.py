"""kinoshelf apikey and password."""

from __future__ import annotations

from kinoshelf.core.access.keys import find_key
from kinoshelf.core.access.passwords import find_password, has_password

GOOD = "Correct-Horse-7"


class TestAPIKeys:
    def test_are_shown_once(self, cli, database, clock):
        made = cli("apikey", "create", "--name", "Radarr", "--json").document
        assert made.keys() == {"id", "name", "key"}
        assert made["name"] == "Radarr"
        with database.read() as session:
            assert find_key(session, clock.now(), made["key"]).id == made["id"]
        listed = cli("apikey", "list", "--json")
        assert (listed.document["total"], listed.document["items"][0]["id"]) == (1, made["id"])
        assert made["key"] not in listed.out
        assert made["key"] not in cli("apikey", "list").out

    def test_alone_on_standard_output_for_a_script(self, cli):
        ended = cli("apikey", "create")
        assert ended.out.strip().startswith("ks_")
        assert ended.out.count("\n") == 1
        assert "not shown again" in ended.err

    def test_are_withdrawn_by_the_beginning_of_the_id(self, cli, database, clock):
        made = cli("apikey", "create", "--json").document
        ended = cli("apikey", "revoke", made["id"][:8], "--json")
        assert (ended.status, ended.document["id"]) == (0, made["id"])
        with database.read() as session:
            assert find_key(session, clock.now(), made["key"]) is None
        assert cli("apikey", "revoke", made["id"]).status == 4

    def test_with_a_name_nobody_can_read_are_refused(self, cli):
        assert cli("apikey", "create", "--name", "a\nb").status == 1


class TestPassword:
    def test_is_read_from_standard_input(self, cli, database):
        assert cli("password", "set", "--json", stdin=f"{GOOD}\n").document == {"password": "set"}
        with database.read() as session:
            assert has_password(session)
            first = find_password(session).password_hash
        cli("password", "set", stdin="Another-Horse-8")
        with database.read() as session:
            assert find_password(session).password_hash != first

    def test_that_is_weak_is_refused(self, cli, database):
        ended = cli("password", "set", "--json", stdin="weak")
        assert (ended.status, ended.document["error"]) == (1, "INVALID")
        with database.read() as session:
            assert not has_password(session)

    def test_is_asked_twice_on_a_terminal(self, cli, database, monkeypatch):
        answers = iter([GOOD, "something else", GOOD, GOOD])
        monkeypatch.setattr("getpass.getpass", lambda *_words, **_streams: next(answers))
        monkeypatch.setattr("kinoshelf.cli.frame.Invocation.can_ask", True)
        assert cli("password", "set").status == 2
        assert cli("password", "set").status == 0
        with database.read() as session:
            assert has_password(session)
