"""The Debian package: what is in it, that its command runs, and that a Debian 12 installs, upgrades and purges it.

It is installed by the real dpkg over a copy-on-write view of this machine's own file system, in a mount namespace: the
machine itself is left as it is.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from pstn.__main__ import COMMANDS
from tools import deb

UV = deb.ROOT / ".tools" / "uv" / "bin" / "uv"
pytestmark = [
    pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="there is no dpkg-deb on PATH"),
    pytest.mark.skipif(not UV.exists(), reason="uv is not installed: make deb installs it"),
]
needs_debian = pytest.mark.skipif(
    not Path(f"/usr/bin/python{deb.PYTHON}").exists(), reason=f"there is no /usr/bin/python{deb.PYTHON}: no Debian 12"
)
Run = Callable[[str], str]


@pytest.fixture(scope="module")
def package(tmp_path_factory) -> Path:
    asked = ["dpkg", "--print-architecture"]
    architecture = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    return deb.build(tmp_path_factory.mktemp("deb"), architecture)


@pytest.fixture(scope="module")
def unpacked(package: Path, tmp_path_factory) -> Path:
    into: Path = tmp_path_factory.mktemp("unpacked")
    subprocess.run(["dpkg-deb", "--raw-extract", str(package), str(into)], check=True)
    return into


def test_a_second_build_has_the_same_bytes(package: Path, tmp_path: Path):
    """So that a package can be checked against its commit."""
    again = deb.build(tmp_path, package.stem.rpartition("_")[2])
    assert again.read_bytes() == package.read_bytes()


def test_its_settings_are_root_s_alone_and_an_upgrade_keeps_them(package: Path, unpacked: Path):
    listed = subprocess.run(["dpkg-deb", "--contents", str(package)], check=True, capture_output=True, text=True).stdout
    found = {words[5]: words[:2] for words in map(str.split, listed.splitlines())}
    assert {owner for _, owner in found.values()} == {"root/root"}
    settings = {name: mode for name, (mode, _) in found.items() if name.startswith("./etc/") and not name.endswith("/")}
    assert settings and set(settings.values()) == {"-rw-------"}
    kept = (unpacked / "DEBIAN/conffiles").read_text().split()
    assert sorted(kept) == sorted(name.removeprefix(".") for name in settings)
    assert not [name for name, (mode, _) in found.items() if mode[8] == "w" and mode[0] != "l"], "anybody may write it"


def test_nothing_in_it_says_where_it_was_built(unpacked: Path):
    told = [path for path in unpacked.rglob("*") if path.is_file() and not path.is_symlink()]
    here = [str(deb.ROOT).encode(), b"/tmp/tmp"]
    texts = [path for path in told if path.suffix not in (".so", ".gz")]
    assert len(texts) > 100
    assert [path for path in texts if any(word in path.read_bytes() for word in here)] == []


@needs_debian
def test_its_command_runs_from_where_it_is_unpacked(unpacked: Path, tmp_path: Path):
    """With its own libraries, whatever folder and PYTHONPATH it is started with."""
    (tmp_path / "pstn").mkdir()
    (tmp_path / "pstn" / "__main__.py").write_text("raise SystemExit('another pstn')")
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path)}
    for words in COMMANDS:
        command = [str(unpacked / "usr/bin/duologue-pstn"), *words.split(), "--help"]
        done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), words
        assert done.stdout.startswith(f"usage: duologue-pstn {words}")
    inside = (
        "import baresip._native, botocore, pydantic, pstn, yaml; print(baresip.__file__, pstn.__file__, yaml.__file__)"
    )
    python = [str(unpacked / deb._HOME / "bin/python3"), "-I", "-c", inside]
    said = subprocess.run(python, cwd=tmp_path, check=True, capture_output=True, text=True).stdout.split()
    assert [name for name in said if not Path(name).is_relative_to(unpacked)] == []


def _units(unpacked: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in (unpacked / "lib/systemd/system").iterdir()}


HARDENED = """
    UMask=0077 NoNewPrivileges=yes ProtectSystem=strict ProtectHome=yes PrivateTmp=yes PrivateDevices=yes
    ProtectKernelModules=yes ProtectKernelTunables=yes ProtectControlGroups=yes RestrictNamespaces=yes
    RestrictSUIDSGID=yes LockPersonality=yes SystemCallArchitectures=native SystemCallFilter=@system-service
