"""Writes the reference pages that follow from the code; ``--check`` says whether they are current."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from claims.api.problems import every_kind
from claims.bundle.messages import load_messages
from claims.exchange.lifecycle import PENDING, REPLAYABLE, TRANSITIONS, State
from claims.runtime.settings import PREFIX, Settings

FOLDER = Path(__file__).parent / "reference"
NOTE = "<!-- Written by docs/generate.py; change the code instead. -->\n"


def problems() -> str:
    """Return the page of every problem the API answers."""
    lines = [
        "# Problems\n",
        NOTE,
        "Every answer that is not a success is an RFC 9457 document of type `application/problem+json`. `code` is stable; "
        "`title` and `detail` are for people and may change. `request_id` finds the request in the service's log. When "
        "`retryable` is true, the same request may succeed later, and `Retry-After` says when to try.\n",
        "| code | status | title | retryable |",
        "| --- | --- | --- | --- |",
    ]
    lines += [
        f'| <a id="{kind.code}"></a>`{kind.code}` | {kind.status} | {kind.title} '
        f"| {'yes' if kind.retryable else 'no'} |"
        for kind in every_kind()
    ]
    return "\n".join(lines) + "\n"


def lifecycle() -> str:
    """Return the page that draws the life cycle."""
    arrows = [
        f"    {current.value} --> {target.value}" + (" : replay" if current in REPLAYABLE else "")
        for current in State
        for target in sorted(TRANSITIONS[current])
    ]
    resting = [
        f"    {state.value} --> [*]" for state in State if state not in PENDING and state not in REPLAYABLE
    ]
    return (
        "\n".join(
            [
                "# The life of a submission\n",
                NOTE,
                "```mermaid",
                "stateDiagram-v2",
                "    [*] --> received",
                *arrows,
                *resting,
                "```\n",
                "* **received** (L1): the bytes are durable; a check is due.",
                "* **checked** (L2): signature, schema and cross-checks passed; sending is due, now or at `next_attempt_at`.",
                "* **rejected**: a check found something that blocks; `cause` is the gravest finding's code.",
                "* **sending**: a worker holds a lease and talks to the gateway. A lease that runs out leads to outcome_unknown.",
                "* **outcome_unknown**: the gateway may have taken it. It is asked by SHA-256 before anything is sent again.",
                "* **acknowledged** (L3): the gateway gave its transaction number. Final; a replay is refused.",
                "* **refused**: the gateway's own verdict; trying again does not help until somebody acts.",
                "* **failed**: attempts are used up, or the check took its worker down three times.\n",
                "Every change writes an event in the same transaction: `GET /v1/submissions/{id}/events`.",
            ]
        )
        + "\n"
    )


def settings() -> str:
    """Return the page of every setting."""
    lines = [
        "# Settings\n",
        NOTE,
        f"Read once at start from the environment. A variable that begins with `{PREFIX}` and is not listed here stops "
        "start-up, and so does a value that makes no sense.\n",
        "| variable | default | meaning |",
        "| --- | --- | --- |",
    ]
    for name, field in Settings.model_fields.items():
        default = {"data_dir": "~/.local/share/ehoso", "check_processes": "one per core"}.get(
            name, field.default
        )
        shown = "" if default is None else f"`{default}`"
        lines.append(f"| `{PREFIX}{name.upper()}` | {shown} | {field.description} |")
    return "\n".join(lines) + "\n"


def findings() -> str:
    """Return the page of every finding a check can have."""
    lines = [
        "# Findings\n",
        NOTE,
        "A finding's `code` is stable; sentences may change. `*` stands for a table and field: "
        "`XML2.SO_LUONG.format` is the quantity of a medicine row in the wrong form.\n",
        "| code | tiếng Việt | English |",
        "| --- | --- | --- |",
    ]
    for code, sentences in sorted(load_messages().items()):
        vietnamese, english = (sentences[language].replace("|", "\\|") for language in ("vi", "en"))
        lines.append(f"| `{code}` | {vietnamese} | {english} |")
    return "\n".join(lines) + "\n"


PAGES: Mapping[str, Callable[[], str]] = {
    "problems.md": problems,
    "findings.md": findings,
    "lifecycle.md": lifecycle,
    "settings.md": settings,
}


def main() -> int:
    """Write the pages, or compare them with what is there."""
    stale = [name for name, page in PAGES.items() if not _is_current(FOLDER / name, page())]
    if "--check" in sys.argv:
        for name in stale:
            sys.stderr.write(
                f"docs/reference/{name} is not what the code says: run python docs/generate.py\n"
            )
        return 1 if stale else 0
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), "utf-8")
    return 0


def _is_current(path: Path, page: str) -> bool:
    return path.is_file() and path.read_text("utf-8") == page


if __name__ == "__main__":
    sys.exit(main())
