"""`make up`, `make story` and `python -m lab site` with arguments of no use: what is wrong, and what to do."""

import socket
from contextlib import ExitStack

import pytest

from lab.__main__ import main

SITE = "site --api-url http://127.0.0.1:9 --app-key key --username institute --display-number +12025550100"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "the following arguments are required: command"),
        ("story nosuch", "There is no case nosuch. The cases are talked, "),
        ("stories talked nosuch", "There is no case nosuch. The cases are talked, "),
        ("up --api-port 65536", "argument --api-port: 65536 is not a port: 1 to 65535, or 0 for any free one"),
        ("up --sip-port -1", "argument --sip-port: -1 is not a port"),
        ("up --phone-port " + "9" * 5000, "is not a port"),
        ("cruel --calls 0", "argument --calls: 0 is not 1 to 450"),
        ("cruel --calls 451", "argument --calls: 451 is not 1 to 450"),
        ("up --parameter Foo", "argument --parameter: Foo is not NAME=VALUE"),
        ("up --parameter Foo=1", "argument --parameter: template.yaml has no parameter Foo; it has HostName, "),
        ("up --cloud-switch stream=any", "argument --cloud-switch: stream is no switch of the cloud; it has early_"),
        ("up --cloud-switch stream_order=none", "stream_order is one of as_written, any"),
        ("up --cloud-switch lost_answers=many", "lost_answers is a number of type float, at least 0"),
        ("up --cloud-switch fault_seed=-1", "fault_seed is a number of type int, at least 0"),
        (
            "up --state-dir /dev/null/x",
            "argument --state-dir: /dev/null/x cannot be used: Not a directory; name another",
        ),
        ("up --carrier sip --virtual", "--carrier sip has telephones of its own: it goes with neither --virtual nor"),
        ("stories --carrier sip --virtual", "--carrier sip has telephones of its own: it goes with neither --virtual"),
        (f"{SITE} --port http", "argument --port: http is not a port: 1 to 65535, or 0 for any free one"),
        (SITE, "Set DUOLOGUE_APP_SECRET and DUOLOGUE_PASSWORD first."),
    ],
)
def test_arguments_that_cannot_be_used(words, said, capsys, monkeypatch):
    monkeypatch.delenv("DUOLOGUE_APP_SECRET", raising=False)
    try:
        code: object = main(words.split())
    except SystemExit as error:  # argparse's
        code = error.code
    assert code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--aws-port",), "Port {} is in use"),
        (("--api-port", "--site-port"), "Ports {} and {} are in use"),
        (("--api-port", "--aws-port", "--home-port"), "Ports {}, {} and {} are in use"),
    ],
)
def test_ports_that_are_in_use(options, said, capsys):
    words = ["up", "--virtual"]
    with ExitStack() as taken:
        ports = [taken.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1] for _ in options]
        for option in ("--api-port", "--aws-port", "--home-port", "--site-port", "--console-port"):
            words += [option, str(dict(zip(options, ports, strict=True)).get(option, 0))]
        assert main(words) == 1
    free = " ".join(f"{option} 0" for option in options)
    cure = f'To take any that is free: make up ARGS="{free}"'
    assert capsys.readouterr().err == f"{said.format(*ports)}, perhaps by another lab. {cure}\n"
