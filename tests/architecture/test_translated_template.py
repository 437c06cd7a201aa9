"""What CloudFormation gets: the template as SAM's transform translates it, with what SAM adds by itself."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.architecture.translated import created, names_in, translated
from tools.template import functions, read_template

_TEMPLATE = read_template()
_FUNCTIONS = [*functions(_TEMPLATE)]


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    return dict(translated()["Resources"])


def properties_of(resources: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [resource["Properties"] for resource in resources.values() if resource["Type"] == kind]


def test_the_api_has_one_stage(resources):
    """A deployment that names a stage makes one, which has no settings: no throttle, and whatever logging is usual."""
    [stage] = properties_of(resources, "AWS::ApiGateway::Stage")
    [deployment] = properties_of(resources, "AWS::ApiGateway::Deployment")
    assert stage["StageName"] == "live"
    assert "StageName" not in deployment and "StageDescription" not in deployment


# What anybody may ask: their functions check no app's credentials before they work.
_OPEN_TO_ALL = {"SessionsFunction", "RecordingsApiFunction"}


def test_every_method_of_it_is_throttled_and_logs_no_request(resources):
    """One that anybody may ask has a limit of its own: settings of a method replace those of all methods."""
    [stage] = properties_of(resources, "AWS::ApiGateway::Stage")
    every, *others = stage["MethodSettings"]
    assert (every["ResourcePath"], every["HttpMethod"]) == ("/*", "*")
    own = [(each["HttpMethod"], each["ResourcePath"].removeprefix("/").replace("~1", "/")) for each in others]
    open_to_all = [
        (event["Properties"]["Method"].upper(), event["Properties"]["Path"])
        for function in functions(_TEMPLATE)
        if function.logical_id in _OPEN_TO_ALL
        for event in function.properties["Events"].values()
    ]
    assert sorted(own) == sorted(open_to_all)
    for settings, limit in ((every, "RequestsPerSecond"), *((each, "OpenRequestsPerSecond") for each in others)):
        assert settings["ThrottlingRateLimit"] == settings["ThrottlingBurstLimit"] == {"Ref": limit}
        assert (settings["LoggingLevel"], settings["DataTraceEnabled"]) == ("OFF", False)
        assert settings["MetricsEnabled"] is True


def test_requests_of_one_address_are_limited_unless_the_operator_leaves_that_out(resources):
    """So that one client cannot use up a method's limit: it has at most half of it."""
    [acl] = properties_of(resources, "AWS::WAFv2::WebACL")
    [association] = properties_of(resources, "AWS::WAFv2::WebACLAssociation")
    [rule] = acl["Rules"]
    rate = rule["Statement"]["RateBasedStatement"]
    assert (acl["Scope"], acl["DefaultAction"]) == ("REGIONAL", {"Allow": {}})
    assert (rate["AggregateKeyType"], rate["Limit"]) == ("IP", {"Ref": "RequestsPerMinuteAndAddress"})
    default = {name: _TEMPLATE["Parameters"][name]["Default"] for name in ("RequestsPerSecond", rate["Limit"]["Ref"])}
    a_second = default["RequestsPerMinuteAndAddress"] / rate["EvaluationWindowSec"]
    assert a_second <= default["RequestsPerSecond"] / 2
    arn = association["ResourceArn"]["Fn::Sub"].partition(":apigateway:")[2]
    [stage] = [name for name, each in resources.items() if each["Type"] == "AWS::ApiGateway::Stage"]
    assert arn == f"${{AWS::Region}}::/restapis/${{Api}}/stages/${{{stage}}}"

    blocked = rule["Action"]["Block"]["CustomResponse"]
    throttled = _TEMPLATE["Resources"]["Api"]["Properties"]["GatewayResponses"]["THROTTLED"]
    body = acl["CustomResponseBodies"][blocked["CustomResponseBodyKey"]]
    assert body == {
        "ContentType": "APPLICATION_JSON",
        "Content": throttled["ResponseTemplates"]["application/json"],
    }
    [retry_after] = throttled["ResponseParameters"]["Headers"].items()
    said = [(each["Name"], f"'{each['Value']}'") for each in blocked["ResponseHeaders"]]
    assert (str(blocked["ResponseCode"]), said) == (throttled["StatusCode"], [retry_after])
    for each in (acl, rule):
        assert each["VisibilityConfig"]["SampledRequestsEnabled"] is False, "samples hold tokens and passwords"

    without = created(RequestsPerMinuteAndAddress="0")["Resources"]
    assert not properties_of(without, "AWS::WAFv2::WebACL") + properties_of(without, "AWS::WAFv2::WebACLAssociation")


