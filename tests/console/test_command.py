"""`duologue console`: what it says when it cannot serve."""

import socket
from contextlib import closing
from typing import Any

import pytest

from duologue.domain.errors import OutsideUnavailable
from duologue.operator.__main__ import main
from duologue.operator.console.server import serve

NOWHERE: Any = None
"""A platform that nothing is read of."""


def test_a_port_that_is_taken_is_named_with_the_cure():
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OutsideUnavailable, match=f"port {port} cannot be used .* choose another by --port"):
            serve(NOWHERE, port)


@pytest.mark.parametrize("port", ["http", "70000", "-1"])
def test_what_is_no_port_is_refused(port, capsys):
    with pytest.raises(SystemExit):
        main(["console", f"--port={port}"], client=lambda service: None)
    assert f"{port} is not a port: 0 to 65535" in capsys.readouterr().err
