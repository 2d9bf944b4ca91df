"""The order of use, against lists."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asmx_tickets.errors import SettingsError
from asmx_tickets.tickets.order import UseOrder, reserve

SLOTS = 12
OWNERS = [0, 1, 257, -1]  # 1 and 257 are kept in the same place.

actions = st.lists(
    st.tuples(
        st.sampled_from(["append", "prepend", "touch", "remove"]), st.sampled_from(OWNERS), st.integers(0, SLOTS - 1)
    ),
    max_size=60,
)


def drained(order: UseOrder, owner: int) -> list[int]:
    slots = []
    while order.size(owner):
        slots.append(order.oldest(owner))
        order.remove(owner, slots[-1])
    return slots


@given(actions)
def test_is_what_lists_would_be(steps: list[tuple[str, int, int]]) -> None:
    order = UseOrder(SLOTS)
    lists: dict[int, list[int]] = {owner: [] for owner in OWNERS}
    for action, owner, slot in steps:
        held_by = next((other for other in OWNERS if slot in lists[other]), None)
        if action == "append" and held_by is None:
            order.append(owner, slot)
            lists[owner].append(slot)
        elif action == "prepend" and held_by is None:
            order.prepend(owner, slot)
            lists[owner].insert(0, slot)
        elif action in ("touch", "remove") and held_by is not None:
            getattr(order, action)(held_by, slot)
            lists[held_by].remove(slot)
            if action == "touch":
                lists[held_by].append(slot)
        assert [order.size(each) for each in OWNERS] == [len(lists[each]) for each in OWNERS]
        assert all(order.oldest(each) == lists[each][0] for each in OWNERS if lists[each])
        assert all(list(order.newest_first(each)) == lists[each][::-1] for each in OWNERS)
    assert {owner: drained(order, owner) for owner in OWNERS} == lists


@given(st.permutations(range(SLOTS)), st.integers(0, SLOTS))
def test_is_filled_with_slots_from_the_oldest_to_the_newest(slots: list[int], size: int) -> None:
    order = UseOrder(SLOTS)
    order.fill(7, slots[:size])
    assert order.size(7) == size
    assert list(order.newest_first(7)) == slots[:size][::-1]
    for slot in slots[size:]:
        order.append(7, slot)
    assert drained(order, 7) == slots


def test_an_owner_without_slots_has_no_oldest() -> None:
    order = UseOrder(1)
    order.append(7, 0)
    order.remove(7, 0)
    with pytest.raises(KeyError):
        order.oldest(7)


def test_reserved_memory_is_zeroed_and_writable() -> None:
    memory = reserve(10_000)
    assert memory.nbytes == 10_000
    assert bytes(memory) == bytes(10_000)
    memory[9_999] = 1
    assert memory[9_999] == 1


def test_more_tickets_than_there_is_memory_for_are_a_setting_that_is_wrong() -> None:
    """A limit of the process, as ulimit -v sets one, says the same of fewer."""
    with pytest.raises(SettingsError, match="Tickets:MaxTotal: no memory for so many tickets"):
        reserve(1 << 60)
