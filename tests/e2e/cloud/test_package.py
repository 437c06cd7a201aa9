"""What of template.yaml becomes files: short forms, zip files, layers. No cloud."""

import io
import json
import subprocess
import sys
import textwrap
import zipfile
from importlib.metadata import version

import pytest

from lab.aws.layers import LayerError, built_layer
from lab.aws.package import Packager, key_of, read, zipped


@pytest.fixture
def template(tmp_path):
    """Writes a template and returns it read."""

    def write(text):
        path = tmp_path / "template.yaml"
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return read(path)

    return write


def test_short_forms_are_written_out(template):
    loaded = template(
        """
        A: !Ref X
        B: !GetAtt X.Arn.More
        C: !Sub "${X}-y"
        D: !If [Has, !Ref X, !Ref "AWS::NoValue"]
        E: {Version: 2012-10-17}
        F: !Not [!Condition Has]
        """
    )
    assert loaded == {
        "A": {"Ref": "X"},
        "B": {"Fn::GetAtt": ["X", "Arn.More"]},
        "C": {"Fn::Sub": "${X}-y"},
        "D": {"Fn::If": ["Has", {"Ref": "X"}, {"Ref": "AWS::NoValue"}]},
        "E": {"Version": "2012-10-17"},
        "F": {"Fn::Not": [{"Condition": "Has"}]},
    }


def test_local_paths_become_places_in_the_bucket_and_nothing_else_changes(tmp_path, template):
    (tmp_path / "code" / "__pycache__").mkdir(parents=True)
    (tmp_path / "code" / "handler.py").write_text("x = 1\n")
    (tmp_path / "code" / "__pycache__" / "handler.pyc").write_bytes(b"old")
    (tmp_path / "flow.asl.yaml").write_text("StartAt: A\nStates: {A: {Type: Succeed}}\n")
    loaded = template(
        """
        Globals: {Function: {Timeout: 5}}
        Resources:
          Fn: {Type: AWS::Serverless::Function, Properties: {CodeUri: code, Handler: handler.handler}}
          Flow: {Type: AWS::Serverless::StateMachine, Properties: {DefinitionUri: flow.asl.yaml}}
          Away: {Type: AWS::Serverless::Function, Properties: {CodeUri: {Bucket: b, Key: k}}}
        """
    )
    stored = {}

    def upload(suffix, content):
        key = key_of(suffix, content)
        stored[key] = content
        return key

    packaged = Packager(tmp_path, tmp_path / "cache", "bucket", upload).package(loaded)
    code, flow = packaged["Resources"]["Fn"]["Properties"], packaged["Resources"]["Flow"]["Properties"]
    assert code["Handler"] == "handler.handler"
    assert zipfile.ZipFile(io.BytesIO(stored[code["CodeUri"]["Key"]])).namelist() == ["handler.py"]
    assert json.loads(stored[flow["DefinitionUri"]["Key"]]) == {"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}
    assert packaged["Resources"]["Away"] == loaded["Resources"]["Away"]
    assert packaged["Globals"] == loaded["Globals"]
    assert loaded["Resources"]["Fn"]["Properties"]["CodeUri"] == "code", "the template itself is left as it is"


def test_the_same_content_is_the_same_zip(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.py").write_text("x = 1\n")
    first = zipped(tmp_path / "a")
    (tmp_path / "a" / "x.py").touch()
    assert zipped(tmp_path / "a") == first


def test_a_layer_of_ours_is_built_once_and_its_bytecode_outlives_the_zip(tmp_path):
    """Unpacked files are as old as the unpacking: bytecode checked by time would be compiled on each cold start."""
    source = tmp_path / "core"
    (source / "ours").mkdir(parents=True)
    (source / "Makefile").write_text("build:\n")
    (source / "ours" / "__init__.py").write_text("NAME = 'ours'\n")
    built = built_layer(source, tmp_path / "cache")
    assert built_layer(source, tmp_path / "cache") == built
    with zipfile.ZipFile(io.BytesIO(zipped(built))) as package:
        assert "python/Makefile" not in package.namelist()
        package.extractall(tmp_path / "opt")
    # Written over after unpacking: only code loaded from the bytecode still says "ours".
    (tmp_path / "opt" / "python" / "ours" / "__init__.py").write_text("NAME = 'compiled again'\n")
    script = "import sys; sys.path.insert(0, sys.argv[1]); import ours; print(ours.NAME)"
    told = subprocess.run(
        [sys.executable, "-I", "-c", script, str(tmp_path / "opt" / "python")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == "ours"


def test_a_changed_source_is_built_again(tmp_path):
    source = tmp_path / "core"
    (source / "ours").mkdir(parents=True)
    (source / "ours" / "__init__.py").write_text("NAME = 1\n")
    before = built_layer(source, tmp_path / "cache")
    (source / "ours" / "__init__.py").write_text("NAME = 2\n")
    assert built_layer(source, tmp_path / "cache") != before


def test_a_layer_of_packages_is_copied_from_this_environment(tmp_path):
    """With another version, or without the package, there is no layer and nothing is left of the attempt."""
    source, cache = tmp_path / "dependencies", tmp_path / "cache"
    source.mkdir()
    six = version("six")
    lock = f"six=={six} \\\n    --hash=sha256:ab \\\n    --hash=sha256:cd\n    # via nothing\n"
    (source / "requirements.txt").write_text(f"# made\n{lock}absent==1.0 ; python_version < '3.0' --hash=sha256:ef\n")
    content = built_layer(source, cache) / "python"
    assert {path.name for path in content.iterdir()} == {"six.py", f"six-{six}.dist-info", "__pycache__"}
    for wrong, fault in {"six==0.1": f"six {six} is installed", "absent==1.0": "absent==1.0 is not installed"}.items():
        (source / "requirements.txt").write_text(f"six=={six}\n{wrong}\n")
        with pytest.raises(LayerError, match=fault):
            built_layer(source, cache)
    assert list(cache.iterdir()) == [content.parent]
