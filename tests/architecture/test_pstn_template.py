"""pstn.yaml, the stack of nodes and edges: who reaches what, what its roles may do, that it fits what runs on it."""

import ast
import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import fields
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore import xform_name

from pstn.edge.render import Place
from pstn.host import edge_metrics, lifecycle, machine
from pstn.node import metrics as node_metrics
from pstn.node.settings import NodeSettings, variable_of
from tests.architecture.reach import reach
from tests.architecture.translated import created_of, names_in
from tests.architecture.tree import ROOT, modules
from tools.template import functions, read_template

_TEMPLATE = read_template(ROOT / "pstn.yaml")
_RESOURCES: dict[str, dict[str, Any]] = _TEMPLATE["Resources"]
_PLATFORM = read_template()
_ALARMS = {name: each["Properties"] for name, each in _RESOURCES.items() if each["Type"] == "AWS::CloudWatch::Alarm"}
_CALL_CONTROL = "arn:aws:lambda:us-east-1:111122223333:function:call-control:live"
_WHOLE = {"CallControlArn": _CALL_CONTROL, "TrunkSecret": "arn:aws:secretsmanager:us-east-1:111122223333:secret:trunks"}


def of(kind: str) -> dict[str, dict[str, Any]]:
    found = {name: each["Properties"] for name, each in _RESOURCES.items() if each["Type"] == kind}
    assert found, f"pstn.yaml has none of {kind}"
    return found


# ---- Network


