"""What the sections of the evaluation report are made from."""

from dataclasses import dataclass, field
from typing import Any

Row = dict[str, str]


@dataclass(slots=True)
class Evaluation:
    """One judged call set as `deepcohort evaluate` left it: summary.json and the tables beside it."""

    name: str
    info: dict[str, Any]
    tables: dict[str, list[Row]] = field(default_factory=dict)

    def rows(self, table: str, **values: str) -> list[Row]:
        """Rows of a table that have these values."""
        return [r for r in self.tables.get(table, []) if all(r.get(k) == v for k, v in values.items())]
