"""Many rows of one table written by one statement, where a statement a row would be a message a row.

PostgreSQL is given a column as an array each. SQLite lives in our process, and is given the rows one by one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ARRAY, Connection, Executable, Table, bindparam, column, func, insert, select, update
from sqlalchemy.sql.selectable import TableValuedAlias


class ManyRows:
    """One way to write rows; made once, since building a statement takes longer than running it.

    Args:
        names: the columns whose values each row brings.
        one, together: the statement for a single row, and for all of them as PostgreSQL takes them.
    """

    def __init__(self, names: Sequence[str], one: Executable, together: Executable) -> None:
        self._names = tuple(names)
        self._one = one
        self._together = together

    def write(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write `rows`, values by column name."""
        if not rows:
            return
        if connection.dialect.name == "postgresql":
            connection.execute(self._together, {_bound(name): [row[name] for row in rows] for name in self._names})
        else:
            connection.execute(self._one, [{_bound(name): row[name] for name in self._names} for row in rows])


def many_updates(table: Table, key: str, columns: Sequence[str]) -> ManyRows:
    """Sets `columns` of the rows whose `key` is each row's."""
    given = _given(table, (key, *columns))
    return ManyRows(
        (key, *columns),
        update(table)
        .where(table.c[key] == bindparam(_bound(key)))
        .values({name: bindparam(_bound(name)) for name in columns}),
        update(table).where(table.c[key] == given.c[key]).values({name: given.c[name] for name in columns}),
    )


def many_inserts(table: Table, columns: Sequence[str]) -> ManyRows:
    given = _given(table, columns)
    return ManyRows(
        columns,
        insert(table).inline().values({name: bindparam(_bound(name)) for name in columns}),
        insert(table).inline().from_select(list(columns), select(*(given.c[name] for name in columns))),
    )


def _given(table: Table, names: Sequence[str]) -> TableValuedAlias:
    """The rows that are brought along, as a table."""
    arrays = (bindparam(_bound(name), type_=ARRAY(table.c[name].type)) for name in names)
    columns = (column(name, table.c[name].type) for name in names)
    return func.unnest(*arrays).table_valued(*columns, name="given").render_derived()


def _bound(name: str) -> str:
    # A column's own name can't be a parameter of an update.
    return f"new_{name}"
