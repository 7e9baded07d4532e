"""Settings: read once, from the command line, the environment (GESSO_*), `gesso.toml` in the data folder, and these defaults, in this
order. The only module that reads the environment."""

from __future__ import annotations

import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from gesso.domain.ledger import BillingMode
from gesso.domain.limits import CREDIT_MAX_UNITS, IDLE_UNLOAD_S, KILL_GRACE_S, RUN_TIMEOUT_S, STOP_GRACE_S

DEFAULT_DATA = Path("gesso-data")
_MEMORY_SHARE = 0.8
_PASSWORD = re.compile(r"(://[^:@/]*:)[^@]*@")


def _machine_memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


class _TomlFile(TomlConfigSettingsSource):
    """`gesso.toml` in the data folder. Where the folder is cannot be said within it."""

    def __call__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__call__().items() if name != "data"}


class Settings(BaseSettings):
    """Every setting with its default, its unit and its help."""

    model_config = SettingsConfigDict(env_prefix="GESSO_", extra="ignore", frozen=True)

    data: Path = Field(DEFAULT_DATA, description="Folder that holds everything: database, files, weights, logs.")
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8700, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    database_url: str = Field("", description="SQLAlchemy URL of a PostgreSQL database; empty is SQLite in the data folder.")
    public_url: str = Field("", description="Origin of file URLs, such as https://gesso.example; empty is the request's Host.")
    workers: int = Field(default_factory=lambda: max(1, os.cpu_count() or 1), ge=1, le=256, description="Model processes at most.")
    memory: int = Field(
        default_factory=lambda: int(_machine_memory_bytes() * _MEMORY_SHARE), ge=2**26, description="Bytes of memory for all models."
    )
    fetch_allow: str = Field("", description="Address ranges that inputs and webhooks may reach besides public ones, with commas.")
    trusted_proxies: str = Field(
        "",
        description="Proxies whose X-Forwarded-For is believed, as addresses with commas. X-Forwarded-Host and X-Forwarded-Proto are "
        "believed from anybody: they change only the URLs in the answer to whoever sent them.",
    )
    idle_unload_s: float = Field(IDLE_UNLOAD_S, gt=0, description="Seconds until an idle model is unloaded.")
    run_timeout_s: float = Field(RUN_TIMEOUT_S, gt=0, description="Seconds that one run may take.")
    kill_grace_s: float = Field(KILL_GRACE_S, ge=0, description="Seconds that a killed run has before its process is killed.")
    stop_grace_s: float = Field(STOP_GRACE_S, ge=0, description="Seconds that running tasks have when the server stops.")
    billing: BillingMode = Field(
        BillingMode.UNMETERED, description="unmetered reckons what tasks cost; prepaid takes it from the project's balance."
    )
    opening_credit: Decimal = Field(
        Decimal(0), ge=0, le=CREDIT_MAX_UNITS, decimal_places=12, description="What a new project has on its balance."
    )
    retention_days: float = Field(0, ge=0, description="Days that the files of a task stay after its end; 0 is for ever.")
    models: tuple[str, ...] = Field((), description="More models: package.module:NAME or file.py:NAME.")
    engines: dict[str, dict[str, Any]] = Field({}, description="Options of a model's engine, by OWNER/SLUG; docs/models.md lists them.")
    signup: Literal["first", "open", "closed"] = Field(
        "first", description="Who may sign up: first is the first visitor only, who becomes the owner; open everybody; closed nobody."
    )
    log_level: str = Field("info", description="debug, info, warning or error.")

    @field_validator("fetch_allow", "trusted_proxies")
    @classmethod
    def _ranges_are_readable(cls, value: str) -> str:
        _ranges(value)
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        given = init_settings()
        folder = Path(given.get("data") or env_settings().get("data") or DEFAULT_DATA)
        return init_settings, env_settings, _TomlFile(settings_cls, folder / "gesso.toml")

    @property
    def fetch_ranges(self) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
        return _ranges(self.fetch_allow)

    @property
    def proxy_ranges(self) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
        return _ranges(self.trusted_proxies)


class ClientSettings(BaseSettings):
    """Which server `gesso run` speaks to, when it is not the one that runs on the data folder."""

    model_config = SettingsConfigDict(env_prefix="GESSO_", extra="ignore", frozen=True)

    url: str = Field(default="", description="Where the server is, such as https://gesso.example; empty is the one of the data folder.")
    api_key: str = Field(default="", description="API key of the project that runs; empty is the data folder's own project.")
    api_secret: str = Field(default="", description="API secret, for a project that signs its requests.")


def _ranges(text: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(ipaddress.ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip())


def load_settings(**given: Any) -> Settings:
    """Settings with `given` ones before all others; those that are None are not given. Errors: pydantic's ValidationError."""
    return Settings(**{name: value for name, value in given.items() if value is not None})


def stray_names(settings: Settings) -> list[str]:
    """What `gesso.toml` sets that is no setting of it. Errors: OSError, tomllib's TOMLDecodeError."""
    path = settings.data / "gesso.toml"
    known = set(Settings.model_fields) - {"data"}
    return [name for name in tomllib.loads(path.read_text("utf-8")) if name not in known] if path.is_file() else []


def shown(settings: Settings) -> list[tuple[str, str, str, bool]]:
    """Each setting with its value, its help, and whether it is the default, for its owner to read: without the database's password."""
    rows = []
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        default = field.get_default(call_default_factory=True)
        text = _PASSWORD.sub(r"\1***@", str(value)) if name == "database_url" else str(getattr(value, "value", value))
        rows.append((name, text, field.description or "", value == default))
    return rows


def environment() -> Mapping[str, str]:
    """A copy of this process's environment, for the processes that it starts."""
    return dict(os.environ)