def test_an_api_with_a_domain_of_its_own_has_no_other_address(resources):
    [api] = properties_of(resources, "AWS::ApiGateway::RestApi")
    [server] = api["Body"]["servers"]
    switch = server["x-amazon-apigateway-endpoint-configuration"]["disableExecuteApiEndpoint"]
    assert switch == {"Fn::If": ["HasDomain", True, False]}


def test_a_domain_refuses_the_versions_of_tls_that_are_broken(resources):
    """TLS 1.0 and 1.1; the login sends a password."""
    [domain] = properties_of(resources, "AWS::ApiGateway::DomainName")
    assert domain["SecurityPolicy"] == "TLS_1_2"


def test_a_domain_says_where_its_name_must_point():
    said = created(DomainName="api.example.com", CertificateArn="arn:aws:acm:us-east-1:111122223333:certificate/1")
    outputs = {name: each["Value"] for name, each in said["Outputs"].items() if name.startswith("ApiDomain")}
    assert outputs == {
        "ApiDomainTarget": {"Fn::GetAtt": ["ApiDomain", "RegionalDomainName"]},
        "ApiDomainZone": {"Fn::GetAtt": ["ApiDomain", "RegionalHostedZoneId"]},
    }
    assert not outputs.keys() & created()["Outputs"].keys()


def test_each_function_writes_to_a_log_group_whose_entries_end(resources):
    """Without a group of ours Lambda makes one, whose entries are kept for ever."""
    groups = {name for name, each in resources.items() if each["Type"] == "AWS::Logs::LogGroup"}
    for group in groups:
        assert resources[group]["Properties"]["RetentionInDays"] == {"Ref": "KeepLogsDays"}
    logs = {function.folder: resources[function.logical_id]["Properties"] for function in functions(_TEMPLATE)}
    of_function = {folder: properties["LoggingConfig"]["LogGroup"]["Ref"] for folder, properties in logs.items()}
    assert sorted(of_function.values()) == sorted(groups - {"ApiLog"})
    for folder, group in of_function.items():
        name = resources[group]["Properties"]["LogGroupName"]["Fn::Sub"]
        assert name == f"/duologue/${{AWS::StackName}}/{folder}"
    assert not properties_of(resources, "AWS::StepFunctions::StateMachine")[0].get("LoggingConfiguration")


def test_the_saved_query_reads_the_logs_of_all_functions():
    resources = created()["Resources"]
    [query] = properties_of(resources, "AWS::Logs::QueryDefinition")
    asked = {each["Ref"] for each in query["LogGroupNames"]}
    assert asked == {
        resources[each.logical_id]["Properties"]["LoggingConfig"]["LogGroup"]["Ref"] for each in _FUNCTIONS
    }


def test_tracing_and_its_permissions_are_there_only_if_asked_for():
    """Of functions, the state machine and the API. A change of the parameter makes new versions of functions."""
    off, on = created()["Resources"], created(Tracing="Active")["Resources"]
    assert not any(word in json.dumps(off) for word in ("xray", "XRay", "TracingConfig", "TracingEnabled"))
    for function in _FUNCTIONS:
        assert on[function.logical_id]["Properties"]["TracingConfig"] == {"Mode": {"Ref": "Tracing"}}
        managed = on[f"{function.logical_id}Role"]["Properties"]["ManagedPolicyArns"]
        assert "arn:aws:iam::aws:policy/AWSXrayWriteOnlyAccess" in managed
    assert on["CallbackFlow"]["Properties"]["TracingConfiguration"] == {"Enabled": True}
    actions = [each["Action"] for each in _statements_in(on["CallbackFlowRole"]["Properties"])]
    assert [*_TRACING] in actions
    assert properties_of(on, "AWS::ApiGateway::Stage")[0]["TracingEnabled"] is True
    assert not {*_versions({"Resources": off}).values()} & {*_versions({"Resources": on}).values()}


