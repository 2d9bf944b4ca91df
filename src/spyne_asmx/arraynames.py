"""ASMX's names for a service's array types: each is named after its items, with a number where two names clash."""

from itertools import count
from typing import Any

from spyne import Array
from spyne.model.complex import ComplexModelBase
from spyne.model.enum import EnumBase

from spyne_asmx.fields import fields_of, item_of
from spyne_asmx.typenames import (
    derived_types,
    given_namespace,
    has_chosen_name,
    is_nullable_value,
    member_name,
    repeats,
    type_name,
)


class ArrayNames:
    """The names of one application's array types, in the order in which the types are learnt."""

    def __init__(self) -> None:
        self._names: dict[tuple[object, ...], str] = {}
        self._seen: set[Any] = set()
        self.learnt: list[Any] = []
        """The array and object types that have been learnt."""

    def learn(self, spyne_type: Any) -> None:
        """Name the arrays in a type."""
        if issubclass(spyne_type, Array):
            self.learn(item_of(spyne_type)[1])
            self.of(spyne_type)
            self.learnt.append(spyne_type)
        elif issubclass(spyne_type, ComplexModelBase) and spyne_type not in self._seen:
            self._seen.add(spyne_type)
            self.learnt.append(spyne_type)
            for kind in (*fields_of(spyne_type).values(), *derived_types(spyne_type)):
                self.learn(kind)

    def of(self, spyne_type: Any) -> str:
        """The name of any type."""
        if not issubclass(spyne_type, Array) or has_chosen_name(spyne_type):
            return type_name(spyne_type)
        signature = self.signature(spyne_type)
        if signature not in self._names:
            item = self.of(item_of(spyne_type)[1])
            name = f"ArrayOf{item[0].upper()}{item[1:]}"
            taken = {known for other, known in self._names.items() if other[-1] == signature[-1]}
            numbered = (f"{name}{number or ''}" for number in count())
            self._names[signature] = next(free for free in numbered if free not in taken)
        return self._names[signature]

    def signature(self, spyne_type: Any) -> tuple[object, ...]:
        """A value that is equal for equal array types; spyne makes a new class at every mention of one."""
        key, item = item_of(spyne_type)
        namespace = given_namespace(item) if issubclass(item, EnumBase | ComplexModelBase) else ""
        own = given_namespace(spyne_type)
        return member_name(spyne_type, key, item), self.of(item), namespace, is_nullable_value(item), own


def form_answer_type(spyne_type: Any) -> Any:
    """The type of an answer to a form: ASMX wraps repeated values there, and ignores the names given to items."""
    if not issubclass(spyne_type, Array):
        return Array(spyne_type) if repeats(spyne_type) else spyne_type
    return spyne_type if has_chosen_name(spyne_type) else Array(item_of(spyne_type)[1])
