"""notify in a process of its own, so that a test can kill it."""

import dataclasses
import sys

from services.notify.main import Notify, build_app
from services.notify.settings import NotifySettings
from shared.contracts.topics import BREACHES
from shared.runtime.http import serve
from shared.runtime.telemetry import configure_logging


def main(topic: str) -> None:
    settings = NotifySettings()
    configure_logging("notify", settings)
    notify = Notify(settings, dataclasses.replace(BREACHES, name=topic), group=topic)
    serve(build_app(settings, notify), settings.notify_host, settings.notify_port)


if __name__ == "__main__":
    main(*sys.argv[1:])