def test_the_log_of_the_api_is_optional_and_has_no_path_and_no_query():
    """Both have tokens; $context.resourcePath is the route's own text."""
    without, made = created()["Resources"], created(AccessLog="true")["Resources"]
    assert "ApiLog" not in without
    assert "AccessLogSetting" not in properties_of(without, "AWS::ApiGateway::Stage")[0]
    [stage] = properties_of(made, "AWS::ApiGateway::Stage")
    assert stage["AccessLogSetting"]["DestinationArn"] == {"Fn::GetAtt": ["ApiLog", "Arn"]}
    assert json.loads(stage["AccessLogSetting"]["Format"]) == {
        "requestId": "$context.requestId",
        "httpMethod": "$context.httpMethod",
        "resourcePath": "$context.resourcePath",
        "status": "$context.status",
        "responseLatency": "$context.responseLatency",
        "sourceIp": "$context.identity.sourceIp",
        "errorType": "$context.error.responseType",
    }


def test_what_the_runtime_brings_changes_with_a_deployment_only(resources):
    """boto3 is not in the layers: AWS would update it under live calls."""
    for function in functions(_TEMPLATE):
        config = resources[function.logical_id]["Properties"]["RuntimeManagementConfig"]
        assert config == {"UpdateRuntimeOn": "FunctionUpdate"}


_TRACING = (
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
)

# What may be done to anything, or may be anything, with the reason.
_WILDCARDS = {
    ("kms:*", "*"): "the policy of a key, where * is that key; the account decides by IAM, as for every key",
    ("s3:*", "Deny"): "requests without TLS",
    ("ec2:*", "Deny"): "what SAM allows a role because of its VpcConfig",
    ("states:SendTaskSuccess", "*"): "the task token authorizes; the action has no narrower resource",
    ("states:SendTaskFailure", "*"): "the task token authorizes; the action has no narrower resource",
    **{(action, "*"): "X-Ray has no narrower resource; only with Tracing" for action in _TRACING},
}
_BEFORE_THEY_EXIST = {
    "chime": "most of these have no ARN before they exist",
    "logs": "the delivery of logs has no ARN: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/"
    "AWS-logs-and-resource-policy.html",
}


def test_no_statement_allows_everything_but_for_a_reason(resources):
    """An action with an asterisk, or on every resource. SAM's managed policies are checked by name, above."""
    found, of_provisioning = set(), set()
    for name, resource in resources.items():
        for statement in _statements_in(resource["Properties"]):
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            wide = [each for each in actions if "*" in each or statement.get("Resource") == "*"]
            if name == "ProvisionPstnFunctionRole":
                of_provisioning |= {each.partition(":")[0] for each in wide}
                assert not any("*" in each for each in wide)
            else:
                what = "Deny" if statement["Effect"] == "Deny" else statement["Resource"]
                found |= {(each, what) for each in wide}
    assert found == _WILDCARDS.keys()
    assert of_provisioning == _BEFORE_THEY_EXIST.keys()


def _statements_in(value: Any) -> list[dict[str, Any]]:
    """Every statement of every policy in a resource, but of who may assume a role."""
    match value:
        case {"Effect": _, "Action": action} if action != ["sts:AssumeRole"]:
            return [value]
        case dict():
            return _statements_in(list(value.values()))
        case list():
            return [statement for each in value for statement in _statements_in(each)]
    return []


# What SAM makes of the resources that the template has. Anything else was asked for by nobody.
_MADE_BY_SAM = {
    "AWS::ApiGateway::Deployment",
    "AWS::ApiGateway::Stage",
    "AWS::Events::Rule",
    "AWS::IAM::Role",
    "AWS::Lambda::Alias",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::LayerVersion",
    "AWS::Lambda::Permission",
    "AWS::Lambda::Version",
}
_MANAGED = "arn:aws:iam::aws:policy/service-role/"
_MANAGED_FOR = {"SQS": "AWSLambdaSQSQueueExecutionRole", "DynamoDB": "AWSLambdaDynamoDBExecutionRole"}


def test_sam_adds_what_is_known_and_no_more(resources):
    added = {name: resources[name]["Type"] for name in resources.keys() - _TEMPLATE["Resources"].keys()}
    assert {name for name, kind in added.items() if kind not in _MADE_BY_SAM} == set()
    written = tuple(_TEMPLATE["Resources"])
    assert {name for name in added if not name.startswith(written)} == set()
    events = [event for function in functions(_TEMPLATE) for event in function.properties.get("Events", {}).values()]
    kinds = list(added.values())
    assert kinds.count("AWS::Lambda::EventSourceMapping") == sum(each["Type"] in _MANAGED_FOR for each in events)
    assert kinds.count("AWS::Lambda::Permission") == sum(each["Type"] not in _MANAGED_FOR for each in events)


