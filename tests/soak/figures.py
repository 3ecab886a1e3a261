"""What a soak came to, and what should not be."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final, final


@final
@dataclass(slots=True)
class Figures:
    """What a soak came to."""

    subject: str
    requests: int
    seconds: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)
    twice: int = 0
    lost: int = 0
    unsound: list[str] = field(default_factory=list)
    sockets: int = 0
    tasks: int = 0
    threads: int = 0
    open_at_origin: int = 0
    blocks: float = 0.0
    """Blocks of memory that each request left behind; the origin keeps some of each connection."""

    @property
    def wrong(self) -> list[str]:
        """What should not be; nothing if all is well."""
        found = [f"{name}: {value}" for name in ("twice", "lost", "open_at_origin") if (value := getattr(self, name))]
        found += [
            f"{name}: {value} left" for name in ("sockets", "tasks", "threads") if (value := getattr(self, name)) > 0
        ]
        if self.blocks > 25:
            found.append(f"memory: {self.blocks:.1f} blocks more for each request")
        return found + self.unsound

    def row(self) -> str:
        """A row of the page."""
        good = self.outcomes["response"]
        return (
            f"| {self.subject} | {self.requests:,} | {self.requests / self.seconds:,.0f} | {good:,} | "
            f"{sum(self.outcomes.values()) - good:,} | {self.outcomes['hangs']} | {self.twice} | {self.lost} | "
            f"{self.sockets} / {self.tasks} / {self.threads} | {self.blocks:.1f} |"
        )


HEAD: Final = (
    "| connector | requests | a second | responses | errors | hang | sent twice | lost | "
    "sockets / tasks / threads left | blocks left by each |\n|---|---|---|---|---|---|---|---|---|---|"
)
