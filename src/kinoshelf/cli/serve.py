"""kinoshelf serve."""

from __future__ import annotations

import os
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from kinoshelf.cli.frame import Answer, Here, collect_garbage, log_folder

Host = Annotated[str | None, Parameter(help="Address to listen on. Any but this machine's own needs a password.")]
Port = Annotated[
    int | None, Parameter(validator=Number(gte=0, lte=65535), help="Port to listen on; 0 takes any free one.")
]


def serve(*, host: Host = None, port: Port = None, at: Here) -> Answer:
    """Serve the hub: pages, interfaces and the download engine."""
    from kinoshelf.app import Role, create_app, open_hub
    from kinoshelf.cli.listening import Server, bound_socket, url_of
    from kinoshelf.cli.server_record import remove_record, write_record
    from kinoshelf.core.access.binding import refuse_open_bind
    from kinoshelf.core.access.passwords import has_password, set_given_password
    from kinoshelf.core.logging import configure

    store = at.load(host=host, port=port)
    settings = store.current
    configure(settings.logging, log_folder(settings))
    store.on_change(lambda changed: configure(changed.logging, log_folder(changed)))
    with bound_socket(settings.host, settings.port) as listening:
        url = url_of(listening, settings.base_path)
        hub = open_hub(store, Role.SERVER)
        try:
            set_given_password(hub.database, hub.clock, os.environ)
            refuse_open_bind(settings.host, hub.database.run_read(has_password))

            def announce() -> None:
                write_record(settings.data_dir, url, hub.seat.name)
                if at.is_json:
                    at.show(Answer({"url": url, "pid": os.getpid()}))
                at.note(f"ready at {url} (Ctrl-C stops it)")

            try:
                server = Server(create_app(hub), announce)
                collect_garbage()
                status = server.serve_until_stopped(listening)
            finally:
                remove_record(settings.data_dir, hub.seat.name)
        finally:
            hub.close()
    return Answer(None, exit_status=status)