def test_each_permission_to_invoke_says_for_whom(resources):
    """A service alone is no answer: it acts for every account. A route's permission is for that route's method."""
    routes = {
        (function.logical_id, f"{event['Properties']['Method'].upper()}{event['Properties']['Path']}")
        for function in functions(_TEMPLATE)
        for event in function.properties.get("Events", {}).values()
        if event["Type"] == "Api"
    }
    allowed = set()
    for permission in properties_of(resources, "AWS::Lambda::Permission"):
        assert permission["Action"] == "lambda:InvokeFunction"
        assert permission["Principal"].endswith(".amazonaws.com")
        if permission["Principal"] != "apigateway.amazonaws.com":
            assert permission.get("SourceArn") or permission.get("SourceAccount"), permission
            continue
        text, names = permission["SourceArn"]["Fn::Sub"]
        assert names == {"__ApiId__": {"Ref": "Api"}, "__Stage__": "*"}
        api, _, route = text.partition("${__ApiId__}/${__Stage__}/")
        assert api == "arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:"
        allowed.add((permission["FunctionName"]["Ref"].removesuffix("Aliaslive"), route))
    assert allowed == {(function, re.sub(r"\{\w+\}", "*", route)) for function, route in routes}


def test_sam_adds_to_a_role_what_its_events_need(resources):
    """Beside what the template says: logs, the reading of its source, and where its failures go."""
    for function in functions(_TEMPLATE):
        role = resources[f"{function.logical_id}Role"]["Properties"]
        events = function.properties.get("Events", {}).values()
        managed = {_MANAGED_FOR[event["Type"]] for event in events if event["Type"] in _MANAGED_FOR}
        managed |= {"AWSLambdaBasicExecutionRole"}
        if "VpcConfig" in function.properties:
            managed |= {"AWSLambdaVPCAccessExecutionRole"}
            assert {"Ref": f"{function.logical_id}Role"} in resources["CodeManagesNoInterfaces"]["Properties"]["Roles"]
        assert set(role["ManagedPolicyArns"]) == {_MANAGED + each for each in managed}
        configs = [event["Properties"] for event in events]
        failures = [
            each["DestinationConfig"]["OnFailure"]["Destination"] for each in configs if "DestinationConfig" in each
        ]
        statements = [statement for policy in role["Policies"] for statement in policy["PolicyDocument"]["Statement"]]
        own = _of_aliases([each for policy in function.properties["Policies"] for each in policy["Statement"]])
        sends = [{"Action": "sqs:SendMessage", "Effect": "Allow", "Resource": queue} for queue in failures]
        assert [each for each in statements if each not in own] == sends


def test_whoever_invokes_a_function_asks_for_its_alias(resources):
    """The network, the API, queues, the stream, rules, the state machine. Only CloudFormation asks for a function."""
    names = {function.logical_id for function in functions(_TEMPLATE)}
    aliases = {f"{name}Aliaslive": name for name in names}
    for alias, name in aliases.items():
        properties = resources[alias]["Properties"]
        assert (properties["Name"], properties["FunctionName"]) == ("live", {"Ref": name})
        [version, attribute] = properties["FunctionVersion"]["Fn::GetAtt"]
        assert attribute == "Version" and resources[version]["Properties"]["FunctionName"] == {"Ref": name}

    invoked: set[str] = set()
    for kind, way in _INVOKES.items():
        for properties in properties_of(resources, kind):
            invoked |= {each for each in names_in(way(properties)) if each.startswith(tuple(names))}
    assert invoked - aliases.keys() == {"ProvisionPstnFunction"}
    assert aliases.keys() - invoked == {"ProvisionPstnFunctionAliaslive"}


_INVOKES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "AWS::ApiGateway::RestApi": lambda api: api["Body"],
    "AWS::Events::Rule": lambda rule: rule["Targets"],
    "AWS::Lambda::EventSourceMapping": lambda mapping: mapping["FunctionName"],
    "AWS::Lambda::Permission": lambda permission: permission["FunctionName"],
    "AWS::StepFunctions::StateMachine": lambda machine: machine["DefinitionSubstitutions"],
    "Custom::PstnLine": lambda line: line,
}


def test_a_canary_is_off_until_it_is_asked_for(resources):
    assert not properties_of(resources, "AWS::CodeDeploy::DeploymentGroup")
    assert not any("UpdatePolicy" in each for each in resources.values())


