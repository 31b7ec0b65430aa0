"""Simulates a month with 100,000 hours of audio, with the real scaling policy and real prices.

`python -m tools.simulate_fleet` prints the figures and draws docs/images/fleet.svg. A step is a quarter of a minute;
the machines' speed and boot time are those of docs/performance.md.
"""

from __future__ import annotations

import heapq
import math
import random
import sys
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from services.common.domain.prices import DOLLARS_PER_HOUR
from services.common.domain.stages import SPEED
from services.gpu_worker.settings import WorkerSettings
from services.orchestrator.scaling import Demand, wanted_machines

HOURS = 100_000
DAYS = 30
MAX_WORKERS = 16
STEP_SECONDS = 15
BOOT_SECONDS = 55
IDLE_SECONDS: float = WorkerSettings.model_fields["idle_seconds"].default
SWEEP_SECONDS = 60
PART_SECONDS = 3_600
PRICE = DOLLARS_PER_HOUR["g4dn.xlarge", "spot"]
PICTURE = Path("docs/images/fleet.svg")
HOUR, DAY = 3_600, 86_400


@dataclass
class SimulatedMachine:
    """A machine: when it is ready, how many seconds of audio it has left, and since when it has had none."""

    ready_at: int
    left: float = 0.0
    idle_since: int | None = None


@dataclass
class Month:
    """The figures of a simulated month."""

    machines: list[int] = field(default_factory=list)
    """The number of machines at each step."""
    queued_hours: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    """Seconds from upload to a machine, for each part."""
    machine_seconds: int = 0
    audio_hours: float = 0.0

    @property
    def dollars(self) -> float:
        return self.machine_seconds * PRICE / HOUR


def arrivals(chance: random.Random) -> list[tuple[int, float]]:
    """The parts, as (second of arrival, seconds of audio): in office hours, and 10,000 hours in an archive, day 12."""
    made: list[tuple[int, float]] = []
    left = float((HOURS - 10_000) * HOUR)
    while left > 0:
        day = chance.randrange(DAYS)
        weekday = day % 7 < 5  # noqa: PLR2004 - days of work in a week
        if not weekday and chance.random() < 0.8:  # noqa: PLR2004 - weekends have a fifth
            continue
        moment = day * DAY + round(min(max(chance.gauss(13, 3), 0), 23.99) * HOUR)
        seconds = min(chance.lognormvariate(math.log(1_200), 1.0), 4.0 * HOUR)
        left -= seconds
        while seconds > 0:
            made.append((moment, min(seconds, PART_SECONDS)))
            seconds -= PART_SECONDS
    made += [(12 * DAY + 9 * HOUR, 3_600.0)] * 10_000
    return sorted(made)


def simulate(parts: list[tuple[int, float]]) -> Month:
    """Simulate step by step: parts arrive, the sweep decides by the queue, machines boot, work, idle and leave."""
    month = Month(audio_hours=sum(seconds for _, seconds in parts) / HOUR)
    queue: deque[tuple[int, float]] = deque()
    queued = 0.0
    machines: list[SimulatedMachine] = []
    coming = deque(parts)
    now = 0
    while coming or queue or machines:
        fresh = False
        while coming and coming[0][0] <= now:
            part = coming.popleft()
            queue.append(part)
            queued += part[1]
            fresh = True
        if fresh or now % SWEEP_SECONDS == 0:
            wanted = wanted_machines(Demand(parts=len(queue), seconds=queued), MAX_WORKERS)
            machines += [SimulatedMachine(now + BOOT_SECONDS) for _ in range(wanted - len(machines))]
        for machine in machines:
            queued -= _work(machine, queue, now, month)
        machines = [one for one in machines if one.idle_since is None or now - one.idle_since < IDLE_SECONDS]
        month.machine_seconds += len(machines) * STEP_SECONDS
        month.machines.append(len(machines))
        month.queued_hours.append(queued / HOUR)
        now += STEP_SECONDS
    return month


def _work(machine: SimulatedMachine, queue: deque[tuple[int, float]], now: int, month: Month) -> float:
    """Simulate one step of one machine; returns the seconds of audio that it took from the queue."""
    if now < machine.ready_at:
        return 0.0
    taken, able = 0.0, STEP_SECONDS * SPEED
    while able > 0:
        if machine.left <= 0:
            if not queue:
                break
            since, seconds = queue.popleft()
            month.waits.append(now - since)
            machine.left = seconds
            taken += seconds
        done = min(machine.left, able)
        machine.left -= done
        able -= done
    busy = machine.left > 0 or able < STEP_SECONDS * SPEED
    machine.idle_since = None if busy else (machine.idle_since if machine.idle_since is not None else now)
    return taken


def percentile(values: list[float], share: float) -> float:
    """The value that `share` of them do not exceed."""
    count = max(1, round(len(values) * (1 - share)))
    return heapq.nlargest(count, values)[-1]


def draw(month: Month) -> str:
    """Draw the number of machines and the queue over the month, as SVG."""
    width, height, left = 900, 150, 60

    def line(values: list[float], top: int, colour: str) -> str:
        most = max(values)
        size = math.ceil(len(values) / width)
        peaks = [max(values[start : start + size]) for start in range(0, len(values), size)]
        points = " ".join(f"{left + x},{top + height - peak / most * height:.1f}" for x, peak in enumerate(peaks))
        return f'<polyline fill="none" stroke="{colour}" points="{points}"/>'

    def panel(title: str, values: list[float], top: int, colour: str) -> str:
        labels = f'<text x="{left}" y="{top - 8}">{title} (peak {max(values):,.0f})</text>'
        base = f'<line x1="{left}" x2="{left + width}" y1="{top + height}" y2="{top + height}" stroke="#999"/>'
        return labels + base + line(values, top, colour)

    steps = len(month.machines)
    days = "".join(
        f'<text x="{left + day * DAY / STEP_SECONDS / math.ceil(steps / width):.0f}" y="425">{day}</text>'
        for day in range(0, DAYS, 5)
    )
    summary = (
        f"{month.audio_hours:,.0f} hours of audio: ${month.dollars:,.0f}, "
        f"${month.dollars / month.audio_hours * 1000:.2f} per thousand hours; "
        f"wait p50 {percentile(month.waits, 0.5):.0f} s, p95 {percentile(month.waits, 0.95):.0f} s, "
        f"p99 {percentile(month.waits, 0.99) / 60:.0f} min"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 20} 440" font-family="sans-serif" '
        f'font-size="13"><rect width="100%" height="100%" fill="white"/><text x="{left}" y="20">{summary}</text>'
        + panel("machines", [float(count) for count in month.machines], 60, "#1f77b4")
        + panel("hours of audio in the queue", month.queued_hours, 255, "#d62728")
        + days
        + f'<text x="{left + width - 20}" y="425">day</text></svg>\n'
    )


def main() -> int:
    month = simulate(arrivals(random.Random(1)))  # noqa: S311 - a simulation, and the same one each time
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    PICTURE.write_text(draw(month), "utf-8")
    sys.stdout.write(
        f"{month.audio_hours:,.0f} hours of audio in {DAYS} days, at most {MAX_WORKERS} machines\n"
        f"${month.dollars:,.2f}: ${month.dollars / month.audio_hours:.5f} an hour of audio at ${PRICE} a machine hour\n"
        f"machines: most {max(month.machines)}, mean {sum(month.machines) / len(month.machines):.2f}\n"
        "wait for a machine: "
        + ", ".join(f"p{share * 100:g} {percentile(month.waits, share):.0f} s" for share in (0.5, 0.9, 0.95, 0.99))
        + f"\ndrawn in {PICTURE}\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
