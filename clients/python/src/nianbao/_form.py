"""The national form as the descriptor holds it: each place with its Chinese address, and the cells.

No row, column or label stands in this code: they are options of the schema.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from nianbao import v1

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.descriptor import FieldDescriptor

PACKAGE = "nianbao.v1"
WHOLE_REPORT = "整份报告"
# A part with a table is called by its number, one with prose by its heading.
_NUMBERS_OF_TABLES = ("二", "三", "四")
_PROSE = "正文"


@dataclass(frozen=True)
class Place:
    """A field of a report, a part, a row or a cell."""

    path: str
    address: str
    label: str = ""
    is_cell: bool = False
    # Whether it is text that is blank where it is empty: it has no presence of its own.
    is_text: bool = False
    # Whether it is a part of the form with cells.
    is_table: bool = False
    summing: int = 0
    # The editions that print it; none means each.
    editions: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Form:
    """All places in form order, and where each stands in it."""

    places: tuple[Place, ...]
    ranks: dict[str, int]

    def rank(self, path: str) -> int | None:
        """Finds the place at that path, or the nearest above it."""
        while (rank := self.ranks.get(path)) is None:
            cut = max(path.rfind("."), path.rfind("["))
            if cut < 0:
                return None
            path = path[:cut]
        return rank

    def place(self, path: str) -> Place | None:
        """Gives the place at exactly that path."""
        rank = self.ranks.get(path)
        return None if rank is None else self.places[rank]

    def locate(self, report: v1.Report, path: str) -> tuple[int, str]:
        """Gives rank and Chinese address; a blank is found under the cell that it speaks of."""
        rank = self.rank(_spoken_of(report, path))
        if rank is None:
            rank = self.rank(path)
        return (0, WHOLE_REPORT) if rank is None else (rank, self.places[rank].address)


def _spoken_of(report: v1.Report, path: str) -> str:
    index, bracket, _ = path.removeprefix("blanks[").partition("]")
    if path.startswith("blanks[") and bracket and index.isdecimal():
        blanks = report.blanks
        return blanks[int(index)].field_path if int(index) < len(blanks) else path
    return path


@lru_cache(maxsize=1)
def form() -> Form:
    """Reads the form from the descriptor of the report, once."""
    others: list[Place] = []
    parts: list[Place] = []
    for field in v1.Report.DESCRIPTOR.fields:
        if field.GetOptions().Extensions[v1.cell].number:
            parts.extend(_walk(field, Place("", "")))
        else:
            others.append(_below(field, Place("", "")))
    places = (*others, *parts)
    return Form(places, {place.path: rank for rank, place in enumerate(places)})


def _walk(field: FieldDescriptor, above: Place) -> Iterator[Place]:
    """Yields the place of a field and all places below it, depth first."""
    own = _below(field, above)
    below: list[Place] = []
    message = field.message_type
    is_group = message is not None
    if message is not None and message.file.package == PACKAGE and not field.is_repeated:
        for child in message.fields:
            below.extend(_walk(child, own))
    is_count = field.type == field.TYPE_INT64
    is_money = field.type == field.TYPE_STRING and field.has_presence
    yield Place(
        path=own.path,
        address=own.address,
        label=own.label,
        # What is no figure is a cell only where it is summed, or said not to be: else it is prose.
        is_cell=not is_group and (is_count or is_money or own.summing != 0),
        is_text=not is_count and not is_money,
        is_table=not above.path and any(place.is_cell for place in below),
        summing=own.summing,
        editions=own.editions,
    )
    yield from below


def _below(field: FieldDescriptor, above: Place) -> Place:
    """Gives the place of a field, with what it takes over from the place above."""
    cell = field.GetOptions().Extensions[v1.cell]
    return Place(
        path=join(above.path, field.name),
        address=_address(cell, above),
        label=cell.label,
        summing=cell.summing or above.summing,
        editions=frozenset(cell.editions) or above.editions,
    )


def _address(cell: v1.CellOptions, above: Place) -> str:
    if not above.path:
        number = cell.number.removesuffix("、")
        if cell.number != number and number in _NUMBERS_OF_TABLES:
            return f"表{number}"
        return f"{cell.number}{cell.label}"
    # A row whose label repeats that of its group is named once.
    if cell.label in (above.label, _PROSE):
        return above.address
    address = f"{above.address}·{cell.number}{cell.label}"
    return f"{address}·{cell.column}" if cell.column else address


def join(path: str, rest: str) -> str:
    """Joins two paths, each of which may be empty."""
    return f"{path}.{rest}" if path and rest else path or rest


def read(message: Any, path: str) -> Any:  # noqa: ANN401 - a field may hold anything
    """Gives what stands at a path below a message; None where anything on the way is not set."""
    for name in path.split(".") if path else ():
        step, _, index = name.partition("[")
        field = message.DESCRIPTOR.fields_by_name[step]
        if field.has_presence and not message.HasField(step):
            return None
        message = getattr(message, step)
        if index:
            message = message[int(index.removesuffix("]"))]
    return message
