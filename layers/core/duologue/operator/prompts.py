"""`duologue prompt …`: prompts of an app and of the platform."""

import argparse
from pathlib import Path
from typing import Any

from duologue.call_control.prompts import Prompt
from duologue.domain.errors import InvalidField
from duologue.operator.platform import Platform, Said
from duologue.usecases.media.keep_prompts import put_own_prompts, put_prompt, remove_prompt


def add_to(kinds: Any) -> None:
    prompt = kinds.add_parser("prompt", help="prompts that calls play").add_subparsers(
        metavar="put|list|remove|put-own", required=True
    )
    command = prompt.add_parser(
        "put", help="upload a WAV file for an app (8 kHz, mono, 16-bit PCM or A-law, at most 2 MB)"
    )
    command.add_argument("key", help="the app's key")
    command.add_argument("file", type=Path)
    command.add_argument("--name", help="name that requests use (default: the file name)")
    command.add_argument(
        "--recording-notice",
        action="store_true",
        help="requests may name it as the recording notice; at least 1 s long, and not silent",
    )
    command.set_defaults(command=_put)
    command = prompt.add_parser("list", help="list the prompts of an app with their lengths in seconds")
    command.add_argument("key", help="the app's key")
    command.set_defaults(command=_list)
    command = prompt.add_parser("remove", help="delete a prompt of an app")
    command.add_argument("key", help="the app's key")
    command.add_argument("name")
    command.set_defaults(command=_remove)
    command = prompt.add_parser("put-own", help="upload the platform's own prompts from a folder of <prompt>.wav files")
    command.add_argument("folder", type=Path)
    command.set_defaults(command=_put_own)


def _put(asked: argparse.Namespace, platform: Platform) -> Said:
    name = asked.name or asked.file.name
    seconds = put_prompt(
        asked.key,
        name,
        _content(asked.file),
        apps=platform.accounts,
        store=platform.prompts,
        recording_notice=asked.recording_notice,
    )
    return {"app_key": asked.key, "name": name, "seconds": seconds, "recording_notice": asked.recording_notice}


def _list(asked: argparse.Namespace, platform: Platform) -> Said:
    app = platform.accounts.app_without_secrets(asked.key)
    return {"app_key": app.key, "prompts": dict(app.prompts), "recording_notices": list(app.recording_notices)}


def _remove(asked: argparse.Namespace, platform: Platform) -> Said:
    remove_prompt(asked.key, asked.name, apps=platform.accounts, store=platform.prompts)
    return {"app_key": asked.key, "removed": asked.name}


def _put_own(asked: argparse.Namespace, platform: Platform) -> Said:
    contents = {prompt: _content(asked.folder / f"{prompt.value}.wav") for prompt in Prompt}
    seconds = put_own_prompts(contents, store=platform.prompts)
    return {"prompts": {prompt.value: length for prompt, length in seconds.items()}}


def _content(file: Path) -> bytes:
    """Raises InvalidField: the file cannot be read."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise InvalidField(str(file), f"cannot be read: {error.strerror}") from error
