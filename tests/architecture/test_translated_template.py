"""What CloudFormation gets: the template as SAM's transform translates it, with what SAM adds by itself."""

from copy import deepcopy
from typing import Any

import pytest
from samtranslator.translator.transform import transform

from tools.template import read_template

_LOCAL = ("CodeUri", "ContentUri", "DefinitionUri")


class _NoManagedPolicies:
    """The template names none; loading them would ask IAM."""

    def load(self) -> dict[str, str]:
        return {}


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    patch = pytest.MonkeyPatch()
    patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    template = deepcopy(read_template())
    for resource in template["Resources"].values():
        for name in _LOCAL:
            if isinstance(resource.get("Properties", {}).get(name), str):
                resource["Properties"][name] = "s3://bucket/key"  # as `sam package` leaves it
    translated: dict[str, Any] = transform(template, {}, _NoManagedPolicies())
    patch.undo()
    return dict(translated["Resources"])


def properties_of(resources: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [resource["Properties"] for resource in resources.values() if resource["Type"] == kind]


def test_the_api_has_one_stage(resources):
    """A deployment that names a stage makes one, which has no settings: no throttle, and whatever logging is usual."""
    [stage] = properties_of(resources, "AWS::ApiGateway::Stage")
    [deployment] = properties_of(resources, "AWS::ApiGateway::Deployment")
    assert stage["StageName"] == "live"
    assert "StageName" not in deployment and "StageDescription" not in deployment


def test_every_method_of_it_is_throttled_and_logs_no_request(resources):
    [stage] = properties_of(resources, "AWS::ApiGateway::Stage")
    [settings] = stage["MethodSettings"]
    assert (settings["ResourcePath"], settings["HttpMethod"]) == ("/*", "*")
    assert settings["ThrottlingRateLimit"] == settings["ThrottlingBurstLimit"] == {"Ref": "RequestsPerSecond"}
    assert (settings["LoggingLevel"], settings["DataTraceEnabled"]) == ("OFF", False)


def test_an_api_with_a_domain_of_its_own_has_no_other_address(resources):
    [api] = properties_of(resources, "AWS::ApiGateway::RestApi")
    [server] = api["Body"]["servers"]
    switch = server["x-amazon-apigateway-endpoint-configuration"]["disableExecuteApiEndpoint"]
    assert switch == {"Fn::If": ["HasDomain", True, False]}
