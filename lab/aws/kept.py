"""What `make up ARGS=--keep` keeps of an account over a restart: the data of its stack, not the stack.

The stack is deployed anew each time, and gets back the rows of its tables, the objects of its buckets and its KMS keys,
without the events that writing them would cause. Its tables have the same names after each deployment by themselves,
its buckets and keys get those that they had. What is lost: executions that were running, messages in queues, logs and
metrics.

MiniStack's own persistence is not used: it saves only at the end, each service in its own file, so a kill would leave
files of different moments; and it would restore a stack whose telephone network is gone.

    state.json       one moment of everything; replaced in one step, so it is never half of anything
    objects/<hash>   the content of one object; named by its SHA-256, written before the state that refers to it
    lock             held by the lab that uses the folder
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lab.aws.cloud import Cloud, CloudError
from lab.aws.ministack import ministack
from lab.aws.overlay import cold_partitions

_FORMAT = 1
_SAVE_EVERY_S = 1.0
_SETTLED_S, _POLL_S = 1.0, 0.1
_SHARE = 20
"""A save is followed by a pause of at least so many times its own duration."""


def _versions() -> dict[str, Any]:
    """What wrote a state. Only the same can read it: rows and records may differ in any other."""
    return {"format": _FORMAT, "ministack": version("ministack"), "duologue": version("duologue")}


class _Refused(Exception):
    """A kept state cannot be used; the message says why."""


@dataclass
class State:
    """One moment of an account.

    Attributes:
        tables: items by table, partition key and sort key, as DynamoDB's JSON has them.
        names: the names of the buckets, by their logical ids in the template.
        buckets: by bucket and key: MiniStack's record of an object, with the hash of its content, and its tags.
        keys: MiniStack's records of the KMS keys, by their logical ids in the template.
        about: what the command keeps beside it, as JSON.
    """

    tables: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    buckets: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    keys: dict[str, dict[str, Any]] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)


class KeptFolder:
    """Exclusive use of a folder with a state, until `close`.

    Attributes:
        state: the kept one; an empty one if there is none yet, or none that can be used.
        contents: what is in its objects, by hash.
        note: why the kept state was not used, and where it is now, in words for the user; else None.

    Raises:
        CloudError: another lab uses it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = (folder / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise CloudError(f"another lab keeps its state in {folder}") from None
        self.note: str | None = None
        try:
            self.state, self.contents = self._read()
        except _Refused as refused:
            self.state, self.contents = State(), {}
            self.note = (
                f"The kept state was not used: {refused}. It is now in {self._set_aside()}; this lab begins anew."
            )

    def close(self) -> None:
        self._lock.close()

    def _read(self) -> tuple[State, dict[str, bytes]]:
        """Everything or nothing. Raises: _Refused."""
        file = self.folder / "state.json"
        if not file.exists():
            return State(), {}
        try:
            written = json.loads(file.read_text(encoding="utf-8"), object_hook=_persistence()._json_object_hook)
            writer = written.pop("versions")
            if writer != _versions():
                raise _Refused(f"{_words(writer)} wrote it, and this is {_words(_versions())}")
            state = State(**written)
            wanted = {each["content"] for objects in state.buckets.values() for each in objects.values()}
            contents = {name: (self.folder / "objects" / name).read_bytes() for name in wanted}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise _Refused(f"it cannot be read ({type(error).__name__}: {error})") from error
        damaged = [name for name, content in contents.items() if hashlib.sha256(content).hexdigest() != name]
        if damaged:
            raise _Refused(f"the content of {len(damaged)} objects is damaged")
        for file in (self.folder / "objects").glob("*"):
            if file.name not in wanted:  # written for a state that was never completed, or deleted since
                file.unlink()
        return state, contents

    def _set_aside(self) -> Path:
        """Move the state away, so that nothing of it is overwritten; returns where it is now."""
        until = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
        aside = Path(tempfile.mkdtemp(prefix=f"{self.folder.name}-until-{until}-", dir=self.folder.parent))
        for name in ("state.json", "objects"):
            with contextlib.suppress(FileNotFoundError):
                (self.folder / name).rename(aside / name)
        return aside

    def write(self, state: str, contents: Mapping[str, bytes]) -> None:
        """Replace the kept state, which is JSON. `contents`: by hash; what is there already is not written again."""
        objects = self.folder / "objects"
        objects.mkdir(exist_ok=True, mode=0o700)
        for name, content in contents.items():
            if not (objects / name).exists():
                _replace(objects / name, content)
        _replace(self.folder / "state.json", state.encode())


def _replace(file: Path, content: bytes) -> None:
    """Write a file that only its owner can read, in one step even if the machine stops."""
    fresh = file.with_name(f".{file.name}.fresh")
    with open(fresh, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(file)


def _words(versions: Mapping[str, Any]) -> str:
    return f"Duologue {versions['duologue']} with MiniStack {versions['ministack']}, format {versions['format']}"


def _persistence() -> Any:
    """MiniStack's JSON of bytes."""
    return ministack("core.persistence")


@contextlib.contextmanager
def identities_of(state: State) -> Iterator[None]:
    """A stack created in here gets the kept names of its buckets, and the kept ids and material of its KMS keys."""
    handlers = ministack("services.cloudformation.provisioners")._RESOURCE_HANDLERS
    stock = {kind: handlers[kind]["create"] for kind in ("AWS::S3::Bucket", "AWS::KMS::Key")}

    def create_bucket(logical_id: str, properties: Any, stack: str) -> Any:
        name = {"BucketName": state.names[logical_id]} if logical_id in state.names else {}
        return stock["AWS::S3::Bucket"](logical_id, {**properties, **name}, stack)

    def create_key(logical_id: str, properties: Any, stack: str) -> Any:
        physical_id, attributes = stock["AWS::KMS::Key"](logical_id, properties, stack)
        kept = state.keys.get(logical_id)
        if kept is None:
            return physical_id, attributes
        keys = ministack("services.kms")._keys
        record = keys[physical_id]
        del keys[physical_id]
        same = ("KeyId", "Arn", "_symmetric_key", "_hmac_key")
        record.update({name: kept[name] for name in same if name in kept})
        keys[record["KeyId"]] = record
        return record["KeyId"], {"Arn": record["Arn"], "KeyId": record["KeyId"]}

    handlers["AWS::S3::Bucket"]["create"], handlers["AWS::KMS::Key"]["create"] = create_bucket, create_key
    try:
        yield
    finally:
        for kind, create in stock.items():
            handlers[kind]["create"] = create


def restore(cloud: Cloud, kept: KeptFolder) -> None:
    """Put rows and objects into the tables and buckets that the stack has again; others are left out.

    No stream, notification or event tells of it: the platform has processed them before.
    """

    async def put() -> None:
        dynamodb, s3 = ministack("services.dynamodb"), ministack("services.s3")
        for (_, _, name), table in dynamodb._tables.all_items():
            table["items"] = defaultdict(dict, kept.state.tables.get(name, {}))
            dynamodb._items_replaced(table)
        for (account, name), bucket in s3._buckets._data.items():
            for key, stored in kept.state.buckets.get(name, {}).items():
                bucket["objects"][key] = {**stored["record"], "body": kept.contents[stored["content"]]}
                if stored["tags"]:
                    s3._object_tags._data[account, (name, key, None)] = stored["tags"]

    cloud.run(put())


class Keeper:
    """Saves the state of an account every second if it has changed, and at `close`.

    Args:
        resources: physical ids by logical ids: what belongs to the stack.
        kept: where to; `about` of its state is saved as it is then.
    """

    def __init__(self, cloud: Cloud, resources: Mapping[str, str], kept: KeptFolder) -> None:
        self._cloud, self._kept = cloud, kept
        self._names = set(resources.values())
        self._logical = {physical: logical for logical, physical in resources.items()}
        self._hashes: dict[tuple[str, str, str], str] = {}
        self._last = ""
        self._saving, self._closing = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)

    def start(self) -> None:
        self.save()
        self._thread.start()

    def save(self) -> bool:
        """Save now; False: nothing has changed. Raises: OSError."""
        contents: dict[str, bytes] = {}
        with self._saving:
            state = self._cloud.run(self._take(contents))
            if state == self._last:
                return False
            self._kept.write(state, contents)
            self._last = state
            return True

    def settle(self, seconds: float) -> None:
        """Wait until nothing has changed for a second, at most so long."""
        deadline = since = time.monotonic()
        deadline += seconds
        while time.monotonic() < min(since + _SETTLED_S, deadline):
            if self._try():
                since = time.monotonic()
            time.sleep(_POLL_S)

    def close(self) -> None:
        """Save a last time. The cloud must still be running."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()
        self._try()

    def _try(self) -> bool:
        """Save now, or say why that is not possible; False: nothing is saved."""
        try:
            return self.save()
        except OSError as error:
            print(f"The state could not be saved in {self._kept.folder}: {error}", file=sys.stderr)
            return False

    def _run(self) -> None:
        pause = _SAVE_EVERY_S
        while not self._closing.wait(pause):
            since = time.monotonic()
            self._try()
            pause = max(_SAVE_EVERY_S, _SHARE * (time.monotonic() - since))

    async def _take(self, contents: dict[str, bytes]) -> str:
        """The state as JSON. Runs on the server's loop, where no request is half done."""
        dynamodb, s3, kms = (ministack(f"services.{name}") for name in ("dynamodb", "s3", "kms"))
        tables = {
            name: rows_of(table["items"]) for (_, _, name), table in dynamodb._tables.all_items() if name in self._names
        }
        buckets: dict[str, dict[str, Any]] = {}
        for (account, name), bucket in s3._buckets._data.items():
            if name not in self._names:
                continue
            buckets[name] = {}
            for key, record in bucket["objects"].items():
                digest = self._hash(name, key, record)
                contents[digest] = record["body"]
                buckets[name][key] = {
                    "record": {field: value for field, value in record.items() if field != "body"},
                    "content": digest,
                    "tags": s3._object_tags._data.get((account, (name, key, None)), {}),
                }
        keys = {self._logical[id_]: record for (_, _, id_), record in kms._keys._data.items() if id_ in self._logical}
        names = {self._logical[name]: name for name in buckets}
        state = {"versions": _versions(), **vars(State(tables, names, buckets, keys, self._kept.state.about))}
        return json.dumps(state, default=_persistence()._json_default)

    def _hash(self, bucket: str, key: str, record: Mapping[str, Any]) -> str:
        """SHA-256 of an object's content, computed once for each ETag."""
        known = (bucket, key, record["etag"])
        if known not in self._hashes:
            self._hashes[known] = hashlib.sha256(record["body"]).hexdigest()
        return self._hashes[known]


def rows_of(partitions: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """A table's items by partition and sort key, compressed partitions (overlay/cold_partitions.py) included."""
    with cold_partitions.WRITES:
        return {partition: dict(items.items()) for partition, items in partitions.items()}
