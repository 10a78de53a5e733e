"""The settings page, and what only it needs: API keys and the change of the password."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field, SecretStr
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse

from kinoshelf.core.access.gate import Caller, Gate
from kinoshelf.core.access.guards import CredentialGuard, PageVisitor, give_cookie, local_or_signed_in
from kinoshelf.core.access.keys import APIKeys
from kinoshelf.core.access.passwords import PasswordTooWeak, missing_from_password, set_password
from kinoshelf.core.access.policy import Need
from kinoshelf.core.access.signing_in import SignIn
from kinoshelf.core.clock import Clock
from kinoshelf.core.database import Database
from kinoshelf.core.errors import InvalidInput, NeedsSignIn, NotConfigured, UpstreamError
from kinoshelf.core.settings import WEEKDAYS, SettingsStore
from kinoshelf.core.web import JSONBytes, use
from kinoshelf.discs.torrents import Torrents
from kinoshelf.titles.catalogue import Catalogue
from kinoshelf.web.entry import access_of
from kinoshelf.web.films import sentence
from kinoshelf.web.formats import moment
from kinoshelf.web.languages import codes, gettext, language
from kinoshelf.web.pages import render
from kinoshelf.web.setting_fields import fields_by_group

router = APIRouter(prefix="/settings", include_in_schema=False)

StoreDep = Annotated[SettingsStore, Depends(use(SettingsStore))]
KeysDep = Annotated[APIKeys, Depends(use(APIKeys))]


class OwnerGuard(CredentialGuard):
    """Lets in who may give others a way in: once a password is set, being on this machine is not enough."""

    async def __call__(self, connection: HTTPConnection) -> Caller:
        caller = await super().__call__(connection)
        gate: Gate = connection.app.state.container.get(Gate)
        if not caller.is_signed_in and await gate.has_password():
            raise NeedsSignIn("sign in with the master password to do this")
        return caller


owner = OwnerGuard(Need.LOCAL_OR_SIGN_IN)


@router.get("")
async def settings(
    request: Request, caller: PageVisitor, gate: Annotated[Gate, Depends(use(Gate))], store: StoreDep, keys: KeysDep
) -> HTMLResponse:
    access = await access_of(request, gate)
    may_see_keys = caller.is_signed_in or not access.has_password
    zone = store.current.zone
    listed = await asyncio.to_thread(keys.list_all) if may_see_keys else []
    return render(
        "settings.html",
        access=access,
        may_see_keys=may_see_keys,
        keys=[
            {
                "id": key.id,
                "name": key.name,
                "prefix": key.prefix,
                "created": moment(key.created_at, zone),
                "used": moment(key.last_used_at, zone) if key.last_used_at else "",
            }
            for key in listed
        ],
        groups=fields_by_group(store),
        config_file=str(store.current.config_file),
        weekdays=WEEKDAYS,
        languages=[language(code) for code in codes()],
        password_rules=missing_from_password(""),
    )


class TestWish(BaseModel):
    """`value` is a key that is not saved yet; empty for what is in force."""

    what: Literal["tmdb", "yts"]
    value: SecretStr = Field(SecretStr(""), max_length=1000)


@router.post("/test", dependencies=[Depends(local_or_signed_in)])
async def test_source(
    body: TestWish,
    catalogue: Annotated[Catalogue, Depends(use(Catalogue))],
    torrents: Annotated[Torrents, Depends(use(Torrents))],
) -> JSONBytes:
    """Ask a source whether it answers and takes the key, and say it in words."""
    value = body.value.get_secret_value().strip()
    try:
        if body.what == "tmdb":
            await catalogue.check_key(value or None)
        else:
            await torrents.check()
    except (NotConfigured, UpstreamError, InvalidInput) as problem:
        return JSONBytes({"works": False, "message": sentence(problem.message)})
    said = gettext("TMDB takes the key.") if body.what == "tmdb" else gettext("YTS answers.")
    return JSONBytes({"works": True, "message": said})


class KeyWish(BaseModel):
    name: str = Field("", max_length=200)


@router.post("/keys", status_code=201, dependencies=[Depends(owner)])
async def create_key(body: KeyWish, keys: KeysDep) -> JSONBytes:
    """Make an API key. This answer is the only one that ever shows it."""
    made = await asyncio.to_thread(keys.create, body.name)
    content = {"id": made.id, "name": made.name, "key": made.key}
    return JSONBytes(content, status_code=201, headers={"Cache-Control": "no-store"})


@router.delete("/keys/{key_id}", dependencies=[Depends(owner)])
async def revoke_key(key_id: str, keys: KeysDep) -> JSONBytes:
    revoked = await asyncio.to_thread(keys.revoke, key_id)
    return JSONBytes({"id": revoked.id, "name": revoked.name})


class PasswordChange(BaseModel):
    current: SecretStr
    new: SecretStr
    remember: bool = False


@router.post("/password", dependencies=[Depends(owner)])
async def change_password(
    body: PasswordChange,
    request: Request,
    response: Response,
    caller: Annotated[Caller, Depends(owner)],
    sign_in: Annotated[SignIn, Depends(use(SignIn))],
    database: Annotated[Database, Depends(use(Database))],
    clock: Annotated[Clock, Depends(use(Clock))],
) -> dict[str, str]:
    """Change the master password. Every sign-in ends; this browser gets a fresh one."""
    new, agent = body.new.get_secret_value(), request.headers.get("user-agent", "")
    missing = missing_from_password(new)
    if missing:
        raise PasswordTooWeak(missing)
    # Signing in with the old one counts wrong guesses as the login does.
    await sign_in(body.current.get_secret_value(), remember=False, client=caller.client, user_agent=agent)
    await asyncio.to_thread(set_password, database, clock, new)
    opened = await sign_in(new, remember=body.remember, client=caller.client, user_agent=agent)
    age = int(sign_in.lasts(remember=True).total_seconds()) if body.remember else None
    give_cookie(response, request.scope, opened, max_age_seconds=age)
    response.headers["Cache-Control"] = "no-store"
    return {"status": "ok"}
