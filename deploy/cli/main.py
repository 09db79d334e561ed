"""The `bellwether` command."""

import typer

from deploy.cli.doctor import doctor
from deploy.cli.replay import replay
from deploy.cli.simulate import simulate
from deploy.cli.status import status
from deploy.cli.up import up

app = typer.Typer(
    name="bellwether",
    help="Evaluates service performance while it happens, and fairly.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    rich_markup_mode="markdown",
)

app.command()(up)
app.command()(status)
app.command()(doctor)
app.command()(replay)
app.command()(simulate)


def main() -> None:
    app()


if __name__ == "__main__":
    main()
