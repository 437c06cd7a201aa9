"""The settings of single methods of a stage, as a template has them.

AWS: in a ResourcePath each slash but the first is written ~1; one that has another slash is refused.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-apigateway-stage-methodsetting.html

MiniStack: takes the path as it is written, so that the throttle of a method whose path is written as on AWS has no
effect.
"""

from __future__ import annotations

from typing import Any

from lab.aws.ministack import ministack

_ALL = "/*"


def _decoded(path: str) -> str:
    """Raises ValueError: AWS would refuse it."""
    if path in (_ALL, "/"):
        return path
    if not path.startswith("/~1") or "/" in path[1:]:
        raise ValueError(f"Invalid method setting path: {path}")
    return path[1:].replace("~1", "/")


def _settings(stock: Any) -> Any:
    def settings(raw: Any) -> Any:
        if isinstance(raw, list):
            raw = [{**each, "ResourcePath": _decoded(each.get("ResourcePath", _ALL))} for each in raw]
        return stock(raw)

    return settings


def apply() -> None:
    """Read the paths of a template's MethodSettings as AWS does."""
    provisioners = ministack("services.cloudformation.provisioners")
    provisioners._apigw_method_settings = _settings(provisioners._apigw_method_settings)
