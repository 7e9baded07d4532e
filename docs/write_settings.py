"""Writes docs/settings.md from the settings themselves: `python docs/write_settings.py`. tests/test_docs.py finds a page that is behind."""

from __future__ import annotations

from pathlib import Path

from pydantic.fields import FieldInfo

from gesso.config import ClientSettings, Settings

PAGE = Path(__file__).with_name("settings.md")
# Defaults that are another one on each machine.
OF_THE_MACHINE = {"workers": "one for each core", "memory": "80 % of the machine's memory"}
HEAD = """\
# Settings

Written by `docs/write_settings.py`; change `src/gesso/config.py` instead.

A setting is taken from the first place that has it: an option of the command line, the environment (`GESSO_` and the name in capitals),
`gesso.toml` in the data folder, the default. They are read once, when a command starts. Where the data folder is cannot be said in a file
within it, so `data` is no setting of `gesso.toml`.

```toml
# gesso-data/gesso.toml
host = "0.0.0.0"
public_url = "https://gesso.example"
fetch_allow = "10.0.0.0/8"
models = ["posterize:MODEL"]
```

In the environment, a list is JSON: `GESSO_MODELS='["posterize:MODEL"]'`. A name in `gesso.toml` that is no setting is
refused; `gesso doctor` warns of names in the environment that look like settings and are none.

## The server

"""
MIDDLE = """
## `gesso run`

These are read from the environment only.

"""


def table(settings: type[Settings] | type[ClientSettings]) -> str:
    lines = ["| setting | environment | default | |", "| --- | --- | --- | --- |"]
    for name, field in settings.model_fields.items():
        lines.append(f"| `{name}` | `GESSO_{name.upper()}` | {default(name, field)} | {field.description} |")
    return "\n".join(lines) + "\n"


def default(name: str, field: FieldInfo) -> str:
    if name in OF_THE_MACHINE:
        return OF_THE_MACHINE[name]
    value = field.default
    if value in ("", ()):
        return ""
    return f"`{int(value) if isinstance(value, float) and value.is_integer() else value}`"


def render() -> str:
    return HEAD + table(Settings) + MIDDLE + table(ClientSettings)


if __name__ == "__main__":
    PAGE.write_text(render(), "utf-8")