""".split()


_OF_DEBIAN = ("/usr/sbin/kamailio", "/usr/bin/rtpengine", "/usr/bin/install")


def test_each_unit_starts_what_the_package_has_with_few_rights(unpacked: Path):
    units = _units(unpacked)
    assert {"duologue-node.service", "duologue-watch@.service", "duologue-logs.service"} <= units.keys()
    for name, text in units.items():
        assert set(HARDENED) - set(text.splitlines()) == set(), name
        for program in re.findall(r"^Exec\w+=[-+!]*(\S+)", text, re.MULTILINE):
            assert (unpacked / program.lstrip("/")).exists() or program in _OF_DEBIAN, program
        for words in re.findall(r"^ExecStart\w*=\S*/duologue-pstn (.*)$", text, re.MULTILINE):
            assert any(f"{words} ".startswith(f"{known} ") for known in [*COMMANDS, "serve", "edge render"]), words
        for read in re.findall(r"^EnvironmentFile=(/\S+)$", text, re.MULTILINE):
            assert (unpacked / read.lstrip("/")).exists(), read
        rooted = "User=duologue" not in text
        assert not rooted or name == "duologue-watch@.service", "only it stops another unit"
        pause = re.search(r"^RestartSec=(\d+)$", text, re.MULTILINE)
        unlimited = "\nStartLimitIntervalSec=0\n" in text
        assert pause is None or int(pause[1]) > 2 or unlimited, f"{name}: systemd gives up after five starts in 10 s"


@pytest.mark.parametrize(
    ("unit", "settings", "name"),
    [
        ("duologue-node.service", "node.env", "DUOLOGUE_PSTN_DRAIN_SECONDS"),
        ("duologue-kamailio.service", "host.env", "DUOLOGUE_HOST_DRAIN_SECONDS"),
    ],
)
def test_systemd_has_longer_patience_than_a_drain_takes(unpacked: Path, unit: str, settings: str, name: str):
    drain = re.search(rf"^{name}=(\d+)$", (unpacked / "etc/duologue" / settings).read_text(), re.MULTILINE)
    stop = re.search(r"^TimeoutStopSec=(\d+)$", _units(unpacked)[unit], re.MULTILINE)
    assert drain and stop and int(drain[1]) + 60 <= int(stop[1])


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd-analyze on PATH")
def test_systemd_takes_the_units(machine: Run):
    said = machine("""
        dpkg -i --force-depends $DEB >/dev/null 2>&1
        systemd-analyze verify --man=no /lib/systemd/system/duologue-*.service 2>&1 || true
    """)
    assert [line for line in said.splitlines() if "duologue" in line] == []


@pytest.fixture
def machine(package: Path, tmp_path: Path) -> Run:
    """Run a script as root of a view of this machine, without a network; its changes go nowhere. $DEB: the package."""
    for name in ("upper", "work", "view"):
        (tmp_path / name).mkdir()
    enter = f"""
        set -e
        mount -t tmpfs none {tmp_path}/upper 2>/dev/null && mkdir {tmp_path}/upper/u {tmp_path}/upper/w
        mount -t overlay overlay -o lowerdir=/,upperdir={tmp_path}/upper/u,workdir={tmp_path}/upper/w {tmp_path}/view
        mount --rbind /dev {tmp_path}/view/dev
        mount -t proc proc {tmp_path}/view/proc
        ip link set lo up
        cp {package} {tmp_path}/view/var/cache/duologue.deb
        exec chroot {tmp_path}/view env DEB=/var/cache/duologue.deb DEBIAN_FRONTEND=noninteractive sh -e -c "$1"
    """

    def run(script: str) -> str:
        command = ["unshare", "--mount", "--net", "sh", "-c", enter, "sh", script]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if "mount" in done.stderr and ("permitted" in done.stderr or "permission" in done.stderr):
            pytest.skip("this machine gives no mount namespace with an overlay")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@needs_debian
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, for a mount namespace")
def test_it_is_installed_configured_upgraded_and_purged(machine: Run):
    """Settings that were changed stay over an upgrade; a purge leaves nothing."""
    said = machine("""
        dpkg -i --force-depends $DEB >/dev/null
        stat -c '%a %U %n' /etc/duologue /etc/duologue/node.env
        getent passwd duologue | cut -d: -f7
        cd / && duologue-pstn --help | head -1
        find /usr/lib/duologue-pstn/lib -name '*.pyc' | grep -c pstn
        echo DUOLOGUE_PSTN_ROOM=7 >>/etc/duologue/node.env
        dpkg -i --force-depends $DEB >/dev/null
        tail -1 /etc/duologue/node.env
        dpkg --purge duologue-pstn >/dev/null 2>&1
        ls -d /etc/duologue /usr/lib/duologue-pstn /usr/bin/duologue-pstn 2>/dev/null || echo nothing left
    """)
    modes, env, shell, usage, compiled, kept, left = said.splitlines()
    assert (modes, env) == ("700 root /etc/duologue", "600 root /etc/duologue/node.env")
    assert shell == "/usr/sbin/nologin"
    assert usage.startswith("usage: duologue-pstn")
    assert int(compiled) > 50
    assert (kept, left) == ("DUOLOGUE_PSTN_ROOM=7", "nothing left")


# ---- What the units start, as they start it but for systemd: with their settings, as their user


def started(unpacked: Path, unit: str, what: str = "ExecStart", which: int = 0) -> str:
    """A command of a unit in a shell of `machine`."""
    command = re.findall(rf"^{what}=(.*)$", _units(unpacked)[unit], re.MULTILINE)[which]
    command = command.removeprefix("-")
    for specifier, place in {"%d": "/run/credentials", "%t": "/run", "%S": "/var/lib"}.items():
        command = command.replace(specifier, place)
    return f"setpriv --reuid=duologue --regid=duologue --clear-groups --inh-caps=-all {command}"


PREPARE = """
    dpkg -i --force-depends $DEB >/dev/null 2>&1
    install -d -o duologue -m 0700 /run/credentials /run/duologue /run/duologue-edge /var/lib/duologue
    install -d -o duologue -m 0700 /run/duologue/secrets
    cat >/etc/duologue/trunks.yaml <<END