def _rules(direction: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Group and rule, of those in groups and of those that are resources of their own."""
    for name, group in of("AWS::EC2::SecurityGroup").items():
        assert "SecurityGroupEgress" in group, f"{name}: without one, CloudFormation allows everything"
        yield from ((name, rule) for rule in group.get(f"SecurityGroup{direction}", []))
    for rule in of(f"AWS::EC2::SecurityGroup{direction}").values():
        yield rule["GroupId"]["Ref"], rule


def _ports(rule: dict[str, Any]) -> tuple[Any, Any, Any]:
    return rule["IpProtocol"], *(
        port["Ref"] if isinstance(port, dict) else port for port in (rule["FromPort"], rule["ToPort"])
    )


def test_only_trunks_reach_anything_from_outside_and_only_sip_and_rtp_of_edges():
    by_peer: dict[str, set[tuple[str, Any]]] = {}
    for group, rule in _rules("Ingress"):
        assert not {"CidrIp", "CidrIpv6"} & rule.keys(), (group, rule)
        peer = rule.get("SourceSecurityGroupId") or rule["SourcePrefixListId"]
        by_peer.setdefault(peer["Ref"], set()).add((group, _ports(rule)))
    assert by_peer == {
        "TrunkPrefixList": {
            ("EdgeSecurityGroup", ("udp", "SipPort", "SipPort")),
            ("EdgeSecurityGroup", ("tcp", "SipPort", "SipPort")),
            ("EdgeSecurityGroup", ("tcp", "TlsPort", "TlsPort")),
            ("EdgeSecurityGroup", ("udp", "FirstRtpPort", "LastRtpPort")),
        },
        "FunctionSecurityGroup": {
            ("NodeSecurityGroup", ("tcp", 8443, 8443)),
            ("EndpointSecurityGroup", ("tcp", 443, 443)),
        },
        "NodeSecurityGroup": {
            ("NodeSecurityGroup", ("tcp", 8443, 8443)),
            ("EndpointSecurityGroup", ("tcp", 443, 443)),
            ("EdgeSecurityGroup", ("udp", 1024, 65535)),
        },
        "EdgeSecurityGroup": {("NodeSecurityGroup", ("udp", 1024, 65535))},
    }


def test_what_may_be_received_from_another_group_may_be_sent_by_it():
    """Else the rule is of no use: both sides are needed."""
    may_send = {
        (group, rule["DestinationSecurityGroupId"]["Ref"], _ports(rule))
        for group, rule in _rules("Egress")
        if "DestinationSecurityGroupId" in rule
    }
    may_receive = {
        (rule["SourceSecurityGroupId"]["Ref"], group, _ports(rule))
        for group, rule in _rules("Ingress")
        if "SourceSecurityGroupId" in rule and group != "EndpointSecurityGroup"
    }
    assert may_send == may_receive


def test_a_way_out_is_https_or_to_a_trunk():
    """Functions and nodes reach AWS by endpoints; edges by the Internet gateway."""
    for group, rule in _rules("Egress"):
        if "CidrIp" in rule:
            assert _ports(rule) == ("tcp", 443, 443), group
        else:
            known = rule.get("DestinationSecurityGroupId") or rule["DestinationPrefixListId"]
            assert known["Ref"] in {*_RESOURCES, "TrunkPrefixList"}
            assert "DestinationPrefixListId" not in rule or group == "EdgeSecurityGroup"


def test_only_edges_have_public_addresses_which_outlive_their_machines():
    nodes = _RESOURCES["NodeTemplate"]["Properties"]["LaunchTemplateData"]
    assert [each["AssociatePublicIpAddress"] for each in nodes["NetworkInterfaces"]] == [False]
    assert _RESOURCES["Nodes"]["Properties"]["VPCZoneIdentifier"] == {"Ref": "PrivateSubnets"}
    addresses = {name for name, each in _RESOURCES.items() if each["Type"] == "AWS::EC2::EIP"}
    given = of("AWS::EC2::EIPAssociation").values()
    assert {each["AllocationId"]["Fn::GetAtt"][0] for each in given} == addresses == {"EdgeAddressA", "EdgeAddressB"}
    assert {each["NetworkInterfaceId"]["Ref"] for each in given} == {"EdgeInterfaceA", "EdgeInterfaceB"}
    for name in addresses:
        assert _RESOURCES[name]["DeletionPolicy"] == _RESOURCES[name]["UpdateReplacePolicy"] == "Retain"


def _services(group: str) -> set[str]:
    """Endpoints that a security group may use; of gateways, all."""
    admitted = [
        rule["SourceSecurityGroupId"]["Ref"]
        for rule in _RESOURCES["EndpointSecurityGroup"]["Properties"]["SecurityGroupIngress"]
    ]
    assert group in admitted
    endpoints = of("AWS::EC2::VPCEndpoint").values()
    for each in endpoints:
        if each["VpcEndpointType"] == "Interface":
            assert each["PrivateDnsEnabled"] is True, "the SDK asks by the service's usual name"
            assert each["SecurityGroupIds"] == [{"Ref": "EndpointSecurityGroup"}]
        else:
            assert each["RouteTableIds"] == {"Ref": "PrivateRouteTables"}
    return {each["ServiceName"]["Fn::Sub"].removeprefix("com.amazonaws.${AWS::Region}.") for each in endpoints}


_ENDPOINT = {"stepfunctions": "states"}


def test_a_function_in_the_vpc_reaches_every_service_that_it_calls():
    """Those of other carriers are not called there. What reaches the API from the Internet is not placed in it."""
    inside = [function for function in functions(_PLATFORM) if "VpcConfig" in function.properties]
    assert {function.folder for function in inside} == {"flow", "sweep", "call_control"}
    for function in inside:
        asked = {each.service for each in reach(function.folder).operations} - {"chime_sdk_voice", "logs"}
        assert {_ENDPOINT.get(name, name) for name in asked} - _services("FunctionSecurityGroup") == set()


def test_a_node_reaches_every_service_that_its_role_is_for():
    actions = {action.partition(":")[0] for action, _ in _granted("NodeRole")}
    assert actions - _services("NodeSecurityGroup") == set()


# ---- Machines


@pytest.mark.parametrize("name", of("AWS::EC2::LaunchTemplate"))
def test_a_machine_has_an_encrypted_disk_and_asks_for_a_token_at_its_metadata(name: str):
    """And no key for SSH: there is Session Manager."""
    machine_of = _RESOURCES[name]["Properties"]["LaunchTemplateData"]
    assert machine_of["MetadataOptions"] == {"HttpTokens": "required", "HttpPutResponseHopLimit": 1}
    assert [disk["Ebs"]["Encrypted"] for disk in machine_of["BlockDeviceMappings"]] == [True]
    assert "KeyName" not in machine_of
    assert machine_of["ImageId"] == {"Ref": "Image"}


@pytest.mark.parametrize("name", of("AWS::AutoScaling::AutoScalingGroup"))
def test_a_group_waits_for_a_machine_that_starts_and_for_one_that_drains(name: str):
    hooks = {
        each["LifecycleHookName"]: each for each in _RESOURCES[name]["Properties"]["LifecycleHookSpecificationList"]
    }
    assert hooks.keys() == {lifecycle.READY, lifecycle.DRAIN}
    assert hooks[lifecycle.READY]["LifecycleTransition"] == "autoscaling:EC2_INSTANCE_LAUNCHING"
    assert hooks[lifecycle.DRAIN]["LifecycleTransition"] == "autoscaling:EC2_INSTANCE_TERMINATING"
    drain = hooks[lifecycle.DRAIN]["HeartbeatTimeout"]
    assert drain > 3 * lifecycle.HEARTBEAT_S
    # AWS's limit: a hundred times the time-out, and 48 h. A node drains for a day at most.
    longest = min(48 * 3600, 100 * drain)
    assert longest > _TEMPLATE["Parameters"]["DrainSeconds"]["MaxValue"]


def test_an_edge_is_one_machine_with_the_interface_that_has_its_addresses():
    for letter in "AB":
        group = _RESOURCES[f"Edge{letter}"]["Properties"]
        data = _RESOURCES[f"EdgeTemplate{letter}"]["Properties"]["LaunchTemplateData"]
        assert (group["MaxSize"], group["AvailabilityZones"]) == (1, [{"Ref": f"EdgeZone{letter}"}])
        assert "VPCZoneIdentifier" not in group, "the interface says the subnet"
        assert data["NetworkInterfaces"] == [
            {"DeviceIndex": 0, "NetworkInterfaceId": {"Ref": f"EdgeInterface{letter}"}}
        ]


def test_a_group_is_named_as_its_machines_and_its_role_name_it():
    for group, role in (("Nodes", "NodeRole"), ("EdgeA", "EdgeRole"), ("EdgeB", "EdgeRole")):
        name = _RESOURCES[group]["Properties"]["AutoScalingGroupName"]["Fn::Sub"]
        template = _RESOURCES[group]["Properties"]["LaunchTemplate"]["LaunchTemplateId"]["Ref"]
        assert f"\nDUOLOGUE_HOST_GROUP={name}\n" in _user_data(template)
        [allowed] = [target for action, target in _granted(role) if action == "autoscaling:CompleteLifecycleAction"]
        assert re.fullmatch(re.escape(allowed.rpartition("/")[2]).replace(r"\*", ".*"), name)


def _user_data(template: str) -> str:
    text, _ = _RESOURCES[template]["Properties"]["LaunchTemplateData"]["UserData"]["Fn::Base64"]["Fn::Sub"]
    return str(text)


def test_the_units_that_a_machine_starts_are_in_the_package():
    units = {path.name for path in (ROOT / "pstn/debian/units").iterdir()}
    for template in of("AWS::EC2::LaunchTemplate"):
        [started] = re.findall(r"systemctl enable --now (.*)", _user_data(template))
        assert {re.sub(r"@\w+\.", "@.", unit) for unit in started.split()} - units == set(), template
        script = subprocess.run(["sh", "-n"], input=_filled(template), text=True, capture_output=True, check=False)
        assert (script.returncode, script.stderr) == (0, "")


def _filled(template: str) -> str:
    return re.sub(r"\$\{[\w:.]+\}", "x", _user_data(template).replace("${Boot}", _boot()))


def _boot() -> str:
    return str(_RESOURCES["Boot"]["Properties"]["Value"])


def test_the_first_script_fits_a_parameter_and_the_whole_a_machine_s_user_data():
    assert len(_boot()) <= 4096, "of the standard tier"
    for template in of("AWS::EC2::LaunchTemplate"):
        assert len(_user_data(template)) + len(_boot()) + 2_000 < 16_384


def test_settings_of_nodes_are_written_once_for_both_homes():
    """In the package's own node.env and by the template: the same secrets, and the same port."""
    packaged = (ROOT / "pstn/debian/etc/node.env").read_text(encoding="utf-8")
    script = _user_data("NodeTemplate")
    for name in ("SECRETS", "ADMIN"):
        pattern = rf"^DUOLOGUE_PSTN_{name}=(.*)$"
        assert re.findall(pattern, packaged, re.MULTILINE) == re.findall(pattern, script, re.MULTILINE)
    [admin] = re.findall(r"^DUOLOGUE_PSTN_ADMIN=(.*)$", script, re.MULTILINE)
    assert f"\nDUOLOGUE_HOST_READY=http://{admin}/readyz\n" in script
    known = {variable_of(each.name) for each in fields(NodeSettings)}
    written = set(re.findall(r"^#?(DUOLOGUE_PSTN_\w+)=", packaged + script, re.MULTILINE))
    assert written - known == set()
    assert "NODE_SECRET=${NodeSecret}" in script and "DUOLOGUE_PSTN_API=$here:8443" in script


# ---- Roles


def _statements(role: str) -> list[dict[str, Any]]:
    made = created_of(_TEMPLATE, **_WHOLE)["Resources"][role]["Properties"]
    assert "ManagedPolicyArns" not in made
    return [each for policy in made["Policies"] for each in policy["PolicyDocument"]["Statement"]]


def _granted(role: str) -> set[tuple[str, str]]:
    """Pairs of an action and what it may be done to."""
    found = set()
    for each in _statements(role):
        actions, resources = each["Action"], each["Resource"]
        for action in actions if isinstance(actions, list) else [actions]:
            for target in resources if isinstance(resources, list) else [resources]:
                match target:
                    case {"Ref": name} | {"Fn::GetAtt": [name, _]} | {"Fn::Sub": name}:
                        found.add((action, name))
                    case str(text):
                        found.add((action, text))
    return found


_SESSIONS = {
    "ssm:UpdateInstanceInformation",
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
}
"""Of Session Manager's agent; they have no narrower resource."""


@pytest.mark.parametrize("role", ["NodeRole", "EdgeRole"])
def test_a_role_names_what_it_is_for(role: str):
    wide = {action for action, target in _granted(role) if target == "*" or "*" in action}
    assert wide == _SESSIONS
    [table] = [each for each in _statements("NodeRole") if "dynamodb:UpdateItem" in each["Action"]]
    assert table["Condition"] == {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["node"]}}
    [lists] = [each for each in _statements("NodeRole") if "s3:ListBucket" in each["Action"]]
    assert lists["Condition"] == {"StringLike": {"s3:prefix": "parts/*"}}, "not IfExists, which lists the whole bucket"


