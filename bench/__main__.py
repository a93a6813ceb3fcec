"""``./run bench [NAME] [--json]``: the measured figures, one command each."""

import argparse
import importlib
import json
import sys

from bench.figures import show

#: Benchmarks by name; each module has ``measure(scale) -> Figures``.
NAMES = (
    "end-to-end",
    "build",
    "check",
    "history",
    "inbox",
    "operators",
    "replay",
    "hostile",
    "signing",
    "proof",
    "access",
    "reading",
)
#: Those that take long at their full size, and so run only when they are asked for.
LONG = ("national-day", "growth")
#: How many claims go through when nobody says.
CLAIMS = {"national-day": 535_600}


def main() -> None:
    """Run the benchmarks asked for and print their tables; with --json, one last line of JSON."""
    parser = argparse.ArgumentParser(prog="./run bench", description=__doc__)
    parser.add_argument(
        "name", nargs="?", choices=(*NAMES, *LONG), help="one benchmark; the short ones when left out"
    )
    parser.add_argument("--json", action="store_true", help="end with one line that holds every figure")
    parser.add_argument(
        "--claims", type=int, help="how many claims go through (default 2000; a whole national day)"
    )
    parser.add_argument(
        "--stored",
        type=int,
        nargs="+",
        help="growth: how many are stored already, ever more (default a million)",
    )
    options = parser.parse_args()
    results: dict[str, object] = {}
    for name in [options.name] if options.name else NAMES:
        more = {"stored": options.stored} if options.stored and name == "growth" else {}
        figures = importlib.import_module(f"bench.{name.replace('-', '_')}").measure(
            options.claims or CLAIMS.get(name, 2_000), **more
        )
        show(name, figures)
        results[name] = {figure.name: figure.to_json() for figure in figures}
    if options.json:
        sys.stdout.write(json.dumps(results, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
