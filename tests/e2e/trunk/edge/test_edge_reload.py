"""What a running edge does not take over."""

from dataclasses import replace

import pytest

from lab.telco.certificates import Authority
from tests.e2e.trunk.edge.running import SHOWN, Edge, needs_edge

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
