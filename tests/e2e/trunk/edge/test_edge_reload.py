"""What a running edge does not take over."""

from dataclasses import replace

import pytest

from lab.telco.certificates import Authority
from tests.e2e.trunk.edge.running import SECOND, SHOWN, Edge, a_moment, needs_edge

pytestmark = needs_edge


@pytest.mark.parametrize("fault", ["authorities", "program"])
def test_a_reload_that_kamailio_would_refuse_writes_nothing(tmp_path, net, capsys, fault):
    authority = Authority(tmp_path)
    own = authority.issue("edge")

    def trunk(ca, **rows) -> dict:
        tls = {"transport": "tls", "tls": {"ca": str(ca)}}
        return {"name": "secure", "hosts": [f"{net}.4:15071"], "display_numbers": [SHOWN], **tls, **rows}

    pair = {"certificate": own.certificate, "key": own.key}
    options = ("--reload", *(f"--{name}={path}" for name, path in pair.items()))
    with Edge(tmp_path, net, [trunk(authority.certificate)], **pair) as edge:
        files = sorted(path for path in edge.place.out.rglob("*") if path.is_file())
        before = [path.read_bytes() for path in files]
        bad = tmp_path / "bad.pem"
        bad.write_text("nothing")
        if fault == "program":
            edge.place = replace(edge.place, mask_key='a"b')
        edge.trunks([trunk(bad if fault == "authorities" else authority.certificate, calls=7)])
        assert edge.renders(*options) == 1
        told = {
            "authorities": f"trunk secure, tls.ca: the file {bad} has no certificate",
            "program": f"Kamailio refuses {edge.place.out}/kamailio.cfg: ",
        }
        assert told[fault] in capsys.readouterr().err
        assert sorted(path for path in edge.place.out.rglob("*") if path.is_file()) == files
        assert [path.read_bytes() for path in files] == before


def test_a_reload_is_of_what_an_earlier_render_wrote_too(tmp_path, net):
    trunk = {"name": "first", "hosts": [f"{net}.4:15070"], "display_numbers": [SHOWN]}
    with Edge(tmp_path, net, [trunk]) as edge:
        edge.trunks([{**trunk, "calls": 7}])
        assert (edge.renders(), edge.renders("--reload")) == (0, 0)
        assert "value: 7\n" in edge.rpc("htable.get", "trunks", "first:calls")


def test_a_reload_after_which_kamailio_must_be_restarted_fails_until_it_was(tmp_path, net, capsys):
    authority = Authority(tmp_path)
    own = authority.issue("edge")
    first = {"name": "first", "hosts": [f"{net}.4:15070"], "display_numbers": [SHOWN]}
    tls = {"transport": "tls", "tls": {"ca": str(authority.certificate)}}
    options = ("--reload", f"--certificate={own.certificate}", f"--key={own.key}")
    with Edge(tmp_path, net, [first]) as edge:
        a_moment(2.0)  # Kamailio says when it was started in whole seconds
        edge.trunks([first, {"name": "secure", "hosts": [f"{net}.5:15071"], "display_numbers": [SECOND], **tls}])
        for _ in range(2):
            assert edge.renders(*options) == 1
            assert "restart Kamailio" in capsys.readouterr().err
        edge.stop_kamailio()
        edge.start_kamailio()
        assert edge.renders(*options) == 0, capsys.readouterr().err
