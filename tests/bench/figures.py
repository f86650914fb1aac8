# SPDX-License-Identifier: GPL-2.0-or-later
"""Figures of a benchmark run: one record each, printed as a table and written as JSON."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass
class Figure:
    """`ratio` is value over peer's value. `target` bounds the ratio where there is a peer, else the value; `better` says which side of it holds. `note` says what
    the figure alone does not: what was compared, what was lost. A target within the `spread` of the ratio can't be decided."""
    name: str
    value: float
    unit: str
    peer: str | None = None
    peer_value: float | None = None
    target: float | None = None
    better: str = 'lower'
    note: str | None = None
    spread: tuple[float, float] | None = None

    @property
    def ratio(self) -> float | None:
        return self.value / self.peer_value if self.peer_value else None

    @property
    def holds(self) -> bool | None:
        if self.target is None or not self.is_decidable:
            return None
        judged = self.value if self.ratio is None else self.ratio
        return judged <= self.target if self.better == 'lower' else judged >= self.target

    @property
    def is_decidable(self) -> bool:
        return self.target is None or self.spread is None or not self.spread[0] <= self.target <= self.spread[1]

    def record(self) -> dict:
        return asdict(self) | {'ratio': self.ratio, 'holds': self.holds, 'decidable': self.is_decidable}


def table(figures: list[Figure]) -> str:
    rows = [('Figure', 'Value', 'Peer', 'Peer value', 'Ratio', 'Target', 'Holds')]
    for figure in figures:
        sign = '≤' if figure.better == 'lower' else '≥'
        rows.append((figure.name, f'{figure.value:.4g} {figure.unit}', figure.peer or '-',
                     f'{figure.peer_value:.4g} {figure.unit}' if figure.peer_value else '-',
                     f'{figure.ratio:.3g}' if figure.ratio else '-', f'{sign} {figure.target:.3g}' if figure.target is not None else '-',
                     {True: 'yes', False: 'MISSED', None: '-'}[figure.holds] if figure.is_decidable else 'not decidable'))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ['  '.join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    return '\n'.join(lines + [f'{figure.name}: {figure.note}' for figure in figures if figure.note])


def write(figures: list[Figure], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([figure.record() for figure in figures], indent=2) + '\n')
