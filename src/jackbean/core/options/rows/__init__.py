"""The rows of the option table: data, and nothing else."""

from __future__ import annotations

from jackbean.core.options.option import Option
from jackbean.core.options.rows.balancing import BALANCING
from jackbean.core.options.rows.capacity import CAPACITY
from jackbean.core.options.rows.database import DATABASE
from jackbean.core.options.rows.instances import INSTANCES
from jackbean.core.options.rows.jackbean import JACKBEAN
from jackbean.core.options.rows.service import SERVICE
from jackbean.core.options.rows.template import TEMPLATE

ROWS: tuple[Option, ...] = (
    *CAPACITY,
    *SERVICE,
    *BALANCING,
    *DATABASE,
    *INSTANCES,
    *TEMPLATE,
    *JACKBEAN,
)
