"""What CloudFormation is given to take over the tables, keys and buckets that a deleted or lost stack has left.

python -m tools.retained template                      # a template of nothing but these resources
python -m tools.retained resources CallsTable=…  …     # which existing one is which, for --resources-to-import

A stack that is created by import may have no other resource; `sam deploy` of the whole template adds the rest.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/resource-import-new-stack.html
"""

import argparse
import json
import sys
from collections.abc import Mapping
from typing import Any

from tools.template import read_template

# The identifiers by which these types are imported.
_IDENTIFIER = {"AWS::DynamoDB::Table": "TableName", "AWS::KMS::Key": "KeyId", "AWS::S3::Bucket": "BucketName"}


def retained(template: Mapping[str, Any]) -> dict[str, Any]:
    """The template's resources that outlive their stack, with the parameters that they use."""
    resources = {name: each for name, each in template["Resources"].items() if each["Type"] in _IDENTIFIER}
    text = json.dumps(resources)
    parameters = {name: each for name, each in template["Parameters"].items() if json.dumps({"Ref": name}) in text}
    return {
        "AWSTemplateFormatVersion": template["AWSTemplateFormatVersion"],
        "Parameters": parameters,
        "Resources": resources,
    }


def to_import(template: Mapping[str, Any], existing: Mapping[str, str]) -> list[dict[str, Any]]:
    """`existing`: name or id of each resource by its logical id.

    Raises:
        ValueError: one is missing, or is none of these resources.
    """
    resources = retained(template)["Resources"]
    if missing := sorted(resources.keys() - existing.keys()):
        raise ValueError(f"missing: {', '.join(missing)}")
    if unknown := sorted(existing.keys() - resources.keys()):
        raise ValueError(f"not among those that are imported: {', '.join(unknown)}")
    return [
        {
            "ResourceType": each["Type"],
            "LogicalResourceId": name,
            "ResourceIdentifier": {_IDENTIFIER[each["Type"]]: existing[name]},
        }
        for name, each in resources.items()
    ]


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.retained")
    parser.add_argument("what", choices=["template", "resources"])
    parser.add_argument("existing", nargs="*", metavar="LogicalId=name")
    given = parser.parse_args(arguments)
    if given.what == "template":
        print(json.dumps(retained(read_template()), indent=2))
        return
    if wrong := [pair for pair in given.existing if "=" not in pair]:
        parser.error(f"{wrong[0]}: write it as LogicalId=name")
    try:
        imported = to_import(read_template(), dict(pair.split("=", 1) for pair in given.existing))
    except ValueError as error:
        parser.error(str(error))
    print(json.dumps(imported, indent=2))


if __name__ == "__main__":
    main(sys.argv[1:])