def test_an_edge_may_do_nothing_to_calls_and_reads_no_secret_of_nodes():
    """It is what the Internet reaches."""
    may = _granted("EdgeRole")
    assert {action.partition(":")[0] for action, _ in may} == {
        "autoscaling", "dynamodb", "logs", "s3", "secretsmanager", "ssm", "ssmmessages",
    }  # fmt: skip
    assert {action for action, _ in may if action.startswith("dynamodb:")} == {"dynamodb:Query"}
    assert {target for action, target in may if action.startswith("secretsmanager:")} == {"TrunkSecret"}
    assert {target for action, target in may if action.startswith("s3:")} == {
        "arn:${AWS::Partition}:s3:::${ArchiveBucket}/${ArchiveKey}",
        "arn:${AWS::Partition}:s3:::${ArchiveBucket}/${TrunksKey}",
    }


def test_a_node_reads_no_secret_of_trunks():
    """Its group lets it reach edges only, so it dials no trunk itself."""
    may = {target for action, target in _granted("NodeRole") if action.startswith("secretsmanager:")}
    assert may == {"NodeSecret"}
    assert "\nDUOLOGUE_HOST_SECRETS=NODE_SECRET=${NodeSecret}\n" in _user_data("NodeTemplate")


_SAME_ACTION = {
    "s3:DeleteObjects": "s3:DeleteObject",
    "s3:ListObjectsV2": "s3:ListBucket",
    "lambda:Invoke": "lambda:InvokeFunction",
}
_SERVICES = ("autoscaling", "dynamodb", "lambda", "logs", "s3", "secretsmanager")