interface: 127.0.0.1
trunks:
  - name: main
    hosts: [127.0.0.3]
    digest: {user: acme, secret: {file: /run/duologue/secrets/TRUNK_SECRET}}
    display_numbers: ["+12025550100"]
END
    for name in NODE_SECRET NODE_SECRET.other TRUNK_SECRET; do
        echo 0123456789abcdef0123456789abcdef >/run/duologue/secrets/$name
    done
    install -o duologue -m 0600 /etc/duologue/trunks.yaml /run/credentials/
    install -o duologue -m 0600 /etc/duologue/trunks.yaml /run/duologue-edge/
    chown -R duologue /run/duologue/secrets
    cd /var/lib/duologue
    set -a; . /etc/duologue/host.env
"""
UNTIL = 'until_it() { for i in $(seq 600); do "$@" >/dev/null 2>&1 && return; sleep 0.2; done; echo never: $*; }'


@needs_debian
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, for a mount namespace")
def test_a_node_of_the_package_runs_and_leaves(machine: Run, unpacked: Path):
    """Without AWS it lives and is not ready; that it takes calls is tested elsewhere."""
    said = machine(f"""
        {PREPARE}
        . /etc/duologue/node.env
        DUOLOGUE_PSTN_LAMBDA_ARN=arn:aws:lambda:us-east-1:111122223333:function:call-control:live
        DUOLOGUE_PSTN_NODES_TABLE=pstn-nodes DUOLOGUE_PSTN_STATIONS=1 DUOLOGUE_PSTN_TRUNKS=/run/credentials/trunks.yaml
        AWS_ACCESS_KEY_ID=x AWS_SECRET_ACCESS_KEY=x AWS_ENDPOINT_URL=http://127.0.0.1:9
        {UNTIL}
        {started(unpacked, "duologue-node.service", "ExecStartPre")}
        {started(unpacked, "duologue-node.service")} >/tmp/node.log 2>&1 & node=$!
        until_it curl -fsS http://127.0.0.1:9443/healthz
        curl -sS -o /dev/null -w '%{{http_code}}\\n' http://127.0.0.1:9443/readyz
        curl -sS http://127.0.0.1:9443/metrics | grep -c '^duologue_pstn_room'
        kill $node; wait $node && echo left || cat /tmp/node.log
    """)
    assert said.split() == ["503", "1", "left"]


def invite(node: str) -> str:
    """A node asks the edge for a call; the trunk at 127.0.0.3 is busy. Prints the final answer."""
    return f"""/usr/bin/python3 - <<'END'
