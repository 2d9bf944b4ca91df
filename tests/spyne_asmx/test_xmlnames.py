"""Names that XML does not allow are written as .NET's XmlConvert.EncodeLocalName writes them."""

import pytest
from lxml import etree

from spyne_asmx.xmlnames import xml_name


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Name", "Name"),
        ("_a-b.c9", "_a-b.c9"),
        ("größe", "größe"),
        ("First Name", "First_x0020_Name"),
        ("2nd", "_x0032_nd"),
        ("-a", "_x002D_a"),
        ("a:b", "a_x003A_b"),
        ("a\U0010ffffb", "a_x0010FFFF_b"),
        ("First_x0020_Name", "First_x0020_Name"),
        ("<&>", "_x003C__x0026__x003E_"),
    ],
)
def test_a_name_is_written_as_one_that_xml_allows(name: str, written: str) -> None:
    assert xml_name(name) == written
    assert etree.fromstring(f"<{written}/>").tag == written
