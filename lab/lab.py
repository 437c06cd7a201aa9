"""The whole laboratory: a local AWS, the telephone network, the stack of template.yaml, and the API's port.

with Lab(auth=True) as lab:
    lab.api_url, lab.aws_url, lab.outputs, lab.client("dynamodb"), lab.pstn.exchange
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from lab.aws import control, invocation, package
from lab.aws.cloud import Cloud
from lab.aws.deploy import Deployment, deploy
from lab.aws.edge import Edge
from lab.aws.kept import Keeper, KeptFolder, State, identities_of, restore
from lab.aws.service_access import ServiceCaller
from lab.aws.switches import CloudSwitches
from lab.buckets import Prompts, Recordings
from lab.nodes.company import company_line
from lab.nodes.node_processes import NodeProcesses
from lab.nodes.sip_carrier import SipCarrier, followed
from lab.phones.scripted import ScriptedSipPhones
from pstn.control import PREFIX
from pstn.events import application_arn
from pstn.lines import MakeLine
from pstn.lines.sip.line import sip_line
from pstn.lines.sip.settings import SipSettings
from pstn.lines.trunk.line import TrunkLine, trunk_line
from pstn.lines.trunk.settings import TrunkSettings
from pstn.lines.virtual import VirtualLine
from pstn.service import SIGNING_NAME, PstnService
from pstn.switches import OWN_NETWORK, Switches

ROOT = Path(__file__).parent.parent
AUDIO = ROOT / "audio"
NETWORK = "voiceconnector.chime.amazonaws.com"
"""The telephone network's service principal: in policies of functions, of prompts and of recordings."""

ON_A_LAPTOP = {
    "AllowLoopback": "true",
    "AllowPlainHttp": "true",
    "RequestsPerSecond": "500",
    "OpenRequestsPerSecond": "500",
    "RequestsPerMinuteAndAddress": "0",  # all clients have one address
    "NotifyConcurrency": "5",
    "RetryConcurrency": "5",
    "SpendAlarmUsdPerHour": "50",
}
"""Defaults for the template's parameters: SPs' servers are on this machine too."""


TELEPHONES = "telephones.json"
"""File in the state directory with the SIP addresses of external telephones (pstn/lines/sip/directory.py)."""
_END_S, _POLL_S = 20.0, 0.1
LineKind = Literal["virtual", "sip"]
CarrierName = Literal["chime", "sip"]
DISPLAY_NUMBERS = ("+12025550100", "+12025550101")


