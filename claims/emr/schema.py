"""The encounter document as a JSON Schema (draft 2020-12), made of the very types that read it.

Whatever is read follows the schema. The reverse holds as far as a schema can say it: it knows no
calendar, no duplicate keys and no control characters.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import TypeAdapter

from claims.emr.encounter import Encounter
from claims.emr.schema_of_scalars import SCALARS

Schema = dict[str, Any]

_ID: Final = "urn:ehoso:schema:encounter:1"
_NULL: Final[Schema] = {"type": "null"}
# Where a schema holds schemas by name.
_BY_NAME: Final = ("properties", "patternProperties", "$defs")


def encounter_schema() -> Schema:
    """Return the schema of the encounter document."""
    raw = TypeAdapter(Encounter).json_schema()
    definitions = {**raw.pop("$defs"), **dict(_scalars())}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": _ID,
        "title": "Encounter document, version 1",
        **_cleaned(raw),
        "$defs": {name: _cleaned(schema, name) for name, schema in sorted(definitions.items())},
    }


def _scalars() -> Iterator[tuple[str, Schema]]:
    for scalar in SCALARS:
        schema = dict(scalar.json_schema or {})
        yield schema["title"], schema


def _cleaned(schema: Schema, defined: str = "") -> Schema:
    """Name the scalars, drop made-up titles, close objects, and take null for what may be left out."""
    name = _scalar_name(schema)
    if name and name != defined:
        return {"$ref": f"#/$defs/{name}"}
    cleaned = {key: value for key, value in schema.items() if key != "title"}
    if cleaned.get("default", "") is None:
        del cleaned["default"]
    for key in _BY_NAME:
        if key in cleaned:
            cleaned[key] = {name: _cleaned(inner) for name, inner in cleaned[key].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(cleaned.get(key), dict):
            cleaned[key] = _cleaned(cleaned[key])
    if "anyOf" in cleaned:
        cleaned |= _any_of([_cleaned(inner) for inner in cleaned.pop("anyOf")])
    return _with_nulls(cleaned)


def _any_of(alternatives: list[Schema]) -> Schema:
    """Write bare types as a list of types."""
    if all(set(each) == {"type"} for each in alternatives):
        return {"type": [each["type"] for each in alternatives]}
    return {"anyOf": alternatives}


def _scalar_name(schema: Mapping[str, Any]) -> str | None:
    known = {scalar["description"]: name for name, scalar in _scalars()}
    return known.get(schema.get("description", ""))


def _with_nulls(schema: Schema) -> Schema:
    """Take null where it says the same as an absent key."""
    required = schema.get("required", ())
    if "properties" in schema:
        properties = schema["properties"].items()
        schema["properties"] = {
            name: inner if name in required else _or_null(inner) for name, inner in properties
        }
    if "patternProperties" in schema:
        patterns = schema["patternProperties"].items()
        schema["patternProperties"] = {pattern: _or_null(inner) for pattern, inner in patterns}
        schema["additionalProperties"] = False
    elif isinstance(schema.get("additionalProperties"), dict):
        schema["additionalProperties"] = _or_null(schema["additionalProperties"])
    return schema


def _or_null(schema: Schema) -> Schema:
    if _NULL in schema.get("anyOf", ()) or "null" in schema.get("type", ()):
        return schema
    default = {"default": schema.pop("default")} if "default" in schema else {}
    alternatives = schema["anyOf"] if set(schema) == {"anyOf"} else [schema]
    return {**_any_of([*alternatives, _NULL]), **default}
