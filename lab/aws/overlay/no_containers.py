"""MiniStack cleans up Docker containers when it starts and stops; the lab has none and must not touch anybody's."""

from __future__ import annotations

from lab.aws.engine import part


def apply() -> None:
    """Let it see no Docker."""
    app = part("app")
    app._docker_socket_present = lambda: False
    app._stop_docker_containers = lambda *_: None
    app.container_reaper.start = lambda *_: None