import re, socket
node, trunk = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
node.bind(("{node}", 5060)); trunk.bind(("127.0.0.3", 5060))
node.settimeout(5); trunk.settimeout(0.5)
text = (
    "INVITE sip:+12025550111@127.0.0.2:5070 SIP/2.0\\r\\nVia: SIP/2.0/UDP {node}:5060;branch=z9hG4bK-%d\\r\\n"
    "From: <sip:+12025550101@{node}>;tag=a\\r\\nTo: <sip:+12025550111@127.0.0.2>\\r\\n"
    "Call-ID: %d@node\\r\\nCSeq: 1 INVITE\\r\\n"
    "Contact: <sip:{node}:5060>\\r\\nMax-Forwards: 70\\r\\nContent-Length: 0\\r\\n\\r\\n"
)
import random
node.sendto((text % (random.getrandbits(40), random.getrandbits(40))).encode(), ("127.0.0.2", 5070))
for _ in range(20):
    try:
        asked, edge = trunk.recvfrom(9000)
    except TimeoutError:
        break
    method = asked.split()[0]
    if method in (b"INVITE", b"OPTIONS"):
        status = "486 Busy Here" if method == b"INVITE" else "200 OK"
        kept = re.findall(rb"^(?:Via|From|To|Call-ID|CSeq|Record-Route):.*$", asked, re.MULTILINE | re.IGNORECASE)
        answer = [("SIP/2.0 " + status).encode(), *(each.strip() for each in kept), b"Content-Length: 0", b"", b""]
        trunk.sendto(b"\\r\\n".join(answer), edge)
    if method == b"ACK":
        break
while True:
    code = node.recv(9000).split()[1].decode()
    if code >= "200":
        print(code)
        break
END"""


@needs_debian
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, for a mount namespace")
@pytest.mark.skipif(not all(map(os.path.exists, _OF_DEBIAN[:2])), reason="Kamailio or rtpengine is not installed")
def test_an_edge_of_the_package_runs_is_told_of_nodes_and_numbers_and_drains(machine: Run, unpacked: Path):
    reloaded = started(unpacked, "duologue-edge.service", "ExecReload", -1)
    said = machine(f"""
        {PREPARE}
        {UNTIL}
        DUOLOGUE_EDGE_OPTIONS="--inside 127.0.0.2:5070 --outside 127.0.0.1 --nodes-from 127.0.0.0/8"
        {started(unpacked, "duologue-edge.service")}
        {started(unpacked, "duologue-rtpengine.service")} >/tmp/rtpengine.log 2>&1 & sound=$!
        until_it sh -c 'ss -lun | grep -q 127.0.0.1:22222'
        {started(unpacked, "duologue-kamailio.service")} >/tmp/kamailio.log 2>&1 & sip=$!
        ask="kamcmd -s unix:/run/duologue-edge/kamailio.sock"
        until_it $ask core.uptime
        printf '1 sip:127.0.0.4:5060 0 0\\n' >/run/duologue-edge/dispatcher.list
        $ask dispatcher.reload >/dev/null
        $ask dispatcher.list | grep -c 'URI: sip:127.0.0.4:5060'
        $ask rtpengine.show all | grep -c 'disabled: 0' || $ask rtpengine.show all
        sed -i s/12025550100/12025550101/ /run/duologue-edge/trunks.yaml
        {reloaded}
        {invite("127.0.0.9")}
        {started(unpacked, "duologue-kamailio.service", "ExecStop")} 2>/dev/null && echo drained
        {invite("127.0.0.9")}
        kill $sip $sound; wait $sip && echo left || cat /tmp/kamailio.log
        stat -c %U:%a /run/duologue-edge/kamailio.cfg
    """)
    assert said.split() == ["1", "1", "486", "drained", "503", "left", "duologue:600"]


@needs_debian
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, for a mount namespace")
def test_the_container_file_makes_a_place_where_the_command_runs(machine: Run):
    """Its steps but those of apt-get, which needs a mirror; there is no engine here that would build it."""
    text = (deb.PSTN / "debian/Containerfile").read_text()
    [steps] = re.findall(r"^RUN (.*?)(?<!\\)$", text, re.MULTILINE | re.DOTALL)
    commands = [step.strip() for step in steps.replace("\\\n", " ").split("&&") if "apt-get" not in step]
    user, folder, entry = (
        re.findall(rf"^{word} (.*)$", text, re.MULTILINE)[0] for word in ("USER", "WORKDIR", "ENTRYPOINT")
    )
    [program] = json.loads(entry)
    said = machine(f"""
        cp $DEB /tmp/duologue-pstn_0.1.0_amd64.deb
        {" && ".join(commands)}
        cd {folder}
        setpriv --reuid={user} --regid={user} --clear-groups {program} serve --help | head -1
        ls /etc/duologue /tmp/*.deb 2>/dev/null || echo clean
    """)
    assert said.splitlines()[-2:] == ["usage: duologue-pstn serve [-h]", "clean"]
