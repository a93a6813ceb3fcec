"""``./run bench [NAME] [--json]``: the measured figures, one command each."""

import argparse
import importlib
import json
import sys

from bench.figures import show

#: Benchmarks by name; each module has ``measure(scale) -> Figures``.
NAMES = ("end_to_end", "build", "check", "history", "hostile", "signing")


def main() -> None:
    """Run the benchmarks asked for and print their tables; with --json, one last line of JSON."""
    parser = argparse.ArgumentParser(prog="./run bench", description=__doc__)
    parser.add_argument("name", nargs="?", choices=NAMES, help="one benchmark; all when left out")
    parser.add_argument("--json", action="store_true", help="end with one line that holds every figure")
    parser.add_argument("--claims", type=int, default=2_000, help="how many claims go through (default 2000)")
    options = parser.parse_args()
    results: dict[str, object] = {}
    for name in [options.name] if options.name else NAMES:
        figures = importlib.import_module(f"bench.{name}").measure(options.claims)
        show(name, figures)
        results[name] = {figure.name: figure.to_json() for figure in figures}
    if options.json:
        sys.stdout.write(json.dumps(results, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
