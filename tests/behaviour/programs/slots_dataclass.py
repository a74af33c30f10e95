# any: LT103
import dataclasses
from dataclasses import dataclass


@dataclass
class Reading:
    sensor: str
    value: float = 0.5
    tags: list = dataclasses.field(default_factory=list)


readings = [Reading(f"s{i}") for i in range(4)]
readings[0].value = 2.0
print(readings, dataclasses.asdict(readings[0]), Reading("a") == Reading("a"))
