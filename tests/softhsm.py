"""SoftHSM: tokens in a folder of a test module's own."""

import os
import subprocess
from pathlib import Path
from typing import Final

from tests.conftest import require_tool

MODULE: Final = Path("/usr/lib/softhsm/libsofthsm2.so")
PIN: Final = "123456"


def lay_out(folder: Path) -> None:
    """Have tokens kept in a folder from now on; skip the test where SoftHSM is not installed."""
    require_tool("softhsm2-util")
    (folder / "tokens").mkdir()
    conf = folder / "softhsm2.conf"
    conf.write_text(f"directories.tokendir = {folder / 'tokens'}\nlog.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(conf)


def run_softhsm(*arguments: str | Path) -> None:
    """Run the tool that makes tokens and puts keys on them."""
    command = ["softhsm2-util", *map(str, arguments), "--pin", PIN]
    subprocess.run(command, check=True, capture_output=True, timeout=30)


def init_token(label: str) -> None:
    """Make an empty token."""
    run_softhsm("--init-token", "--free", "--label", label, "--so-pin", "87654321")


def see_tokens() -> None:
    """Have the module, which looks once, see the tokens that are there now."""
    import pkcs11  # not to be had on every platform

    pkcs11.lib(str(MODULE)).reinitialize()
