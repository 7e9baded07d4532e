"""gesso/echo: gives back what it is given. For trying out clients; free, and needs nothing."""

from __future__ import annotations

from gesso.domain.model import Group, Model, Needs
from gesso.domain.parameter import Kind, Option, Parameter

_README = """\
Echo gives back what it is given: the text as log lines, every file byte for byte, and as many small pictures as you ask for. It paints
nothing useful. It is there to try out a client against everything that a real model does, in milliseconds, for nothing and without a GPU.

- **Streaming.** `steps` progress reports, spread over `delay` seconds.
- **Delays and kills.** Set `delay` to a minute and kill the task: it stops at once. With `fail` set to `hang` it does not listen, and
  the server has to end the process.
- **Failures.** `fail` chooses how the run goes wrong after its last step: an error in the model, an input that is refused, a process that
  exits or is killed (the server tries again with a fresh one), or memory that runs out. `stderr` fails nothing, and writes to stderr.
- **Determinism.** The pictures depend on the text, the seed and their number only, so a client can check that it got the right ones.
"""

_TEXT = (
    Parameter("text", Kind.TEXTAREA, label="Text", help="Written to the log, line by line.", default=""),
    Parameter("inputFile", Kind.FILE, label="File", help="Given back byte for byte."),
    Parameter("inputFiles", Kind.FILES, label="More files", help="Given back byte for byte, in their order.", maximum=32),
)

_COURSE = (
    Parameter("steps", Kind.INTEGER, label="Steps", help="How often progress is reported.", default=1, minimum=1, maximum=10_000),
    Parameter(
        "delay",
        Kind.NUMBER,
        label="Delay",
        help="How long the run takes, in seconds, spread over its steps.",
        default=0.0,
        minimum=0,
        maximum=3600,
    ),
    Parameter("outputs", Kind.INTEGER, label="Pictures", help="How many small PNGs it makes.", default=1, minimum=0, maximum=16),
    Parameter("seed", Kind.SEED, label="Seed", help="Changes the pictures.", default=0),
    Parameter(
        "fail",
        Kind.SELECT,
        label="Go wrong",
        help="What happens after the last step.",
        default="none",
        advanced=True,
        options=(
            Option("none", "Nothing goes wrong"),
            Option("error", "The model raises an error"),
            Option("input", "The input is refused"),
            Option("exit", "The process exits with code 3"),
            Option("kill", "The process is killed by a signal"),
            Option("hang", "The run hangs and does not listen"),
            Option("memory", "Memory runs out"),
            Option("stderr", "Nothing, but it writes to stderr"),
        ),
    ),
)

MODEL = Model(
    owner="gesso",
    slug="echo",
    title="Echo",
    description="Gives back what it is given, with progress, delays and failures on demand. For trying out clients.",
    engine="gesso.models.echo.engine:EchoEngine",
    groups=(Group("Give back", _TEXT), Group("Course", _COURSE)),
    categories=("test",),
    tags=("test", "free", "cpu"),
    needs=Needs(memory_bytes=64 * 2**20),
    readme=_README,
    licence="Apache-2.0",
    inspires=({"text": "Hello, gesso", "steps": "5", "delay": "2"}, {"text": "Three pictures", "outputs": "3", "seed": "7"}),
)
