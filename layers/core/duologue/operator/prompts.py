"""`duologue prompt …`: what calls play, an app's own prompts and the platform's."""

import argparse
from pathlib import Path
from typing import Any

from duologue.call_control.prompts import Prompt
from duologue.domain.errors import InvalidField
from duologue.operator.platform import Platform, Said
from duologue.usecases.keep_prompts import prompts_of, put_own_prompts, put_prompt, remove_prompt


def add_to(kinds: Any) -> None:
    prompt = kinds.add_parser("prompt", help="what calls play").add_subparsers(
        metavar="put|list|remove|put-own", required=True
    )
    command = prompt.add_parser("put", help="keep a WAV file (8 kHz mono, PCM 16 bit or A-law, 2 MB) for an app")
    command.add_argument("key", help="the app's key")
    command.add_argument("file", type=Path)
    command.add_argument("--name", help="under which requests name it (default: the file's)")
    command.set_defaults(command=_put)
    command = prompt.add_parser("list", help="the prompts of an app, with their seconds")
    command.add_argument("key", help="the app's key")
    command.set_defaults(command=_list)
    command = prompt.add_parser("remove", help="take a prompt of an app away")
    command.add_argument("key", help="the app's key")
    command.add_argument("name")
    command.set_defaults(command=_remove)
    command = prompt.add_parser("put-own", help="keep the platform's own prompts, from files named after them")
    command.add_argument("folder", type=Path)
    command.set_defaults(command=_put_own)


def _put(asked: argparse.Namespace, platform: Platform) -> Said:
    name = asked.name or asked.file.name
    seconds = put_prompt(asked.key, name, _content(asked.file), apps=platform.accounts, store=platform.prompts)
    return {"app_key": asked.key, "name": name, "seconds": seconds}


def _list(asked: argparse.Namespace, platform: Platform) -> Said:
    return {"app_key": asked.key, "prompts": dict(prompts_of(asked.key, apps=platform.accounts))}


def _remove(asked: argparse.Namespace, platform: Platform) -> Said:
    remove_prompt(asked.key, asked.name, apps=platform.accounts, store=platform.prompts)
    return {"app_key": asked.key, "removed": asked.name}


def _put_own(asked: argparse.Namespace, platform: Platform) -> Said:
    contents = {prompt: _content(asked.folder / f"{prompt.value}.wav") for prompt in Prompt}
    seconds = put_own_prompts(contents, store=platform.prompts)
    return {"prompts": {prompt.value: length for prompt, length in seconds.items()}}


def _content(file: Path) -> bytes:
    """Raises InvalidField: it cannot be read."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise InvalidField(str(file), f"cannot be read: {error.strerror}") from error
