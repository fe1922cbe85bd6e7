"""What requests said before there were expressions, as the trees that expressions are read into.

Applications and SDKs of 2012 to 2014 still say it: `Expected`, `AttributeUpdates`, `KeyConditions`,
`QueryFilter`, `ScanFilter`, `AttributesToGet`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jackbean.core.errors import Fault
from jackbean.services.tables import faults
from jackbean.services.tables.syntax import At, Between, Call, Compare, Join, Literal, Not, OneOf
from jackbean.services.tables.updates import Deed
from jackbean.services.tables.values import Value, checked

COMPARISONS = {"EQ": "=", "NE": "<>", "LT": "<", "LE": "<=", "GT": ">", "GE": ">="}
CALLS = {"CONTAINS": "contains", "BEGINS_WITH": "begins_with"}


def condition(asked: Mapping[str, Mapping[str, Any]] | None, how: str) -> Any:
    """Return the tree of conditions on attributes, None without any; `how` joins them."""
    trees = [_expected(name, said) for name, said in (asked or {}).items()]
    if not trees:
        return None
    return trees[0] if len(trees) == 1 else Join(how or "AND", tuple(trees))


def _expected(name: str, said: Mapping[str, Any]) -> Any:
    at = At((name,))
    if said.get("ComparisonOperator"):
        return compared(at, said)
    if said.get("Exists") is False:
        if said.get("Value") is not None:
            raise faults.bad_values(
                "Value cannot be used when Exists is set to false for Attribute"
            )
        return Call("attribute_not_exists", (at,))
    if said.get("Value") is None:
        text = f"Value must be provided when Exists is true for Attribute: {name[:64]}"
        raise faults.bad_values(text)
    return Compare("=", at, Literal(checked(said["Value"])))


def compared(at: At, said: Mapping[str, Any]) -> Any:
    """Return the tree of one comparison by operator and list of values."""
    how = str(said["ComparisonOperator"])
    single: list[Value] = [said["Value"]] if said.get("Value") else []
    given: list[Value] = said.get("AttributeValueList") or single
    literals = tuple(Literal(checked(value)) for value in given)
    if how in ("NULL", "NOT_NULL"):
        absent = how == "NULL"
        return Call("attribute_not_exists" if absent else "attribute_exists", (at,))
    if how == "IN" and literals:
        return OneOf(at, literals)
    if how == "BETWEEN" and len(literals) == 2:
        return Between(at, *literals)
    if len(literals) != 1:
        raise _odd(how)
    if how == "NOT_CONTAINS":
        exists = Call("attribute_exists", (at,))
        return Join("AND", (exists, Not(Call("contains", (at, *literals)))))
    if how in CALLS:
        return Call(CALLS[how], (at, *literals))
    if how not in COMPARISONS:
        raise _odd(how)
    return Compare(COMPARISONS[how], at, literals[0])


def _odd(how: str) -> Fault:
    text = f"Invalid number of argument(s) for the {how[:20]} ComparisonOperator"
    return faults.bad_values(text)


def updates(asked: Mapping[str, Mapping[str, Any]] | None) -> list[Deed]:
    """Return what AttributeUpdates do."""
    return [_update(name, said) for name, said in (asked or {}).items()]


def _update(name: str, said: Mapping[str, Any]) -> Deed:
    action, value = said.get("Action") or "PUT", said.get("Value")
    if value is None:
        if action != "DELETE":
            text = "Only DELETE action is allowed when no attribute value is specified"
            raise faults.bad_values(text)
        return Deed("REMOVE", (name,))
    made = checked(value)
    if action == "PUT":
        return Deed("SET", (name,), Literal(made))
    if action not in ("ADD", "DELETE"):
        raise faults.bad_values(f"Unknown Action: {action[:20]}")
    return Deed(action, (name,), made)


def mixed(members: Mapping[str, Any], old: tuple[str, ...], new: tuple[str, ...]) -> None:
    """Raise the Fault for a request that speaks both ways."""
    before = [name for name in old if members.get(name)]
    after = [name for name in new if members.get(name)]
    if before and after:
        raise faults.invalid(
            "Can not use both expression and non-expression parameters in the same request: "
            f"Non-expression parameters: {{{', '.join(before)}}} "
            f"Expression parameters: {{{', '.join(after)}}}"
        )
