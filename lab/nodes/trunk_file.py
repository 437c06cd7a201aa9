"""Trunk files with one trunk, for nodes and the edge."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml


def trunk_file(path: Path, trunk: Mapping[str, Any], interface: str, sip_port: int, rtp_ports: tuple[int, int]) -> Path:
    """Write one with this trunk alone."""
    rows = {"interface": interface, "sip_port": sip_port, "rtp_ports": "{}-{}".format(*rtp_ports)}
    path.write_text(yaml.safe_dump({**rows, "trunks": [dict(trunk)]}), encoding="utf-8")
    return path
