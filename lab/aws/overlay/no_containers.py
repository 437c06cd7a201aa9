"""MiniStack cleans up Docker containers when it starts and stops; the lab has none and must not touch others'."""

from __future__ import annotations

from lab.aws.ministack import ministack


def apply() -> None:
    """Hide Docker from MiniStack."""
    app = ministack("app")
    app._docker_socket_present = lambda: False
    app._stop_docker_containers = lambda *_: None
    app.container_reaper.start = lambda *_: None
