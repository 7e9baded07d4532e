"""What the owner of the machine sees of the Workers, and may do with them beside the Scheduler."""

from __future__ import annotations

from gesso.domain.errors import ModelUnknown
from gesso.domain.machine import Crew, DeviceUse
from gesso.scheduling.fleet import Fleet
from gesso.scheduling.scheduler import Scheduler


class FleetStation:
    def __init__(self, fleet: Fleet, scheduler: Scheduler) -> None:
        self._fleet = fleet
        self._scheduler = scheduler

    def devices(self) -> list[DeviceUse]:
        return self._fleet.devices()

    def crews(self) -> list[Crew]:
        return [
            Crew(name, idle, busy, starting, self._scheduler.waiting_for(name), self._fleet.worker_bytes(name))
            for name, idle, busy, starting in self._fleet.workers()
        ]

    def load(self, model: str) -> bool:
        """Begin to start a Worker ahead of the first Task; whether there is one now, or room for it. Errors: ModelUnknown."""
        crew = self._crew(model)
        if crew.idle or crew.busy or crew.starting:
            return True
        return self._fleet.try_start(model, lambda name: self._scheduler.waiting_for(name) > 0)

    def unload(self, model: str) -> int:
        """Errors: ModelUnknown."""
        return self._fleet.unload(self._crew(model).model)

    def _crew(self, model: str) -> Crew:
        crew = next((crew for crew in self.crews() if crew.model == model), None)
        if crew is None:
            raise ModelUnknown(model)
        return crew