class Lab:
    """A local AWS with the product deployed on it, and a telephone network. A context manager.

    Args:
        auth: functions and state machines act as their roles, and signatures and policies are checked.
        switches: behaviour that the documentation of the telephone network leaves open; over trunks, whose network is
            ours, OWN_NETWORK if None.
        cloud_switches: what the documents of AWS's other services leave open.
        parameters: values for the template's parameters, in addition to ON_A_LAPTOP.
        numbers: display numbers that the account already owns; if there are none, provisioning orders one, which takes
            as long as its polling interval.
        api_port, aws_port: 0 picks a free one.
        state_dir: built layers and working files; below the working tree's `.lab` by default.
        keep: accounts, calls and recordings are taken from it at the start, and saved in it from `keep_from_now` on;
            `stop` closes it.
        line: scripted phones without SIP, or SIP and RTP on loopback.
        sip: settings of the SIP line; by default external telephones are in the file `TELEPHONES`.
        trunks: real telephones, in place of `line`. `numbers` are the display numbers of its file then.
        carrier: the stack's parameter `Carrier`. With "sip", `nodes` nodes run as processes (lab/nodes), `pstn` is the
            telephone company behind their trunk, and its feed has what the nodes tell the stack's function. `edge`:
            Kamailio and rtpengine stand between (lab.nodes.edge_process has what that needs).
        prompts: folder of the WAV files to be uploaded as prompts.
    """

    def __init__(
        self,
        *,
        auth: bool = False,
        switches: Switches | None = None,
        cloud_switches: CloudSwitches | None = None,
        parameters: Mapping[str, str] | None = None,
        numbers: Sequence[str] = DISPLAY_NUMBERS,
        template: Path = ROOT / "template.yaml",
        stack: str = "duologue",
        api_port: int = 0,
        aws_port: int = 0,
        state_dir: Path = ROOT / ".lab",
        keep: KeptFolder | None = None,
        line: LineKind = "virtual",
        sip: SipSettings | None = None,
        trunks: TrunkSettings | None = None,
        carrier: CarrierName = "chime",
        nodes: int = 1,
        edge: bool = False,
        prompts: Path = AUDIO,
    ) -> None:
        self.cloud = Cloud(auth=auth, state_dir=state_dir, port=aws_port, switches=cloud_switches)
        self._template, self._stack, self._api_port = template, stack, api_port
        self._numbers = tuple(numbers)
        self._parameters = {**ON_A_LAPTOP, "DisplayNumbers": ",".join(numbers), **(parameters or {})}
        self._switches = switches or (OWN_NETWORK if trunks else None)
        telephones = sip or SipSettings(numbers=state_dir / TELEPHONES)
        self._make_line: MakeLine = sip_line(telephones, ScriptedSipPhones) if line == "sip" else VirtualLine
        if trunks:
            self._make_line = trunk_line(trunks)
        self._prompts = prompts
        self.nodes: SipCarrier | None = None
        """With carrier sip."""
        if carrier == "sip":
            self._make_line = company_line(telephones, ScriptedSipPhones)
            processes = NodeProcesses(self.client, lambda: self.cloud.environment, state_dir / "nodes")
            self.nodes = SipCarrier(processes, state_dir / "edge", nodes, edge=edge)
        self._kept = keep
        self._keeper: Keeper | None = None
        self._deployment: Deployment | None = None
        self._edge: Edge | None = None
        self._pstn: PstnService | None = None

    def __enter__(self) -> Lab:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> Lab:
        """Start and deploy.

        Raises:
            CloudError, DeployError, LayerError, ChildError, ProcessError; everything is stopped again.
        """
        try:
            self.cloud.start()
            self._attach_network()
            if self.nodes:
                self._parameters |= self.nodes.prepare()
            self._edge = Edge(self.cloud, port=self._api_port)
            with identities_of(self._kept.state if self._kept else State()):
                self.update(self._template)
            if self._kept:
                restore(self.cloud, self._kept)
            self._upload_prompts()
            if self.nodes:
                exchange = self.pstn.exchange
                self.cloud.watch_invocations(followed(self.resources["CallControlFunction"], exchange).invoked)
                self.nodes.start(exchange, self._numbers, self.outputs)
            self._edge.start(self.outputs["ApiId"], self._stage())
        except BaseException:
            self.stop()
            raise
        # What is loaded stays. Python collects all garbage when a quarter of the objects that it looks at are new:
        # without this, it looks at 200,000 each time, and lets up to 20 MB of garbage come together before it does.
        gc.freeze()
        return self

    def update(self, template: Path) -> None:
        """Deploy this template, with the lab's values for the parameters that it has. Calls go on meanwhile.

        Raises:
            DeployError, LayerError
        """
        declared = package.read(template).get("Parameters") or {}
        parameters = {"ApiAddress": self.api_url, **self._parameters}
        values = {name: value for name, value in parameters.items() if name in declared}
        self._deployment = deploy(self.cloud, template, stack=self._stack, parameters=values)

    def observe_api(self, observer: Callable[[str, int, bytes], None]) -> None:
        """Call `observer` with the path, the status and the body of every answer of the API; it must be quick."""
        assert self._edge is not None, "the lab is not running"
        self._edge.observers.append(observer)

    def keep_from_now(self) -> None:
        """Save what is kept, now, whenever it has changed, and in `stop`.

        Not before, so that no state is saved without the account that the command keeps in its `about`.
        """
        if self._kept:
            self._keeper = Keeper(self.cloud, self.resources, self._kept)
            self._keeper.start()

    def stop(self) -> None:
        """Stop everything, after saving what is kept. Safe to repeat."""
        if self._keeper:
            self._keeper.close()
            self._keeper = None
        if self.nodes is not None:
            self.nodes.stop()
        if self._pstn is not None:
            self._pstn.close()
            self._pstn = None
        if self._edge is not None:
            self._edge.stop()
            self._edge = None
        self.cloud.stop()
        gc.unfreeze()
        if self._kept:
            self._kept.close()

    def call_in(self, number: str, display_number: str, caller_id: str | None = None) -> str | None:
        """Let a scripted phone call a display number. `caller_id`: what it carries as From; None: its number.

        Returns the network's id of the call; None: the network takes no call to it, or has yet to name it.
        """
        exchange = self.pstn.exchange
        if self.nodes is None:
            return exchange.call_in(number, display_number, caller_id=caller_id)
        exchange.in_turn(lambda: exchange.line.call_phone(number, display_number, caller_id or number))
        return None

    def hang_up_all(self) -> None:
        """Hang up every scripted phone, or every call over trunks. Wait up to 20 s until nothing follows."""
        deadline, exchange = time.monotonic() + _END_S, self.pstn.exchange
        waiting_before = self._queues_with_messages()
        with exchange.lock:
            line = exchange.line
            for number in line.numbers if isinstance(line, TrunkLine) else list(exchange.phones):
                exchange.line.hang_up_by_hand(number)
        while time.monotonic() < deadline and (
            exchange.legs_up()
            or exchange.legs_ringing()
            or exchange.recordings_unstored()
            or self._executions_run()
            or self._queues_with_messages() - waiting_before
        ):
            time.sleep(_POLL_S)
        if self._keeper:
            self._keeper.settle(max(0.0, deadline - time.monotonic()))

    def _executions_run(self) -> bool:
        flows = self.client("stepfunctions")
        arns = [machine["stateMachineArn"] for machine in flows.list_state_machines()["stateMachines"]]
        return any(flows.list_executions(stateMachineArn=arn, statusFilter="RUNNING")["executions"] for arn in arns)

    def _queues_with_messages(self) -> set[str]:
        """Those with messages that can be received now, or are being processed."""
        sqs = self.client("sqs")
        kinds = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]

        def count(url: str) -> int:
            attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=kinds)["Attributes"]
            return sum(int(attributes[kind]) for kind in kinds)

        return {url for url in sqs.list_queues().get("QueueUrls", []) if count(url)}

    @property
    def api_url(self) -> str:
        """Base URL of the API."""
        assert self._edge is not None, "the lab is not running"
        return self._edge.url

    @property
    def aws_url(self) -> str:
        """Endpoint of every AWS service, and of the control API `/_lab/…`."""
        return self.cloud.url

    @property
    def pstn(self) -> PstnService:
        """The telephone network."""
        assert self._pstn is not None, "the lab is not running"
        return self._pstn

    @property
    def deployment(self) -> Deployment:
        """The stack."""
        assert self._deployment is not None, "the lab is not running"
        return self._deployment

    @property
    def outputs(self) -> Mapping[str, str]:
        """The stack's outputs by name."""
        return self.deployment.outputs

    @property
    def resources(self) -> Mapping[str, str]:
        """Physical ids by logical ids: for example, a function's name by `OutboxFunction`."""
        return self.deployment.resources

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables with which the AWS SDKs and the operator's command reach this cloud."""
        return {
            "AWS_ENDPOINT_URL": self.aws_url,
            "AWS_ACCESS_KEY_ID": self.cloud.account,
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": self.cloud.region,
        }

    def client(self, service: str, **settings: Any) -> Any:
        """A boto3 client of the account's root user."""
        return self.cloud.client(service, **settings)

    def _attach_network(self) -> None:
        s3 = self.client("s3")

        def caller(application: str) -> ServiceCaller:
            return ServiceCaller(NETWORK, self.cloud.account, self.cloud.region, application)

        def invoke(arn: str, event: dict[str, Any]) -> Any:
            application = event["CallDetails"]["SipMediaApplicationId"]
            source = application_arn(self.cloud.region, self.cloud.account, application)
            return invocation.invoke(arn, event, caller(source))

        def access(action: str, bucket: str, key: str, application: str) -> bool:
            return caller(application).may_use_object(action, bucket, key)

        self._pstn = PstnService(
            invoke,
            self._switches,
            self.cloud.account,
            self.cloud.region,
            audio=Prompts(self.cloud.stored_object),
            recordings=Recordings(s3),
            access=access,
            make_line=self._make_line,
        )
        if self.nodes is None:
            for number in self._numbers:
                self._pstn.exchange.own(number)
            self.cloud.register(SIGNING_NAME, self._pstn.handle, model="chime-sdk-voice")
        self.cloud.mount(PREFIX, self._pstn.handle)
        self.cloud.mount(control.PREFIX, control.control(self.cloud))

    def _upload_prompts(self) -> None:
        """Does what `aws s3 sync audio s3://…/prompts` does for a stack on AWS."""
        bucket = self.outputs.get("PromptsBucket")
        for file in sorted(self._prompts.glob("*.wav")) if bucket else []:
            place = {"Bucket": bucket, "Key": f"prompts/{file.name}"}
            self.client("s3").put_object(**place, Body=file.read_bytes(), ContentType="audio/wav")

    def _stage(self) -> str:
        stages = self.client("apigateway").get_stages(restApiId=self.outputs["ApiId"])["item"]
        return next(str(stage["stageName"]) for stage in stages if stage["stageName"] != "Stage")
