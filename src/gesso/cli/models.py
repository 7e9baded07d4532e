"""`gesso models`: each model, and whether it can run here."""

from __future__ import annotations

from pathlib import Path

from gesso.cli.options import read_settings
from gesso.cli.refused import Refused
from gesso.cli.screen import output, print_json, state, table
from gesso.config import Settings
from gesso.models import registry
from gesso.services.catalog import Catalog


def open_catalog(settings: Settings) -> Catalog:
    """The models as a server on this data folder has them. Errors: Refused."""
    data = settings.data.resolve()
    try:
        return Catalog(registry.load(settings.models, data), data / "weights")
    except registry.ModelBroken as error:
        raise Refused(str(error)) from error


def show_models(as_json: bool, data: Path | None) -> None:
    """Errors: Refused."""
    settings = read_settings(data=data)
    catalog = open_catalog(settings)
    found = [(model, catalog.readiness(model)) for model in catalog.all()]
    if as_json:
        print_json(
            [
                {
                    "model": model.name,
                    "title": model.title,
                    "state": readiness.state,
                    "ready": readiness.is_ready,
                    "reason": readiness.reason,
                    "device": model.needs.device,
                    "cps": f"{model.price.per_second:.12f}",
                    "licence": model.licence,
                }
                for model, readiness in found
            ]
        )
        return
    rows = table("model", "state", "runs on", "what it does")
    for model, readiness in found:
        rows.add_row(model.name, state(readiness.state, readiness.is_ready), model.needs.device, model.description)
    console = output()
    console.print(rows, soft_wrap=False)
    for model, readiness in found:
        if not readiness.is_ready:
            console.print(f"\n{model.name}: {readiness.reason}")
