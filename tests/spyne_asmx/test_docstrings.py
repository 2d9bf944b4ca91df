"""What a docstring tells those who call an operation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spyne_asmx.docstrings import Notes, read_docstring

WHOLE = """Log in.

    A second
    paragraph.

    Args:
        name: The name: in any letter case.
        password: The password,
            exactly.

    Errors:
        [900] It failed: Whatever the reason.
        Not allowed.: Never.
    """


def test_a_docstring_has_a_description_parameters_and_errors() -> None:
    notes = read_docstring(WHOLE)
    assert notes.description == "Log in.\n\nA second\nparagraph."
    assert notes.paragraphs == ["Log in.", "A second paragraph."]
    assert notes.parameters == {"name": "The name: in any letter case.", "password": "The password, exactly."}
    assert notes.errors == (("[900] It failed", "Whatever the reason."), ("Not allowed.", "Never."))


@pytest.mark.parametrize(
    ("text", "notes"),
    [
        (None, Notes()),
        ("", Notes()),
        ("  One line.  ", Notes("One line.")),
        ("\n    Args:\n        a: b", Notes("", {"a": "b"})),
        ("X.\n\nArguments:\n  a: b\n\nParameters:\n  c: d", Notes("X.", {"a": "b", "c": "d"})),
        ("X.\n\nArgs:\n    a: b\n\nMore.", Notes("X.\n\nMore.", {"a": "b"})),
        ("X.\n\nArgs:\n    a\n    b: c", Notes("X.", {"a": "", "b": "c"})),
        ("X.\n\nArgs:\n", Notes("X.")),
        ("X.\n\nReturns:\n    a: b", Notes("X.\n\nReturns:\n    a: b")),
        ("Takes Args: a, b.", Notes("Takes Args: a, b.")),
        ("X.\n\n    Args:\n        a: indented deeper", Notes("X.", {"a": "indented deeper"})),
        ("X.\n\nErrors:\n    a: b\n    a: c", Notes("X.", {}, (("a", "b"), ("a", "c")))),
    ],
)
def test_sections_may_be_left_out_or_stand_anywhere(text: str | None, notes: Notes) -> None:
    assert read_docstring(text) == notes


@given(st.text(alphabet=st.sampled_from("Args:Eo \n\tx")))
def test_any_text_can_be_read(text: str) -> None:
    assert read_docstring(text).description == read_docstring(text).description.strip()
