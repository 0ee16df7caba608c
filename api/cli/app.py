"""The list of commands, and what every command does with an error: one line on standard error, and an exit code.

0 done; 1 ran, but a check failed; 2 bad input or usage; 3 a needed service is missing; 130 interrupted.
"""

from __future__ import annotations

import sys

import typer

from api.cli import (
    attack,
    bench,
    calibrate,
    data,
    doctor,
    evals,
    experts,
    ingest,
    init,
    judge,
    keys,
    predict,
    review,
    serve,
    train,
)
from api.cli.group import Group
from api.cli.output import safe
from signalbox.errors import DeadlineExceeded, MissingDependency, SignalboxError, Unavailable, UpstreamError

app = typer.Typer(
    name="signalbox",
    cls=Group,
    help="Routes each query to the cheapest answer that keeps the promised error rate.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for command in (init.init, serve.serve, predict.predict, ingest.ingest, calibrate.calibrate, doctor.doctor):
    app.command()(command)
app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(bench.bench)
app.add_typer(keys.app, name="keys")
app.add_typer(review.app, name="review")
app.add_typer(train.app, name="train")
app.add_typer(data.app, name="data")
app.add_typer(experts.app, name="experts")
app.add_typer(attack.app, name="attack")
app.add_typer(evals.app, name="eval")
app.add_typer(judge.app, name="judge")

BAD_INPUT, SERVICE_MISSING, INTERRUPTED = 2, 3, 130


def exit_code(error: SignalboxError) -> int:
    missing = isinstance(error, Unavailable | UpstreamError | DeadlineExceeded | MissingDependency)
    return SERVICE_MISSING if missing else BAD_INPUT


def main() -> None:
    """The entry point. Never shows a traceback for an error raised on purpose."""
    try:
        # Outside its standalone mode Typer raises usage errors, which it would print as several lines otherwise.
        sys.exit(app(standalone_mode=False) or 0)
    except SignalboxError as error:
        where = f"{error.field}: " if error.field and error.field not in error.detail else ""
        sys.exit(_say(f"{where}{error.detail}", exit_code(error)))
    except typer.TyperException as error:
        sys.exit(_usage(error))
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(_say("interrupted", INTERRUPTED))
    except BrokenPipeError:
        sys.exit(0)


def _say(message: str, code: int) -> int:
    print(f"signalbox: {safe(' '.join(message.split()))}", file=sys.stderr)  # noqa: T201
    return code


def _usage(error: typer.TyperException) -> int:
    context = getattr(error, "ctx", None)
    message = str(getattr(error, "format_message", lambda: str(error))())
    if "\n" in message:  # no command was given: the message is the help
        print(message, file=sys.stderr)  # noqa: T201
        return BAD_INPUT
    return _say(f"{message.rstrip('.')}. See `{context.command_path if context else 'signalbox'} --help`.", BAD_INPUT)
