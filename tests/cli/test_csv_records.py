"""The records of a CSV file, as programs write it."""

import csv
import io
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asmx_tickets.cli.csv_records import Record, Records
from asmx_tickets.errors import UserError

KNOWN = ("user_name", "password", "first_name", "email", "read_only")


def records(content: str | bytes) -> Records:
    """The records of a file with this content."""
    data = content if isinstance(content, bytes) else content.encode()
    return Records(io.BytesIO(data), KNOWN, KNOWN[:2])


def read(content: str | bytes) -> list[tuple[int, dict[str, str] | str]]:
    """The records' lines, with the fields or what is wrong."""
    return [(record.line, record.complaint or record.fields) for record in records(content)]


@pytest.mark.parametrize(
    "header",
    [
        "user_name,password,first_name,email",
        "UserName;Password;FirstName;Email",
        "User Name\tPASSWORD\tFirst Name\tE-Mail",
        '\ufeff"UserName";"Password";"First-Name";"e_mail"',
    ],
)
def test_headers_of_many_programs_mean_the_same(header: str) -> None:
    """Commas, semicolons or tabs separate the titles, and then the fields too. The titles are kept as they are."""
    separator = next(mark for mark in "\t;," if mark in header)
    found = records(f"{header}\r\n{separator.join(['jsmith', 'x, y', '', 'a@b'])}\r\n" if separator != "," else header)
    assert found.columns == ("user_name", "password", "first_name", "email")
    assert list(found.titles.values()) == header.replace('"', "").removeprefix("\ufeff").split(separator)
    if separator != ",":
        assert [record.fields["password"] for record in found] == ["x, y"]


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ("", "it is empty"),
        ("\n\n", "it is empty"),
        ("user_name,password,Phone", "column 3 is none of them"),
        ("user_name,password,", "column 3 is none of them"),
        ("jsmith,canary", "column 1 is none of them"),
        ("user_name,password,UserName", "column 3 is there twice"),
        ("user_name,email", "password is missing"),
    ],
)
def test_a_complaint_about_the_header_has_the_columns_number(header: str, why: str) -> None:
    """No name of it is repeated: it might be somebody's password."""
    with pytest.raises(UserError, match=f"^The first line must name the columns, once each: .*; {why}\\.$") as error:
        records(header)
    assert "canary" not in str(error.value)


@pytest.mark.parametrize(
    ("first", "rest"), [("sep=;", "a;x,y"), ('"sep=;"', "a;x,y"), ("SEP=\t", "a\tx,y"), ("sep=|", "a|x,y")]
)
def test_excels_own_line_names_the_separator(first: str, rest: str) -> None:
    """Many programs write it before the header, for Excel. It counts as a line in the records' numbers."""
    header = rest.replace("a", "user_name").replace("x,y", "password")
    found = records(f"{first}\r\n{header}\r\n{rest}\r\n")
    assert [(record.line, record.fields) for record in found] == [(3, {"user_name": "a", "password": "x,y"})]


@pytest.mark.parametrize("row", [",", ' ,""', ",\r"])
def test_a_record_without_a_value_is_a_blank_line(row: str) -> None:
    """Excel writes them for rows that were emptied."""
    found = records(f"user_name,password\n{row}\na,b\n{row}\n")
    assert [(record.line, record.complaint) for record in found] == [(3, "")]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("x" * 140_000 + ",y", "A field is longer than 131,072 characters."),
        ("a,b\rc,d", "A line ends with CR alone. In Excel, save the file as CSV UTF-8."),
        ('a,"b', "The line is not valid CSV: are its quotes closed and doubled?"),
    ],
)
def test_a_complaint_about_a_line_names_the_real_fault(line: str, complaint: str) -> None:
    """Quotes are not to blame for everything."""
    found = records(f"user_name,password\n{line}\na,b\n")
    assert [record.complaint for record in found] == [complaint, ""]


def test_a_file_whose_lines_end_with_cr_alone_is_refused() -> None:
    """To us all of it would be one line."""
    with pytest.raises(UserError, match="A line ends with CR alone"):
        records("user_name,password\ra,b\r")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32", "utf-32-le"])
