"""Where torch keeps what it compiles: a folder of the data folder, which the Worker is told of and the next server finds again."""

from __future__ import annotations

from pathlib import Path

from flux_server import serving

from gesso.cli.client import Api
from gesso.cli.run import connect
from gesso.config import Settings

MODEL = """
import os
from pathlib import Path
from gesso.sdk import Model, Needs, Output


class Engine:
    def setup(self, device, weights):
        self._folder = Path(os.environ["TORCHINDUCTOR_CACHE_DIR"])

    def run(self, inputs, emit):
        kernels = self._folder / "kernels"
        found = kernels.exists()
        self._folder.mkdir(parents=True, exist_ok=True)
        kernels.touch()
        yield Output(f"{self._folder} {found}".encode(), "txt")


MODEL = Model("home", "Compiled", "Compiled", "Compiles.", "compiled:Engine", (), needs=Needs("cpu", 2**20))
"""


def answer(api: Api) -> str:
    task = api.submit("home", "Compiled", [], [])
    list(api.follow(task))
    (output,) = api.detail(task)["outputs"]
    return b"".join(api.fetch(output["url"])).decode()


def test_what_is_compiled_is_found_by_the_worker_of_the_next_server(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "compiled.py").write_text(MODEL)
    (data / "gesso.toml").write_text('models = ["compiled:MODEL"]\n')
    folder = data / "weights" / "cache" / "home" / "Compiled"
    for found in (False, True):
        with serving(data), connect(Settings(data=data), None, None, None) as api:
            assert answer(api) == f"{folder} {found}"