def _called(*folders: str) -> set[str]:
    """The operations of AWS that these folders call, by the names of methods that clients of these services have."""
    session = botocore.session.get_session()
    methods = {
        xform_name(operation): f"{service}:{operation}"
        for service in _SERVICES
        for operation in session.get_service_model(service).operation_names
    }
    called = set()
    for path in modules(*folders):
        for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
            match node:
                case ast.Attribute(attr=str(name)) | ast.Constant(value=str(name)) if name in methods:
                    called.add(_SAME_ACTION.get(methods[name], methods[name]))
    return called


@pytest.mark.parametrize(
    ("role", "folders"), [("NodeRole", ("pstn/node/", "pstn/host/")), ("EdgeRole", ("pstn/host/", "pstn/edge/"))]
)
def test_a_machine_may_do_what_its_code_does_and_nothing_else(role: str, folders: tuple[str, ...]):
    assert {action for action, _ in _granted(role)} - _SESSIONS == _called(*folders)


# ---- Storage, alarms, parameters


def test_the_table_of_nodes_has_the_keys_that_nodes_and_the_platform_use():
    [table] = of("AWS::DynamoDB::Table").values()
    assert table["KeySchema"] == [
        {"AttributeName": "kind", "KeyType": "HASH"},
        {"AttributeName": "node", "KeyType": "RANGE"},
    ]
    assert {each["AttributeType"] for each in table["AttributeDefinitions"]} == {"S"}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert table["SSESpecification"] == {"SSEEnabled": True}