def test_a_canary_is_withdrawn_if_a_function_fails():
    made = created(CanaryUpdates="true")["Resources"]
    groups = properties_of(made, "AWS::CodeDeploy::DeploymentGroup")
    shifted = {name for name, each in made.items() if "UpdatePolicy" in each}
    assert shifted == {f"{each.logical_id}Aliaslive" for each in functions(_TEMPLATE)} - {
        "ProvisionPstnFunctionAliaslive"
    }
    assert len(groups) == len(shifted)
    for group in groups:
        assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
        names = [each["Name"] for each in group["AlarmConfiguration"]["Alarms"]]
        alarms = {name for name, each in made.items() if each["Properties"].get("AlarmName") in names}
        assert alarms == {"UnexpectedAlarm", "FunctionErrorsAlarm", "RequestErrorsAlarm", "FlowsFailedAlarm"}
        assert len(names) == len(alarms)
    assert [name for name in made if name in _before(made, name)] == []


def _versions(template: dict[str, Any]) -> dict[str, str]:
    return {
        each["Properties"]["FunctionName"]["Ref"]: name
        for name, each in template["Resources"].items()
        if each["Type"] == "AWS::Lambda::Version"
    }


@pytest.mark.parametrize("layer", ["CoreLayer", "DependenciesLayer"])
def test_a_new_layer_makes_a_new_version_of_each_function(resources, layer: str):
    """Handlers rarely change; what they import does. Without a new version, callers would stay with the old layer."""
    before, after = _versions({"Resources": resources}), _versions(translated(changed=layer))
    assert before.keys() == after.keys() == {function.logical_id for function in functions(_TEMPLATE)}
    assert [name for name in before if before[name] == after[name]] == []


def test_a_parameter_with_another_value_makes_a_new_version_of_each_function_that_has_it(resources):
    """A changed description replaces the version; SAM's hash has only the names of parameters.

    Of a function that has not changed Lambda publishes no version, which fails the update: so it has no others.
    """
    for name, version in _versions({"Resources": resources}).items():
        described = resources[version]["Properties"]["Description"]
        unversioned = {"ReservedConcurrentExecutions"}
        settings = {key: each for key, each in resources[name]["Properties"].items() if key not in unversioned}
        assert _parameters(described) == _parameters(settings), name
        # Lambda takes 256 characters.
        assert sum(_longest(each) + 1 for each in _parameters(described) - {"DomainName"}) <= 256, name


def _parameters(value: Any) -> set[str]:
    return {name for name in names_in(value) if name in _TEMPLATE["Parameters"]}


def _longest(name: str) -> int:
    """A parameter's longest value. DomainName and ApiAddress are not both in use, and no number has over 5 digits."""
    parameter = _TEMPLATE["Parameters"][name]
    allowed = [len(each) for each in parameter.get("AllowedValues", [])]
    most = len(str(parameter.get("MaxValue", 99_999)))
    return most if parameter["Type"] == "Number" else max(allowed, default=0) or int(parameter["MaxLength"])


def test_an_update_lets_the_network_in_before_it_sends_the_network_there(resources):
    assert "NetworkMayCallUs" in _before(resources, "PstnLine")


def _of_aliases(value: Any) -> Any:
    """What SAM makes of a reference to a function's alias."""
    match value:
        case {"Ref": str(name)} if name.endswith(".Alias"):
            return {"Ref": name.replace(".Alias", "Aliaslive")}
        case dict():
            return {key: _of_aliases(each) for key, each in value.items()}
        case list():
            return [_of_aliases(each) for each in value]
    return value


def test_an_update_lets_through_the_items_of_calls_before_it_writes_them(resources):
    """What a stream's filter has dropped is not told again."""
    assert "OutboxFunctionStream" in _before(resources, "CallControlFunction")
    assert "CallControlFunction" in _before(resources, "FlowFunction")


def test_no_resource_waits_for_itself(resources):
    """CloudFormation refuses a circle; so does no linter that sees the template before SAM has translated it."""
    assert [name for name in resources if name in _before(resources, name)] == []


def _before(resources: dict[str, Any], name: str) -> set[str]:
    """The resources that CloudFormation updates before this one."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        new = {each for each in names_in(resources[waiting.pop()]) if each in resources} - found
        found |= new
        waiting += new
    return found
