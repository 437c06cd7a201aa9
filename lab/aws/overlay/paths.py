"""A path without a value is an error, not null.

AWS: a reference in Parameters that is not in the input fails the execution with `States.Runtime` ("The JSONPath '$.x'
specified for the field 'x.$' could not be found in the input").
https://docs.aws.amazon.com/step-functions/latest/dg/input-output-inputpath-params.html

MiniStack: gives null.

Choice states and intrinsic functions, which the product has not, keep MiniStack's own behaviour.
"""

from __future__ import annotations

from typing import Any

from lab.aws.ministack import ministack


def present(path: str, data: Any, ctx: dict[str, Any] | None = None) -> bool:
    """Whether a reference path (`$.a.b[0]`, `$$.Execution.Id`) has a value; wildcards and filters always do."""
    sf = ministack("services.stepfunctions")
    current, path = (ctx or {}, path[1:]) if path.startswith("$$") else (data, path)
    if path in {"", "$"}:
        return True
    tokens = sf._parse_jsonpath_tokens(path)
    if tokens is None:
        return True
    for kind, name in tokens:
        in_object = kind == "field" and isinstance(current, dict) and name in current
        in_list = kind == "index" and isinstance(current, list) and -len(current) <= name < len(current)
        if not in_object and not in_list:
            return kind not in {"field", "index"}
        current = current[name]
    return True


def _parameters(stock: Any) -> Any:
    def resolve(template: Any, data: Any, ctx: dict[str, Any] | None = None) -> Any:
        sf = ministack("services.stepfunctions")
        for key, path in template.items() if isinstance(template, dict) else ():
            if not (key.endswith(".$") and isinstance(path, str) and path.startswith("$")):
                continue
            if not present(path, data, ctx):
                cause = f"The JSONPath '{path}' specified for the field '{key}' could not be found in the input"
                raise sf._ExecutionError("States.Runtime", cause)
        return stock(template, data, ctx)

    return resolve


def apply() -> None:
    """Add the check to Parameters and ResultSelector."""
    sf = ministack("services.stepfunctions")
    sf._resolve_params_obj = _parameters(sf._resolve_params_obj)
