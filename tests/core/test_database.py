from kinoshelf.core.database import Database


def test_answers(database: Database) -> None:
    assert database.ping() > 0


def test_server(client) -> None:
    assert client.get("/api/openapi.json").status_code == 200
