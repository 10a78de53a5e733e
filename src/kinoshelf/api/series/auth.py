"""Seed 002, section 2: set-up, sign-in, sign-out, status."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from kinoshelf.core.access.approach import approach_of
from kinoshelf.core.access.csrf import is_forged
from kinoshelf.core.access.gate import Gate, OtherSite
from kinoshelf.core.access.guards import Anyone, give_cookie, limited, public, take_cookie
from kinoshelf.core.access.policy import is_local
from kinoshelf.core.access.signing_in import SetUp, SignIn, SignOut
from kinoshelf.core.errors import Forbidden
from kinoshelf.core.web import use

router = APIRouter(prefix="/api/auth", tags=["auth"], dependencies=[Depends(public)])

# Answers with tokens are nobody's to keep.
PRIVATE = {"Cache-Control": "no-store"}


class SetupNotFromHere(Forbidden):
    """Whoever comes first would own the hub: before there is a password only this machine may set it."""

    def __init__(self) -> None:
        super().__init__(
            "the first password can only be set on the machine Kinoshelf runs on: open /setup there, "
            "or run `kinoshelf password set`"
        )


class SetupRequest(BaseModel):
    master_password: SecretStr = Field(
        description="At least 8 characters, upper and lower case, a digit, a special character."
    )
    anime_directory: str | None = Field(
        None, max_length=4096, description="Folder of the series library; made where it is missing."
    )


class LoginRequest(BaseModel):
    password: SecretStr
    remember: bool = Field(False, description="Stay signed in for 30 days instead of 24 hours.")


class Done(BaseModel):
    status: Literal["ok"] = "ok"


class LoggedOut(Done):
    message: str = "Logged out successfully"


class Token(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {"access_token": "eyJ...", "token_type": "bearer", "expires_at": "2025-12-14T10:30:00Z"}
        }
    )

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 -- the word of OAuth 2, no secret
    expires_at: datetime


class AuthStatus(BaseModel):
    configured: bool
    authenticated: bool


@router.post("/setup", status_code=201, dependencies=[Depends(limited("setup"))])
async def setup(
    body: SetupRequest,
    request: Request,
    set_up: Annotated[SetUp, Depends(use(SetUp))],
    gate: Annotated[Gate, Depends(use(Gate))],
) -> Done:
    """Set the master password, once. Only from the machine the hub runs on."""
    if not is_local(approach_of(request.scope)) and not await gate.has_password():
        raise SetupNotFromHere
    await set_up(body.master_password.get_secret_value(), body.anime_directory)
    return Done()


@router.post("/login", dependencies=[Depends(limited("login"))])
async def login(
    body: LoginRequest,
    request: Request,
    response: Response,
    caller: Anyone,
    sign_in: Annotated[SignIn, Depends(use(SignIn))],
) -> Token:
    """Trade the master password for a token; a browser also gets a session cookie."""
    opened = await sign_in(
        body.password.get_secret_value(),
        remember=body.remember,
        client=caller.client,
        user_agent=request.headers.get("user-agent", ""),
    )
    response.headers.update(PRIVATE)
    age = int(sign_in.lasts(remember=True).total_seconds()) if body.remember else None
    give_cookie(response, request.scope, opened, max_age_seconds=age)
    return Token(access_token=opened.access_token, expires_at=opened.expires_at)


@router.post("/logout")
async def logout(
    request: Request,
    response: Response,
    gate: Annotated[Gate, Depends(use(Gate))],
    sign_out: Annotated[SignOut, Depends(use(SignOut))],
) -> LoggedOut:
    """Revoke the token or the session of this request. Without one there is nothing to do."""
    caller = await gate.identify(request.scope)
    if is_forged(approach_of(request.scope)) and not caller.is_signed_in:
        raise OtherSite
    if caller.session_id:
        await sign_out(caller.session_id)
    take_cookie(response, request.scope)
    return LoggedOut()


@router.get("/status")
async def status(request: Request, response: Response, gate: Annotated[Gate, Depends(use(Gate))]) -> AuthStatus:
    """Tell whether a master password is set, and whether this request carries valid credentials."""
    response.headers.update(PRIVATE)
    caller = await gate.identify(request.scope)
    return AuthStatus(configured=await gate.has_password(), authenticated=caller.is_signed_in)