def test_each_log_group_has_an_end():
    for group in of("AWS::Logs::LogGroup").values():
        assert group["RetentionInDays"] == {"Ref": "KeepLogsDays"}


@pytest.mark.parametrize("name", _ALARMS)
def test_every_alarm_goes_to_the_topic(name: str):
    assert _ALARMS[name]["AlarmActions"] == {
        "Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopic"}], {"Ref": "AWS::NoValue"}]
    }


def test_no_room_is_reported_when_no_node_runs_at_all():
    assert _ALARMS["RoomLowAlarm"]["TreatMissingData"] == {"Fn::If": ["HasPlatform", "breaching", "notBreaching"]}


Named = set[tuple[str, str, frozenset[str]]]
"""Namespace and name of metrics, each with the names of the dimensions under which it is asked for or measured."""


def _watched() -> Named:
    parts = [
        each.get("MetricStat", {}).get("Metric") for alarm in _ALARMS.values() for each in alarm.get("Metrics", [])
    ]
    alone = [alarm for alarm in _ALARMS.values() if "MetricName" in alarm]
    return {
        (each["Namespace"], each["MetricName"], frozenset(pair["Name"] for pair in each["Dimensions"]))
        for each in [*filter(None, parts), *alone]
    }


_SEARCH = re.compile(r"""SEARCH\('\{([\w/]+),([\w,]+)\} MetricName="(\w+)" LogGroup="\$\{EdgeLogs\}"', '\w+', \d+\)""")


def _shown() -> Named:
    text = _RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    shown: Named = set()
    for metric in (each for widget in json.loads(text)["widgets"] for each in widget["properties"]["metrics"]):
        match metric:
            case [{"expression": expression}]:
                found = _SEARCH.fullmatch(expression)
                assert found, expression
                namespace, dimensions, name = found.groups()
                shown.add((namespace, name, frozenset(dimensions.split(","))))
            case [str(namespace), str(name), *dimensions]:
                shown.add((namespace, name, frozenset(dimensions[::2])))
            case _:
                raise AssertionError(metric)
    return shown


def _measured() -> Named:
    """What machines write, each of it under the dimensions that the line says."""
    pairs = [*edge_metrics.GAUGES.values(), *edge_metrics.COUNTERS.values()]
    page = "".join(f'{name}{{trunk="any"}} 1\n' for name in pairs)
    edge = edge_metrics.EdgeMetrics(
        "any", "any", page=lambda: page, has_rtpengine=lambda: True, certificate_days=lambda: 1
    )
    measured: Named = set()
    for said in map(json.loads, [*machine.disk("any")(1.0), *edge(1.0)]):
        [directive] = said["_aws"]["CloudWatchMetrics"]
        for each in directive["Metrics"]:
            assert each["Name"] in said
            for dimensions in directive["Dimensions"]:
                assert set(dimensions) <= said.keys()
                measured.add((directive["Namespace"], each["Name"], frozenset(dimensions)))
    return measured


def test_a_metric_of_machines_that_is_watched_or_shown_is_measured_under_its_dimensions():
    """CloudWatch adds nothing up: what is counted under one set of dimensions is not there under another."""
    ours = {each for each in _watched() | _shown() if each[0] in (machine.NAMESPACE, edge_metrics.NAMESPACE)}
    assert ours - _measured() == set()
    assert {name for _, name, _ in _measured()} == {name for _, name, _ in ours}, "and what is measured is of use"


