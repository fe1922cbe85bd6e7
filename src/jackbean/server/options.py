"""What an installation is started with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ServeOptions:
    """The flags of `jackbean serve`. `engine` is auto, or a mode of the process engine."""

    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 8700
    http_port: int = 7080
    engine: str = "auto"
    domain: str = "localhost"
    region: str = "us-east-1"
