"""The folder in which one service's processes keep their numbers for a common answer.

prometheus-client decides at its first import whether it works with such a folder, so this module must come
first and imports nothing of it.
"""

import os
import shutil

from claims.runtime.settings import Settings

_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def prepare_metrics_folder(settings: Settings, name: str) -> None:
    """Make the folder empty and tell this process and its children of it, if anybody is to ask for metrics.

    What an earlier life left there would be counted again.
    """
    if settings.metrics_port is None and settings.metrics_key is None:
        os.environ.pop(_VARIABLE, None)
        return
    folder = settings.data_dir / "metrics" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.environ[_VARIABLE] = str(folder)
