"""Clients of AWS, with time-outs that fit what each is for. Credentials are those of the machine's role."""

from typing import Any

import botocore.session
from botocore.config import Config


def client(service: str, region: str, *, connect_s: float, read_s: float, attempts: int, connections: int = 10) -> Any:
    """`attempts`: of each request, the first one included."""
    config = Config(
        connect_timeout=connect_s,
        read_timeout=read_s,
        retries={"total_max_attempts": attempts, "mode": "standard"},
        max_pool_connections=connections,
        tcp_keepalive=True,
    )
    return botocore.session.get_session().create_client(service, region_name=region, config=config)