def test_a_metric_of_nodes_that_is_watched_or_shown_is_measured():
    """With the gauges that README.md lists."""
    page = (ROOT / "pstn/node/README.md").read_text(encoding="utf-8")
    table = page.partition("| CloudWatch | Prometheus")[2].partition("\n\n")[0]
    listed = {name for row in re.findall(r"^\| (.*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    ours = {each for each in _watched() | _shown() if each[0] == node_metrics.NAMESPACE}
    assert {name for _, name, _ in ours} <= listed
    assert {dimensions for *_, dimensions in ours} == {frozenset(["Application"])}
    assert set(node_metrics.COUNTERS) <= listed


def test_the_page_of_the_edge_says_what_becomes_of_its_metrics():
    page = (ROOT / "pstn/edge/README.md").read_text(encoding="utf-8")
    table = page.partition("| Name | CloudWatch |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| `(\w+)[{`].*? \| `(\w+)`", table, re.MULTILINE)
    assert {ours: its for its, ours in rows} == edge_metrics.GAUGES | edge_metrics.COUNTERS
    program = (ROOT / "pstn/edge/templates/kamailio.cfg").read_text(encoding="utf-8")
    for name, _ in rows:
        assert f"name={name.removeprefix('kamailio_')}; label=trunk" in program


@pytest.mark.parametrize("letter", "AB")
def test_an_edge_of_which_nothing_is_heard_raises_an_alarm(letter: str):
    """So does one whose Kamailio or rtpengine is dead."""
    alarm = _ALARMS[f"Edge{letter}SilentAlarm"]
    assert (alarm["TreatMissingData"], alarm["ComparisonOperator"]) == ("breaching", "LessThanThreshold")
    [returned] = [each for each in alarm["Metrics"] if each.get("ReturnData") is not False]
    watched = [each["MetricStat"]["Metric"] for each in alarm["Metrics"] if "MetricStat" in each]
    assert returned["Expression"] == "MIN(METRICS())"
    assert {each["MetricName"] for each in watched} == {"KamailioUp", "RtpengineUp"}
    for each in watched:
        assert {"Name": "Group", "Value": {"Ref": f"Edge{letter}"}} in each["Dimensions"]


@pytest.mark.parametrize("letter", "AB")
def test_an_edge_s_metrics_are_read_where_its_kamailio_has_them(letter: str):
    """The machine asks rtpengine at its default, as Kamailio does."""
    script = _user_data(f"EdgeTemplate{letter}")
    [options] = re.findall(r"^DUOLOGUE_EDGE_OPTIONS=(.*)$", script, re.MULTILINE)
    assert "--control" not in options and "--rtpengine" not in options
    place = Place(Path("/out"), Path("/run"), (IPv4Address("10.0.1.10"), 5070), IPv4Address("10.0.1.10"), "00")
    (host, port), rtpengine = place.control, place.rtpengine
    assert f"\nDUOLOGUE_HOST_EDGE_METRICS=http://{host}:{port}/metrics\n" in script
    assert f"{rtpengine[0]}:{rtpengine[1]}" == edge_metrics.RTPENGINE


@pytest.mark.parametrize("given", [{}, _WHOLE, {"MakeEndpoints": "false"}], ids=["first", "whole", "own endpoints"])
def test_nothing_refers_to_what_is_not_made(given: dict[str, str]):
    """Without the platform there are no nodes, which could do nothing."""
    stack = created_of(_TEMPLATE, **given)
    known = set(_TEMPLATE["Parameters"]) | stack["Resources"].keys()
    # Names of a script's own, which Fn::Sub is given.
    named = {name for name in names_in(stack) if not name.startswith("AWS::")}
    assert named - known == set()
    assert ("Nodes" in stack["Resources"]) is bool(given.get("CallControlArn"))


def test_the_page_explains_every_parameter_and_every_alarm_and_no_other():
    page = (ROOT / "docs" / "pstn-nodes.md").read_text(encoding="utf-8")
    for heading, names in (("Parameter", _TEMPLATE["Parameters"]), ("Alarm", _ALARMS)):
        table = page.partition(f"| {heading} |")[2].partition("\n\n")[0]
        rows = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
        assert sorted(name for row in rows for name in re.findall(r"`(\w+)`", row)) == sorted(names)


def test_outputs_are_named_as_the_platform_s_parameters():
    """And a name that follows from the stack's is one that the platform takes."""
    assert _TEMPLATE["Outputs"].keys() - {"EdgeSecurityGroup"} <= _PLATFORM["Parameters"].keys()
    for name, said in {"NodesTable": "TableName", "NodeSecret": "Name"}.items():
        longest = _RESOURCES[name]["Properties"][said]["Fn::Sub"].replace("${AWS::StackName}", "a" * 34)
        parameter = _PLATFORM["Parameters"][name]
        assert len(longest) <= parameter["MaxLength"] and re.fullmatch(parameter["AllowedPattern"], longest)
