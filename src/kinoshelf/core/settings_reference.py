"""The page docs/settings.md, written from the settings model: python -m kinoshelf.core.settings_reference."""

from __future__ import annotations

import sys
import types
import typing
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from kinoshelf.core.settings import PREFIX, Leaf, leaves

# Defaults that depend on the machine, in words.
DEFAULTS = {
    "data_dir": "`~/.local/share/kinoshelf`; macOS `~/Library/Application Support/kinoshelf`; "
    "Windows `%LOCALAPPDATA%\\kinoshelf`",
    "config_dir": "`~/.config/kinoshelf`; macOS and Windows as `data_dir`",
    "download_dir": "`downloads` in `data_dir`",
}
WORDS = {int: "whole number", float: "number", bool: "true or false", str: "text", Path: "path", SecretStr: "secret"}

HEAD = f"""# Settings

<!-- Written by python -m kinoshelf.core.settings_reference. Change the descriptions in core/settings.py. -->

A setting is read from the command line, else from the environment, else from `config/kinoshelf.toml` in the data
directory, else it has its default. The name in the environment is `{PREFIX}` and the setting's name in capitals with
`_` for the dot. For any variable `X`, `X_FILE` may name a file that holds the value (for container secrets).

A list in the environment is words between commas, or JSON. An empty variable counts as not set.

Settings changed on the settings page or through the API are in force at once and are written to the file; comments in
it are kept. What the environment decides cannot be changed there. A wrong value stops the start with a sentence that
names the setting.

```toml
# config/kinoshelf.toml
download_dir = "/srv/films/incoming"

[engine]
max_active_downloads = 3
```
"""


def render() -> str:
    """Return the whole page."""
    return HEAD + "".join(_sections()) + _inner_models()


def _sections() -> Iterator[str]:
    for section, group in groupby(leaves(), key=lambda leaf: ".".join(leaf.path[:-1])):
        yield f"\n## {f'`[{section}]`' if section else 'The hub'}\n\n"
        yield "| Setting | Environment | Value | Default | Meaning |\n|---|---|---|---|---|\n"
        for leaf in group:
            cells = (
                f"`{leaf.key}`",
                " ".join(f"`{name}`" for name in leaf.variables),
                _kind(leaf.field),
                _default(leaf),
                leaf.field.description or "",
            )
            yield f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |\n"


def _kind(field: FieldInfo) -> str:
    return _bounded(_type_in_words(field.annotation), field)


def _type_in_words(annotation: Any) -> str:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _type_in_words(arguments[0])
    if origin is Literal:
        return ", ".join(f"`{word}`" for word in arguments)
    if origin in {types.UnionType, typing.Union}:
        return _type_in_words(next(part for part in arguments if part is not type(None)))
    if origin is tuple:
        inner = arguments[0]
        return f"list of {inner.__name__}" if _is_model(inner) else "list of words"
    return WORDS[annotation]


def _bounded(words: str, field: FieldInfo) -> str:
    low, high, longest = (_limit(field, name) for name in ("ge", "le", "max_length"))
    if low is not None and high is not None:
        return f"{words}, {low} to {high}"
    if low is not None:
        return f"{words}, {low} or more"
    if longest is not None:
        return f"{words}, at most {longest} characters"
    return words


def _limit(field: FieldInfo, name: str) -> Any:
    return next((getattr(rule, name) for rule in field.metadata if hasattr(rule, name)), None)


def _default(leaf: Leaf) -> str:
    if leaf.key in DEFAULTS:
        return DEFAULTS[leaf.key]
    value = leaf.field.default
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if value in ("", None, ()):
        return "empty"
    if isinstance(value, bool):
        return "`true`" if value else "`false`"
    if isinstance(value, tuple):
        return f"`{', '.join(str(part) for part in value)}`"
    return f"`{value}`"


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _inner_models() -> str:
    """Describe the models that stand in lists."""
    found: dict[str, type[BaseModel]] = {}
    for leaf in leaves():
        for inner in typing.get_args(leaf.field.annotation):
            if _is_model(inner):
                found[inner.__name__] = inner
    text = ""
    for name, model in found.items():
        text += f"\n## {name}\n\n{(model.__doc__ or '').strip()}\n\n| Field | Value | Default |\n|---|---|---|\n"
        for field_name, field in model.model_fields.items():
            default = "required" if field.default is PydanticUndefined else _default(Leaf((field_name,), field))
            text += f"| `{field_name}` | {_kind(field)} | {default} |\n"
    return text


def main() -> None:
    """Write the page into the docs folder of the working directory."""
    page = Path("docs/settings.md")
    page.write_text(render(), encoding="utf-8")
    sys.stdout.write(f"{page} is current\n")


if __name__ == "__main__":
    main()
