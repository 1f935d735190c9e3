#!/usr/bin/env python3
"""Distils Twilio's OpenAPI document of Conversations into the facts that the simulator is checked against.

    distil.py DOCUMENT           writes twilio_conversations_v1.json beside this script
    distil.py --check DOCUMENT   writes nothing; exits with 1 and a diff when that file is out of date

The result holds what a program can check, and no prose: every operation with its parameters and replies, and every
schema that a reply has. Of the examples it takes only which fields are null in one: a schema that is a reference has no
place to say so. References are followed; what the document says in another way than this script
knows ends it with a word about where, since a fact that is passed over in silence is never checked.
"""

import argparse
import difflib
import json
import sys
from pathlib import Path

FACTS = Path(__file__).with_name("twilio_conversations_v1.json")
METHODS = ("get", "post", "put", "patch", "delete")
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
META = "meta"

# What a program can check about a value, in the order in which it is written down.
CHECKABLE = ("type", "format", "enum", "pattern", "minLength", "maxLength", "minimum", "maximum", "nullable")
# What is for people and for generators of client libraries.
PROSE = {"description", "title", "x-twilio", "default", "example"}


class Unknown(Exception):
    """The document says something that this script does not understand."""


class Distiller:
    def __init__(self, document):
        self.document = document
        self.schemas = {}
        self.seen_null = set()

    def facts(self):
        operations = {}
        for path, item in self.document["paths"].items():
            for method in METHODS:
                if method in item:
                    operation = item[method]
                    shared = item.get("parameters", [])
                    operations[operation["operationId"]] = self.operation(method, path, operation, shared)
        for name, field in self.seen_null:
            self.schemas[name][field]["nullable"] = True
        return {"operations": dict(sorted(operations.items())), "schemas": dict(sorted(self.schemas.items()))}

    def operation(self, method, path, operation, shared):
        parameters = [
            self.parameter(given["name"], given["in"], given.get("required", False), given["schema"])
            for given in shared + operation.get("parameters", [])
        ]
        if "requestBody" in operation:
            form = self.follow(only(operation["requestBody"]["content"], FORM)["schema"])
            required = form.get("required", [])
            parameters += [
                self.parameter(name, "form", name in required, schema)
                for name, schema in form.get("properties", {}).items()
            ]
        replies = {status: self.reply(path, reply) for status, reply in sorted(operation["responses"].items())}
        return {"method": method.upper(), "path": path, "parameters": parameters, "replies": replies}

    def parameter(self, name, place, required, schema):
        return {"name": name, "in": place} | ({"required": True} if required else {}) | self.value(name, schema)

    def reply(self, path, reply):
        """What the body of a reply is: nothing, one object, or a list in its envelope."""
        if "content" not in reply:
            return {}
        content = only(reply["content"], JSON)
        schema, examples = content["schema"], [example["value"] for example in content.get("examples", {}).values()]
        if "$ref" in schema:
            name = self.shared(schema["$ref"])
            self.look_for_nulls(name, examples)
            return {"schema": name}
        envelope = dict(schema["properties"])
        self.remember(META, envelope.pop(META, {}))
        if len(envelope) != 1:
            raise Unknown(f"{path}: a list of {sorted(envelope)}")
        ((key, items),) = envelope.items()
        name = self.shared(items["items"]["$ref"])
        self.look_for_nulls(name, [item for example in examples for item in example[key]])
        return {"list": key, "schema": name}

    def look_for_nulls(self, name, objects):
        self.seen_null.update((name, field) for item in objects for field, value in item.items() if value is None)

    def shared(self, reference):
        name = reference.rpartition("/")[2]
        self.remember(name, self.follow({"$ref": reference}))
        return name

    def remember(self, name, schema):
        if schema.get("type") != "object" or "properties" not in schema:
            raise Unknown(f"{name}: not an object with properties")
        fields = {field: self.value(field, value) for field, value in schema["properties"].items()}
        if self.schemas.setdefault(name, fields) != fields:
            raise Unknown(f"{name}: two schemas of that name")

    def value(self, where, schema):
        """The facts about one value."""
        schema = self.follow(schema)
        left_over = schema.keys() - set(CHECKABLE) - PROSE - {"items"}
        if left_over:
            raise Unknown(f"{where}: {sorted(left_over)}")
        facts = {key: schema[key] for key in CHECKABLE if key in schema}
        if "items" in schema:
            facts["items"] = self.value(where, schema["items"])
        return facts

    def follow(self, schema):
        while "$ref" in schema:
            node = self.document
            for step in schema["$ref"].removeprefix("#/").split("/"):
                node = node[step]
            schema = node
        return schema


def only(content, media_type):
    if list(content) != [media_type]:
        raise Unknown(f"{sorted(content)} where {media_type} is expected")
    return content[media_type]


def text(facts):
    """JSON with one operation or schema a line, so that a change of the document is a diff that can be read."""
    sections = []
    for name, entries in facts.items():
        lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(entry)}" for key, entry in entries.items())
        sections.append(f"{json.dumps(name)}: {{\n{lines}\n}}")
    return "{\n" + ",\n".join(sections) + "\n}\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("document", type=Path, metavar="DOCUMENT", help="twilio_conversations_v1.json of twilio-oai")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 when the facts are out of date")
    arguments = parser.parse_args()
    try:
        new = text(Distiller(json.loads(arguments.document.read_text(encoding="utf-8"))).facts())
    except (Unknown, KeyError) as problem:
        sys.exit(f"{arguments.document}: {type(problem).__name__}: {problem}")
    if not arguments.check:
        FACTS.write_text(new, encoding="utf-8")
        return
    old = FACTS.read_text(encoding="utf-8") if FACTS.exists() else ""
    if old != new:
        diff = difflib.unified_diff(old.splitlines(), new.splitlines(), "in the repository", "of the document", n=0, lineterm="")
        for line in diff:
            print(line if len(line) <= 200 else f"{line[:200]} …")
        sys.exit(f"{FACTS.name} is out of date: run {Path(__file__).name} {arguments.document}")


if __name__ == "__main__":
    main()
