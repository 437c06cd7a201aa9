"""Clients generated from docs/openapi.yaml place a callback, by the programs that docs/api.md shows."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from duologue.domain.calls.call import Phase
from tests.e2e.clients.served import Served, served
from tools.openapi.page import DOCUMENT
from tools.template import ROOT

_FOLDER = Path(__file__).parent
_MODULES = ROOT / ".tools" / "node" / "node_modules"
_LIMIT_S = 120


@pytest.fixture
def api() -> Iterator[Served]:
    with served() as it:
        yield it


@pytest.fixture(scope="module")
def node() -> Path:
    """The folder of npm's packages."""
    if not shutil.which("node"):
        pytest.skip("there is no node on PATH")
    if not _MODULES.is_dir():
        pytest.skip("npm's packages are not installed: make test-clients does it where there is npm")
    return _MODULES


def ran(command: list[str | Path], folder: Path, variables: dict[str, str] | None = None) -> str:
    """What a program printed. Fails with all of it if its status is not 0."""
    environment = (
        os.environ | {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"} | (variables or {})
    )
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=_LIMIT_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def program(language: str) -> str:
    """The one block of a language in docs/api.md."""
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    [text] = re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    return str(text)


def check(api: Served, printed: str) -> None:
    """The call was placed, and neither a token nor a secret was in a URL."""
    session, phase = printed.split()
    assert phase == "accepted"
    assert api.world.calls.load(session.partition("@")[0]).call.phase is Phase.ACCEPTED
    assert [target.partition("?")[0].rpartition("/")[2] for target in api.targets][:3] == ["v1.0", "refresh", "v2.0"]
    query = " ".join(target.partition("?")[2] for target in api.targets)
    assert set(re.findall(r"(\w+)=", query)) == {"app_key", "username"}


def test_openapi_python_client(api, tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text(
        "post_hooks: []\ncontent_type_overrides: {audio/wav: application/octet-stream}\n", encoding="utf-8"
    )
    generator = [sys.executable, "-m", "openapi_python_client", "generate", "--fail-on-warning", "--config", config]
    ran([*generator, "--path", DOCUMENT, "--output-path", tmp_path / "generated"], tmp_path)
    (tmp_path / "generated" / "place.py").write_text(program("python"), encoding="utf-8")
    check(api, ran([sys.executable, "place.py"], tmp_path / "generated", api.variables))


def test_openapi_ts_of_npm(api, node, tmp_path):
    (tmp_path / "node_modules").symlink_to(node)
    (tmp_path / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    options = '{"module": "nodenext", "target": "es2022", "strict": true, "types": ["node"], "outDir": "out"}'
    (tmp_path / "tsconfig.json").write_text(f'{{"compilerOptions": {options}}}', encoding="utf-8")
    output = '{ path: "duologue", module: { extension: ".js" } }'
    (tmp_path / "openapi-ts.config.mjs").write_text(
        f'export default {{ input: "{DOCUMENT}", output: {output} }};', encoding="utf-8"
    )
    ran([node / ".bin" / "openapi-ts"], tmp_path)
    (tmp_path / "place.ts").write_text(program("ts"), encoding="utf-8")
    ran([node / ".bin" / "tsc"], tmp_path)
    check(api, ran(["node", "out/place.js"], tmp_path, api.variables))


def test_redocly_has_no_complaint(node):
    """But for what `.redocly.lint-ignore.yaml` names."""
    printed = ran([node / ".bin" / "redocly", "lint", DOCUMENT, "--config", "redocly.yaml"], _FOLDER)
    assert "Your API description is valid" in printed
    assert "warning" not in printed.replace("Deprecation warning: Node.js", "")
