"""The `claims` command."""

import os
import signal
import sys

from claims.cli.output import Exit, say


def main() -> None:
    """Run the command line and exit with a code that says how it went."""
    # What a command started ends with it, also when it is asked to stop by a signal.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    sys.exit(_run())


def use_format_folder_of_environment() -> None:
    """Add the folder of CLAIMS_FORMAT_FOLDER, which counts for commands that read no other setting too."""
    folder = os.environ.get("CLAIMS_FORMAT_FOLDER")
    if folder:
        from pathlib import Path

        from claims.bundle.format import use_format_folder

        use_format_folder(Path(folder))


def _run() -> int:
    import typer
    from typer.exceptions import TyperException

    from claims.cli.app import app
    from claims.cli.helping import NAMES, describe_usage, reading_language, without_language
    from claims.errors import ClaimsError
    from signing.errors import SigningError

    arguments, asked = without_language(sys.argv[1:])
    wants_help = not {*NAMES}.isdisjoint(arguments)
    language = reading_language(asked, os.environ)
    try:
        use_format_folder_of_environment()
        result = app(arguments if wants_help else None, standalone_mode=False, obj=language)
    except TyperException as error:
        if said := describe_usage(error, language):
            say(said)
        return Exit.USAGE
    except (typer.Abort, KeyboardInterrupt):
        say("stopped")
        return 130
    except typer.Exit as ended:
        return ended.exit_code
    except (ClaimsError, SigningError, OSError) as error:
        from claims.cli.failures import exit_code_of

        say(f"error: {error}")
        return exit_code_of(error)
    except Exception:  # noqa: BLE001 - the last resort of a command
        from rich.traceback import Traceback

        from claims.cli.output import console

        console().print(Traceback(show_locals=False))
        say("error: this is a fault in eHoSo; please report it with the lines above")
        return Exit.INTERNAL
    return result if isinstance(result, int) else Exit.FINE
