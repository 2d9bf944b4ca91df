"""The schemas of a WSDL as a validator, so that answers can be checked against their own WSDL."""

from pathlib import Path

from lxml import etree

_S = "{http://www.w3.org/2001/XMLSchema}"


def validator(wsdl: bytes, folder: Path) -> etree.XMLSchema:
    """A validator of elements of any of the WSDL's namespaces. ``folder`` is for its schemas as files."""
    schemas = etree.fromstring(wsdl).findall(f".//{_S}schema")
    files = {schema.get("targetNamespace"): f"{number}.xsd" for number, schema in enumerate(schemas)}
    for schema in schemas:
        for imported in schema.findall(f"{_S}import"):
            if imported.get("namespace") in files:
                imported.set("schemaLocation", files[imported.get("namespace")])
        (folder / files[schema.get("targetNamespace")]).write_bytes(etree.tostring(schema))
    return etree.XMLSchema(etree.parse(folder / files[schemas[0].get("targetNamespace")]))
