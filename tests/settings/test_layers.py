"""Layers of settings: reading JSON files as ASP.NET does, and laying sources over each other."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, SecretStr
from pydantic.alias_generators import to_pascal

from asmx_tickets.errors import SettingsError
from asmx_tickets.settings.layers import (
    bind,
    command_line_layer,
    environment_layer,
    file_layer,
    keys_of,
    one_line,
    overlay,
    plain_json,
)

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.sampled_from(["//", "/*", "*/", '"', '\\"', "a//b", ",]"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
blanks = st.sampled_from(["", " ", "\n", '// a "comment", {[\n', "/* one */", '/* " \n ,] // */', "//\n", "/**/"])


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", alias_generator=to_pascal, populate_by_name=True)


class Inner(Section):
    number: int = 1
    names: tuple[str, ...] = ("default",)


class Open(Section):
    model_config = ConfigDict(extra="allow")
    default: str = ""


class Model(Section):
    text: str = ""
    hidden: SecretStr = SecretStr("")
    inner: Inner = Inner()
    open: Open = Open()


def written(folder: Path, text: str | bytes, name: str = "appsettings.json") -> Path:
    """A settings file with this text."""
    file = folder / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def bound(**environ: str) -> Model:
    """The model built from environment variables."""
    return bind(Model, [environment_layer(environ, keys_of(Model))])[0]


@settings(deadline=None)
@given(json_values, st.data())
def test_comments_between_tokens_do_not_change_the_value(value: Any, data: st.DataObject) -> None:
    """Comments and blanks may stand between any two tokens, and look like anything."""

    def text(node: Any) -> str:
        if isinstance(node, dict):
            parts = [f"{json.dumps(name)}{blank()}:{text(child)}" for name, child in node.items()]
            inner = "{" + ",".join(parts) + trailing(parts) + blank() + "}"
        elif isinstance(node, list):
            parts = [text(child) for child in node]
            inner = "[" + ",".join(parts) + trailing(parts) + blank() + "]"
        else:
            inner = json.dumps(node)
        return f"{blank()}{inner}{blank()}"

    def blank() -> str:
        return data.draw(blanks)

    def trailing(parts: list[str]) -> str:
        return data.draw(st.sampled_from(["", ","])) if parts else ""

    assert json.loads(plain_json(text(value))) == value


@settings(deadline=None)
@given(st.text(alphabet='ab"\\/*\n, ]}[{:') | st.text())
def test_blanking_keeps_every_line_and_column(text: str) -> None:
    """An error's line and column are those of the file."""
    blanked = plain_json(text)
    assert len(blanked) == len(text)
    assert [at for at, char in enumerate(blanked) if char == "\n"] == [
        at for at, char in enumerate(text) if char == "\n"
    ]


@settings(deadline=None)
@given(json_values)
def test_json_without_comments_is_left_as_it_is(value: Any) -> None:
    """Whatever a string holds, it is no comment."""
    text = json.dumps(value, ensure_ascii=False)
    assert plain_json(text) == text


@pytest.mark.parametrize("text", ["[1,,2]", "[,]", "{,}", "[1,2", '{"a":1 /* open }', '{"a" "b"}'])
def test_what_aspnet_refuses_stays_invalid(text: str) -> None:
    """Only a comma behind a value, before a closing bracket, is forgiven."""
    with pytest.raises(json.JSONDecodeError):
        json.loads(plain_json(text))


def test_a_file_is_flattened_to_paths_without_regard_to_case(tmp_path: Path) -> None:
    """Sections and list items become parts of the path, values become text."""
    file = written(tmp_path, '\ufeff{"A": {"B": [true, 1.50, "x"], "C": null}, "D": {}, "E": [] /* end */,}')
    assert {path: entry.value for path, entry in file_layer(file).items()} == {
        "a:b:0": "True",
        "a:b:1": "1.50",
        "a:b:2": "x",
        "a:c": None,
        "d": {},
        "e": [],
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{\n  "A": 1\n  "B": 2\n}', "line 3, column 3: no valid JSON: Expecting ',' delimiter"),
        ("[1]", "must hold one JSON object"),
        ("", "line 1, column 1: no valid JSON"),
        (b'{"A": "\xff"}', "is not UTF-8, at byte 7"),
        ('{"A": 1, "a": 2}', "a is given twice"),
        ('{"A": {"B": 1}, "A:B": 2}', "A:B is given twice"),
        ("[" * 100_000, "is nested too deeply"),
    ],
)
def test_a_file_that_is_no_settings_file_is_one_line(tmp_path: Path, text: str | bytes, message: str) -> None:
    """The line names the file, and the place in it."""
    file = written(tmp_path, text)
    with pytest.raises(SettingsError) as error:
        file_layer(file)
    assert str(file) in str(error.value)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_file_is_an_error_unless_optional(tmp_path: Path) -> None:
    """A file that was asked for must be there."""
    assert file_layer(tmp_path / "none.json", optional=True) == {}
    with pytest.raises(SettingsError, match=r"none\.json can't be read: No such file or directory"):
        file_layer(tmp_path / "none.json")
    with pytest.raises(SettingsError, match="can't be read: Is a directory"):
        file_layer(tmp_path, optional=True)


