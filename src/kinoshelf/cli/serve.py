"""kinoshelf serve."""

from __future__ import annotations

from kinoshelf.core.settings import SettingsStore


def serve(*, host: str | None = None, port: int | None = None) -> None:
    """Serve the hub: pages, interfaces and the download engine."""
    import uvicorn

    from kinoshelf.app import Role, create_app, open_hub

    store = SettingsStore.load(host=host, port=port)
    hub = open_hub(store, Role.SERVER)
    uvicorn.run(
        create_app(hub), host=store.current.host, port=store.current.port, ws_per_message_deflate=False, log_config=None
    )