def test_a_file_in_utf_16_without_its_mark_is_refused(encoding: str) -> None:
    """It is known by its NULs, which no other text has."""
    with pytest.raises(UserError, match="The file is in UTF-16"):
        records("user_name,password\n".encode(encoding))


def test_a_file_in_utf_16_is_refused() -> None:
    """Excel calls it Unicode Text."""
    with pytest.raises(UserError, match="The file is in UTF-16"):
        records("user_name,password\n".encode("utf-16"))


def test_a_line_break_inside_quotes_belongs_to_its_field() -> None:
    """Lines are counted as an editor counts them; each record has the number of its first."""
    assert read('user_name,password\na,"x\ny"\n\nb,z\r\n') == [
        (2, {"user_name": "a", "password": "x\ny"}),
        (5, {"user_name": "b", "password": "z"}),
    ]


@pytest.mark.parametrize(
    "bad",
    ['a,"canary', 'a,"canary"x', '"canary', 'a,"can\nary"x'],
    ids=["never closed", "not doubled", "one field", "over two lines"],
)
def test_a_quote_that_is_wrong_spoils_its_own_line(bad: str) -> None:
    """What follows is read, quotes in it and all."""
    good = [f'user{number},"p,{number}"' for number in range(60)]
    found = read("\n".join(["user_name,password", bad, *good]))
    assert found[0] == (2, "The line is not valid CSV: are its quotes closed and doubled?")
    assert [fields for line, fields in found if line > bad.count("\n") + 2] == [
        {"user_name": f"user{number}", "password": f"p,{number}"} for number in range(60)
    ]
    assert "canary" not in found[0][1]


def test_other_bad_lines_are_reported_and_skipped() -> None:
    """Too few fields, too many, and no UTF-8."""
    assert read(b"user_name,password\na\nb,x,y\n\xff,z\nc,z\n") == [
        (2, "The header has 2 columns, this line has 1."),
        (3, "The header has 2 columns, this line has 3."),
        (4, "The line is not UTF-8. In Excel, save the file as CSV UTF-8."),
        (5, {"user_name": "c", "password": "z"}),
    ]


def test_the_last_record_ends_where_the_file_does() -> None:
    """So that a progress bar gets there."""
    content = b'user_name,password\na,"x\ny"\nb,z'
    assert [record.end for record in records(content)][-1] == len(content)


def test_no_more_is_read_than_the_next_record_needs() -> None:
    """However long the file is."""
    taken = 0

    def lines() -> Iterator[bytes]:
        nonlocal taken
        yield b"user_name,password\n"
        for number in range(1000):
            taken += 1
            yield f"u{number},x\n".encode()

    found: Iterator[Record] = iter(Records(lines(), KNOWN, KNOWN[:2]))
    next(found)
    assert taken == 1


cell = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"), max_size=20)


@given(st.lists(st.tuples(cell, cell), max_size=5), st.sampled_from(",;\t"), st.sampled_from(["\n", "\r\n"]))
def test_what_a_csv_writer_writes_is_read_back(rows: list[tuple[str, str]], separator: str, end: str) -> None:
    """Whatever is in the fields: separators, quotes, line breaks. A record without a value is none."""
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=separator, lineterminator=end, quoting=csv.QUOTE_ALL).writerows(
        [("user_name", "password"), *rows]
    )
    assert [fields for _, fields in read(file.getvalue())] == [
        {"user_name": name, "password": password} for name, password in rows if f"{name}{password}".strip()
    ]


@given(st.binary(max_size=200) | st.lists(st.sampled_from([b'"', b",", b"\n", b"a", b"\xff"])).map(b"".join))
def test_whatever_a_file_holds_its_records_come_in_order(data: bytes) -> None:
    """No line is in two records, and reading comes to an end."""
    lines = [record.line for record in records(b"user_name,password\n" + data)]
    assert lines == sorted(set(lines))
    assert all(2 <= line <= data.count(b"\n") + 2 for line in lines)