def test_the_environment_counts_by_its_first_level() -> None:
    """Foreign variables are left alone, even one with the name of a section of ours."""
    layer = environment_layer(
        {
            "INNER__NUMBER": "5",
            "text": "t",
            "Inner": "foreign",
            "PATH": "/bin",
            "Innermost__X": "",
            "Open__Default": "",
        },
        keys_of(Model),
    )
    assert set(layer) == {"inner:number", "text", "open:default"}
    assert layer["inner:number"].place == "environment variable INNER__NUMBER"


def test_one_key_from_two_variables_is_refused() -> None:
    """Which of them won would depend on their order."""
    with pytest.raises(SettingsError, match=r"given twice \(environment variable TEXT, environment variable Text\)"):
        bound(TEXT="a", Text="b")


def test_later_layers_win_key_by_key(tmp_path: Path) -> None:
    """A layer covers what it names and leaves the rest, list items too."""
    first = file_layer(written(tmp_path, '{"Text": "1", "Inner": {"Number": 1, "Names": ["a", "b", "c"]}}'))
    second = environment_layer({"inner__names__1": "B", "INNER__NUMBER": "2"}, keys_of(Model))
    model, entries = bind(Model, [first, second, command_line_layer({"Text": "3"})])
    assert model == Model(text="3", inner=Inner(number=2, names=("a", "B", "c")))
    assert {path: entry.source for path, entry in entries.items()} == {
        "Text": "command line",
        "Inner:Number": "environment",
        "Inner:Names:0": "appsettings.json",
        "Inner:Names:1": "environment",
        "Inner:Names:2": "appsettings.json",
    }


def test_an_empty_list_clears_and_can_be_filled_again(tmp_path: Path) -> None:
    """An empty list in a later layer removes the items below it; an item in a still later one is the first again."""
    full = file_layer(written(tmp_path, '{"Inner": {"Names": ["a", "b"]}}'))
    empty = file_layer(written(tmp_path, '{"Inner": {"Names": []}, "Open": {}}', "later.json"))
    item = command_line_layer({"Inner:Names:0": "z"})
    assert bind(Model, [full, empty])[0].inner.names == ()
    assert bind(Model, [full, empty, item])[0].inner.names == ("z",)
    assert set(overlay([full, empty, item])) == {"inner:names:0", "open"}


def test_list_items_are_ordered_by_number_and_gaps_are_closed() -> None:
    """Ten comes after nine; the numbers need not begin with zero."""
    assert bound(Inner__Names__10="c", Inner__Names__9="b", Inner__Names__2="a").inner.names == ("a", "b", "c")


def test_an_open_section_takes_other_names_as_they_are_written() -> None:
    """Only known names get their own letter case."""
    section = bound(**{"OPEN__DEFAULT": "d", "Open__Microsoft.AspNetCore": "w"}).open
    assert section.model_dump() == {"default": "d", "Microsoft.AspNetCore": "w"}


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"Tekst": "x"}, "Tekst is not a known key (f.json); did you mean Text?"),
        ({"Inner": {"nummer": 1}}, "Inner:nummer is not a known key (f.json); did you mean Inner:Number?"),
        ({"Zzzzzz": {}}, "Zzzzzz is not a known key (f.json)"),
        ({"Zz\nzz": 1}, "Zz\\nzz is not a known key (f.json)"),
        ({"Inner": "x"}, "Inner must be a section with keys in it, not a single value (f.json)"),
        ({"Inner": []}, "Inner must be a section with keys in it, not a single value (f.json)"),
        ({"Inner": {"Names": "x"}}, "Inner:Names must be a list, its items named :0, :1 and so on (f.json)"),
        ({"Inner": {"Names": {"a": "x"}}}, "Inner:Names must be a list, its items named :0, :1 and so on (f.json)"),
        ({"Inner": {"Number": [1]}}, "Inner:Number must be a single value, not a list or a section (f.json)"),
        ({"Inner": {"Number": "1x"}}, "Inner:Number must be a valid integer, not '1x' (f.json)"),
        ({"Inner": {"Number": None}}, "Inner:Number must be a valid integer, not null (f.json)"),
        ({"Text": {}}, "Text must be a valid string, not {} (f.json)"),
        ({"Inner": {"Names": ["a", None]}}, "Inner:Names:1 must be a valid string, not null (f.json)"),
        ({"Hidden": None}, "Hidden must be a valid string (f.json)"),
    ],
)
def test_what_does_not_fit_is_reported_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tree: dict[str, Any], message: str
) -> None:
    """The line names the key, where it came from and what is wrong; a secret's value is not shown."""
    monkeypatch.chdir(tmp_path)
    written(tmp_path, json.dumps(tree), "f.json")
    with pytest.raises(SettingsError) as error:
        bind(Model, [file_layer(Path("f.json"))])
    assert str(error.value) == message


@settings(deadline=None)
@given(st.text())
def test_text_in_a_message_is_always_one_short_line(text: str) -> None:
    """Nobody can forge lines in the log."""
    assert one_line(text).isprintable()
    assert len(one_line(text)) <= 100
