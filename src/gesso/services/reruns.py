"""Tasks ordered once more: the same parameters and the same stored files, with another seed unless the old one is wanted."""

from __future__ import annotations

import secrets

from gesso.domain.errors import ModelUnknown
from gesso.domain.model import Model
from gesso.domain.parameter import Kind
from gesso.domain.project import Project
from gesso.domain.task import Task
from gesso.services.catalog import Catalog
from gesso.services.submission import Order, Submission

# Below what programs that count in 32 bits can hold.
_SEED_END = 2**32


class Reruns:
    def __init__(self, submission: Submission, catalog: Catalog) -> None:
        self._submission = submission
        self._catalog = catalog

    async def again(self, project: Project, task: Task, author: str, keeps_seed: bool = False) -> Task:
        """A new Task like `task`, which is the Project's. Its webhook is left out: the receiver ordered one Task, and no other.

        Errors: those of Submission.submit, FileRefused for a file that was deleted meanwhile, ModelUnknown.
        """
        model = self._catalog.named(task.model)
        if model is None:
            raise ModelUnknown(task.model)
        values = dict(task.values) | ({} if keeps_seed else _new_seeds(model))
        files = {name: given for name, given in task.files.items() if given}
        return await self._submission.submit(Order(project, model, task.dialect, values, files, (), dict(task.sent), author=author))


def _new_seeds(model: Model) -> dict[str, int]:
    return {parameter.id: secrets.randbelow(_SEED_END) for parameter in model.parameters if parameter.kind is Kind.SEED}
