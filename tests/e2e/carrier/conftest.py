"""The product with a second carrier's module added to its layer, deployed for that carrier, and one SP."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.lab import ROOT, Lab
from lab.sp.service_provider import ServiceProvider, open_sp
from tests.e2e.carrier.tandem import Tandem

MODULE = Path(__file__).parent / "product" / "tandem.py"
_KNOWN = "AllowedValues: [chime, sip]"


class DeliveryFailed(Exception):
    """The function failed."""


def product_with(carrier_url: str, root: Path) -> Path:
    """Copy the product with the carrier's module and its name as a value of `Carrier`; return the template's path."""
    (root / "layers").mkdir(parents=True)
    for name in ("functions", "statemachines", "layers/dependencies"):
        (root / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "layers/core", root / "layers/core", ignore=shutil.ignore_patterns("__pycache__"))
    source = MODULE.read_text(encoding="utf-8").replace("http://127.0.0.1:0", carrier_url)
    (root / "layers/core/duologue/runtime/carriers" / MODULE.name).write_text(source, encoding="utf-8")
    template = (ROOT / "template.yaml").read_text(encoding="utf-8")
    assert template.count(_KNOWN) == 1
    path = root / "template.yaml"
    path.write_text(template.replace(_KNOWN, f"AllowedValues: [chime, sip, {MODULE.stem}]"), encoding="utf-8")
    return path


@pytest.fixture(scope="package")
def carrier() -> Iterator[Tandem]:
    carrier = Tandem()
    yield carrier
    carrier.close()


@pytest.fixture(scope="package")
def lab(carrier, tmp_path_factory) -> Iterator[Lab]:
    template = product_with(carrier.url, tmp_path_factory.mktemp("product"))
    with Lab(auth=True, template=template, parameters={"Carrier": MODULE.stem}) as lab:
        functions, name = lab.client("lambda"), lab.resources["CallControlFunction"]

        def deliver(event: dict[str, Any]) -> None:
            answer = functions.invoke(FunctionName=name, Payload=json.dumps(event).encode())
            if "FunctionError" in answer:
                raise DeliveryFailed(answer["Payload"].read().decode())

        carrier.deliver = deliver
        yield lab


@pytest.fixture(scope="package")
def sp(lab) -> Iterator[ServiceProvider]:
    sp = open_sp(lab.api_url, lab.environment, name="acme", numbers=lab.outputs["DisplayNumbers"].split(","))
    yield sp
    sp.close()
