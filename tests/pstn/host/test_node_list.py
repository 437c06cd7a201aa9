"""An edge's list of nodes is that of the living ones, and Kamailio reads it again when it changes."""

from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.stub import Stubber

from pstn.host.node_list import DEAD_AFTER_S, EVERY_S, NodeList

NOW = 1_700_000_000.0


def row(number: int, *, age: float = 1, **more: bool) -> dict[str, Any]:
    return {
        "kind": {"S": "node"},
        "node": {"S": f"0000000{number}"},
        "address": {"S": f"10.0.3.{number}:8443"},
        "beat_at": {"N": str(NOW - age)},
        **{name: {"BOOL": value} for name, value in more.items()},
    }


class Edge:
    """One edge. `tables`: what each reading of the table gives; None: an error."""

    def __init__(self, folder: Path, *tables: list[dict[str, Any]] | None) -> None:
        client = botocore.session.get_session().create_client("dynamodb", region_name="us-east-1")
        self._stubber = Stubber(client)
        for rows in tables:
            if rows is None:
                self._stubber.add_client_error("query", "ProvisionedThroughputExceededException")
            else:
                self._stubber.add_response("query", {"Items": rows})
        self._stubber.activate()
        self.file, self.reloads, self.deaf = folder / "dispatcher.list", list[str](), False
        self.nodes = NodeList(client, "pstn-nodes", 5060, self.file, self._reload)
        self._left = len(tables)

    def _reload(self) -> None:
        if self.deaf:
            raise OSError("kamcmd: no such socket")
        self.reloads.append(self.file.read_text())

    def follow(self) -> None:
        def sleep(seconds: float) -> None:
            assert seconds == EVERY_S
            self._left -= 1
            if not self._left:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            self.nodes.follow(sleep, lambda: NOW)
        self._stubber.assert_no_pending_responses()


def test_only_nodes_that_live_and_stay_are_on_it(tmp_path: Path):
    gone = [row(3, draining=True), row(4, gone=True), row(5, buried=True), row(6, age=DEAD_AFTER_S)]
    edge = Edge(tmp_path, [row(2), row(1, draining=False), *gone])
    edge.follow()
    assert edge.reloads == ["1 sip:10.0.3.1:5060 0 0\n1 sip:10.0.3.2:5060 0 0\n"]
    assert edge.file.stat().st_mode & 0o777 == 0o600


def test_each_process_of_a_node_is_on_it_and_neighbours_are_of_different_nodes(tmp_path: Path):
    """Else whoever calls would wait for each process of a dead node in turn."""
    two = [row(number) | {"sip_ports": {"NS": ["5062", "5060"]}} for number in (1, 2)]
    edge = Edge(tmp_path, [*two, row(3)])
    edge.follow()
    places = ["3.1:5060", "3.2:5060", "3.3:5060", "3.1:5062", "3.2:5062"]
    assert edge.reloads == ["".join(f"1 sip:10.0.{place} 0 0\n" for place in places)]


def test_it_is_loaded_when_it_changes_and_stays_when_the_table_cannot_be_read(tmp_path: Path):
    edge = Edge(tmp_path, [row(1)], [row(1)], None, [row(1), row(2)], [])
    edge.follow()
    assert [text.count("sip:") for text in edge.reloads] == [1, 2, 0]


def test_what_kamailio_did_not_take_is_offered_again(tmp_path: Path):
    edge = Edge(tmp_path, [row(1)], [row(1)])
    edge.deaf = True
    with pytest.raises(OSError, match="kamcmd"):
        edge.nodes.update(NOW)
    edge.deaf = False
    edge.nodes.update(NOW)
    assert edge.reloads == ["1 sip:10.0.3.1:5060 0 0\n"]
