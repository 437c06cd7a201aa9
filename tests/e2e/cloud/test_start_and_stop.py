"""Where the cloud listens, and that nothing of it outlives it. Each in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.e2e.cloud.conftest import TEMPLATE
from tests.e2e.sockets import sockets
from tests.e2e.waiting import until

ROOT = TEMPLATE.parents[4]


def listens(pid):
    return [each for each in sockets([pid]) if each.listens]


def children(pid):
    return [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]


def alive(pid):
    """Whether a process runs; one that ended and was not collected yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


SCRIPT = """
import json, sys, threading, time
from pathlib import Path
from lab.aws.cloud import Cloud
from lab.aws.deploy import deploy
from lab.aws.edge import Edge

cloud = Cloud(auth=True, state_dir=Path(sys.argv[1])).start()
stack = deploy(cloud, Path(sys.argv[2]), stack="fixture")
edge = Edge(cloud).start(stack.outputs["ApiId"], "live")
cloud.client("lambda").invoke(FunctionName=stack.resources["Probe"], Payload=b"{}")
sfn = cloud.client("stepfunctions")
sfn.start_execution(stateMachineArn=stack.outputs["Flow"], input=json.dumps({"id": "x", "seconds": 600}))
time.sleep(0.5)
print("up", cloud.port, edge.port, flush=True)
sys.stdin.readline()
edge.stop()
cloud.stop()
ours = "cloud", "task", "flow", "Thread", "eb-", "evb-"
busy = [t.name for t in threading.enumerate() if t.name.startswith(ours)]
print("down", json.dumps(busy), flush=True)
sys.stdin.readline()
"""


def start(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(tmp_path), str(TEMPLATE)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    word, *ports = process.stdout.readline().split()
    assert word == "up"
    return process, {int(port) for port in ports}


def test_it_listens_on_loopback_only_and_leaves_nothing_behind(tmp_path):
    process, ports = start(tmp_path)
    try:
        listening = listens(process.pid)
        assert {each.port for each in listening} == ports
        assert {str(each.address) for each in listening} == {"127.0.0.1"}
        functions = children(process.pid)
        assert functions
        process.stdin.write("\n")
        process.stdin.flush()
        word, busy = process.stdout.readline().split(" ", 1)
        assert word == "down"
        assert json.loads(busy) == []
        assert listens(process.pid) == []
        assert [pid for pid in functions if alive(pid)] == []
        assert list((tmp_path / "work").iterdir()) == []
    finally:
        process.kill()
        process.communicate()


def test_functions_end_with_a_lab_that_was_killed(tmp_path):
    process, _ = start(tmp_path)
    functions = children(process.pid)
    assert functions
    process.kill()
    process.communicate()
    until(lambda: not [pid for pid in functions if alive(pid)])


AGAIN = """
import sys
from pathlib import Path
from lab.aws.cloud import Cloud, CloudError

with Cloud(state_dir=Path(sys.argv[1])) as first:
    try:
        Cloud(state_dir=Path(sys.argv[1])).start()
    except CloudError as refused:
        print(refused)
    first.client("sqs").create_queue(QueueName="left-over")
with Cloud(state_dir=Path(sys.argv[1]), auth=True) as later:
    print(later.client("sqs").list_queues().get("QueueUrls") or [])
    url = later.client("sqs").create_queue(QueueName="new")["QueueUrl"]
    print(url == f"{later.url}/{later.account}/new")
"""


def test_a_second_cloud_in_one_process_is_refused_and_a_later_one_begins_empty(tmp_path):
    command = [sys.executable, "-c", AGAIN, str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    told = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert told.stdout.splitlines() == ["A cloud is already running in this process", "[]", "True"]
