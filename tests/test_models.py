"""The models of the Python API: fields, methods, and both ways to the database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from kinoshelf import scripting
from kinoshelf.core.errors import Conflict
from kinoshelf.models import DVD, AppSettings

SEED_FIELDS = (
    "id", "name", "status", "media_type", "tmdb_id", "imdb_id", "poster", "overview", "release_year", "genres",
    "runtime", "rating", "is_tartan_dvd", "is_box_set", "box_set_name", "is_unopened", "is_unwatched", "storage_box",
    "created_at", "updated_at",
)  # fmt: skip


@pytest.fixture(autouse=True)
def script(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    yield
    scripting.close_script()


class TestFields:
    def test_are_kept(self):
        dvd = DVD(
            name="The Matrix",
            tmdb_id=603,
            imdb_id="tt0133093",
            release_year=1999,
            genres="Action, Science Fiction",
            runtime=136,
            rating="8.2",
            is_tartan_dvd=True,
            box_set_name="Matrix Trilogy",
            storage_box="Box 1",
            tags=["rare"],
            purchase_price="9.99",
        )
        assert (dvd.id, dvd.status, dvd.created_at) == (None, "kept", None)
        dvd.save()
        found = DVD.get(dvd.id)
        assert all(hasattr(found, name) for name in SEED_FIELDS)
        assert (found.name, found.tmdb_id, found.imdb_id, found.release_year) == ("The Matrix", 603, "tt0133093", 1999)
        assert (found.rating, found.purchase_price) == (Decimal("8.2"), Decimal("9.99"))
        assert (found.is_tartan_dvd, found.is_box_set, found.is_unopened) == (True, True, False)
        assert (found.tags, found.storage_box, found.copy_number) == (["rare"], "Box 1", 1)
        assert isinstance(found.created_at, datetime)
        assert found.created_at.tzinfo is UTC
        assert found.poster is None
        assert found == dvd

    def test_defaults_are_those_of_the_seed(self):
        dvd = DVD(name="Alien")
        dvd.save()
        assert (dvd.status, dvd.media_type, dvd.disk_type) == ("kept", "physical", "DVD")
        assert (dvd.tmdb_id, dvd.imdb_id, dvd.overview, dvd.release_year) == (None, None, None, None)
        assert (dvd.genres, dvd.box_set_name, dvd.storage_box) == ("", "", "")
        assert not any((dvd.is_tartan_dvd, dvd.is_box_set, dvd.is_unopened, dvd.is_unwatched))

    def test_wrong_ones(self):
        with pytest.raises(TypeError, match="director_name"):
            DVD(name="Alien", director_name="Scott")
        for fields in ({}, {"name": "x" * 256}, {"name": "A", "status": "lost"}, {"name": "A", "rating": 11}):
            with pytest.raises(DVD.Invalid) as failure:
                DVD(**fields).save()
            assert failure.value.errors
        assert DVD.count() == 0


class TestSaving:
    def test_writes_what_is_different(self):
        first = DVD(name="Alien")
        first.save()
        again = DVD.get(first.id)
        again.status, again.tags = "unboxed", ["rare"]
        again.save()
        first.storage_box = "Box 2"
        first.save()
        found = DVD.get(first.id)
        assert (found.status, found.location, found.tags, found.storage_box) == ("unboxed", "1", ["rare"], "Box 2")
        assert first.status == "unboxed"
        first.save()
        assert DVD.get(first.id).updated_at == found.updated_at

    def test_copies_are_numbered(self):
        copies = [DVD(name="Alien", tmdb_id=348) for _ in range(2)]
        for one in copies:
            one.save()
        assert [one.copy_number for one in copies] == [1, 2]

    def test_what_is_gone(self):
        dvd = DVD(name="Alien")
        dvd.save()
        other = DVD.get(dvd.id)
        number = dvd.id
        dvd.delete()
        assert dvd.id is None
        for gone in (lambda: DVD.get(number), other.save, other.delete, other.refresh_from_db):
            with pytest.raises(DVD.DoesNotExist):
                gone()


class TestFinding:
    def test_by_the_values_of_fields(self):
        for name, status in (("Alien", "kept"), ("Aliens", "disposed"), ("The Thing", "kept")):
            DVD(name=name, status=status, is_box_set=name != "The Thing").save()
        assert [one.name for one in DVD.all()] == ["The Thing", "Aliens", "Alien"]
        assert [one.name for one in DVD.filter(status="kept")] == ["The Thing", "Alien"]
        assert [one.name for one in DVD.filter(status="kept", is_box_set="true")] == ["Alien"]
        assert DVD.filter(name="alien") == []
        with pytest.raises(DVD.Invalid):
            DVD.filter(nonsense=1)


@pytest.mark.databases("sqlite")
class TestMethods:
    def test_of_the_seed(self):
        dvd = DVD(
            name="The Matrix", genres="Action, Science Fiction", is_tartan_dvd=True, is_box_set=True, is_unopened=True,
            is_unwatched=True, release_year=1999, budget=63, revenue=463,
        )  # fmt: skip
        dvd.save()
        assert dvd.get_absolute_url() == f"/dvd/{dvd.id}/"
        assert dvd.pk == dvd.id
        assert dvd.get_genres_list() == ["Action", "Science Fiction"]
        assert DVD(name="x").get_genres_list() == []
        assert dvd.get_special_features_badges() == [
            {"text": "Tartan", "class": "bg-purple text-white"},
            {"text": "Box Set", "class": "bg-info"},
            {"text": "Unopened", "class": "bg-success"},
            {"text": "Unwatched", "class": "bg-warning"},
        ]
        assert DVD(name="x", copy_number=2).get_special_features_badges()[0]["text"] == "Copy #2"
        assert (dvd.profit, str(dvd)) == (400, "The Matrix (1999)")
        assert repr(DVD(name="x")) == "<DVD unsaved: x>"

    @pytest.mark.parametrize(("status", "style"), [("kept", "success"), ("disposed", "danger"), ("unboxed", "warning")])
    def test_classes_of_the_status(self, status, style):
        assert DVD(name="x", status=status).get_status_display_class() == style

    @pytest.mark.parametrize(("media", "style"), [("physical", "primary"), ("download", "info"), ("rip", "warning")])
    def test_classes_of_the_media_type(self, media, style):
        assert DVD(name="x", media_type=media).get_media_type_display_class() == style


@pytest.mark.databases("sqlite")
class TestAppSettings:
    def test_there_is_one(self):
        settings = AppSettings.get_settings()
        assert settings.tmdb_api_key == ""
        settings.tmdb_api_key = "0123456789abcdef"
        settings.save()
        again = AppSettings.get_settings()
        assert again.tmdb_api_key == "0123456789abcdef"
        assert again.created_at == settings.created_at
        assert again.updated_at >= again.created_at

    def test_the_environment_decides(self, monkeypatch):
        scripting.close_script()
        monkeypatch.setenv("TMDB_API_KEY", "from outside")
        settings = AppSettings.get_settings()
        assert settings.tmdb_api_key == "from outside"
        settings.tmdb_api_key = "another"
        with pytest.raises(Conflict):
            settings.save()
