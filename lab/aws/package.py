"""Packages template.yaml: uploads what its local paths refer to into the local S3.

It packages the same resources and properties as `sam package`; the rest of the template stays unchanged.
https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-cli-command-reference-sam-package.html
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from lab.aws.layers import built_layer

_EPOCH = (1980, 1, 1, 0, 0, 0)
_SHORT_FORMS = ("Ref", "Condition")

Upload = Callable[[str, bytes], str]
"""(file name suffix, content) → the key under which it is stored."""


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms (`!Sub` → `{"Fn::Sub": …}`)."""


def _short_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    if suffix in _SHORT_FORMS:
        return {suffix: value}
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _short_form)
_Loader.yaml_implicit_resolvers = {  # a date such as 2012-10-17 is a policy version, not a date
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read(template: Path) -> dict[str, Any]:
    """The template with its short forms expanded."""
    loaded: dict[str, Any] = yaml.load(template.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a safe loader, with tags
    return loaded


def zipped(root: Path) -> bytes:
    """A directory as a zip file whose bytes depend only on its content."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as package:
        for path in sorted(path for path in root.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(str(path.relative_to(root)), _EPOCH)
            entry.external_attr, entry.compress_type = 0o644 << 16, zipfile.ZIP_DEFLATED
            package.writestr(entry, path.read_bytes(), compresslevel=1)
    return buffer.getvalue()


def _source_zip(root: Path) -> bytes:
    """A function's folder, without this interpreter's bytecode."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as package:
        for path in sorted(path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
            package.writestr(zipfile.ZipInfo(str(path.relative_to(root)), _EPOCH), path.read_bytes())
    return buffer.getvalue()


class Packager:
    """Uploads what a template's local paths refer to.

    Args:
        root: the directory to which the template's paths are relative.
        cache: directory for built layers.
        bucket: the bucket name for the template.
        upload: stores a file.
    """

    def __init__(self, root: Path, cache: Path, bucket: str, upload: Upload) -> None:
        self._root, self._cache, self._bucket, self._upload = root, cache, bucket, upload

    def package(self, template: dict[str, Any]) -> dict[str, Any]:
        """The template with every local path replaced; the argument is not changed."""
        packaged: dict[str, Any] = json.loads(json.dumps(template))
        common = (packaged.get("Globals") or {}).get("Function") or {}
        for resource in packaged["Resources"].values():
            properties = resource.setdefault("Properties", {})
            match resource["Type"]:
                case "AWS::Serverless::Function":
                    code = properties.get("CodeUri", common.get("CodeUri"))
                    if isinstance(code, str) and "InlineCode" not in properties:
                        properties["CodeUri"] = self._place(".zip", _source_zip(self._root / code))
                case "AWS::Lambda::Function":
                    if isinstance(properties.get("Code"), str):
                        place = self._place(".zip", _source_zip(self._root / properties["Code"]))
                        properties["Code"] = {"S3Bucket": place["Bucket"], "S3Key": place["Key"]}
                case "AWS::Serverless::LayerVersion":
                    self._layer(resource, "ContentUri")
                case "AWS::Serverless::StateMachine":
                    if isinstance(properties.get("DefinitionUri"), str):
                        text = (self._root / properties["DefinitionUri"]).read_text(encoding="utf-8")
                        definition = json.dumps(yaml.safe_load(text))
                        properties["DefinitionUri"] = self._place(".asl.json", definition.encode())
                case "AWS::Serverless::Api":
                    if isinstance(properties.get("DefinitionUri"), str):
                        properties["DefinitionBody"] = read(self._root / properties.pop("DefinitionUri"))
        common.pop("CodeUri", None)
        return packaged

    def _layer(self, resource: dict[str, Any], field: str) -> None:
        content = resource["Properties"].get(field)
        if not isinstance(content, str):
            return
        source = self._root / content
        if (resource.get("Metadata") or {}).get("BuildMethod"):
            source = built_layer(source, self._cache)
        resource["Properties"][field] = self._place(".zip", zipped(source))

    def _place(self, suffix: str, content: bytes) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": self._upload(suffix, content)}


def key_of(suffix: str, content: bytes) -> str:
    """The key of a file: a hash of its content, so that unchanged files are not deployed again."""
    return hashlib.sha256(content).hexdigest()[:32] + suffix
