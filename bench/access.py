"""What privacy costs: the encryption of a claim's content beside the check of the claim.

Content is compressed before it is encrypted, which is not for privacy's sake and is told apart.
"""

import os
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cramjam import lz4

from bench.check import signed_bundles
from bench.figures import Figure
from claims.runtime.master_keys import FolderOfMasterKeys
from claims.storage.vault import Part, Vault

_ROUNDS: Final = 5
_SUBMISSION: Final = "sub_01KASWY1C4R4T9QZ3R5J8M2X6B"


def measure(claims: int) -> list[Figure]:
    """Encrypt and decrypt bundles of the default mix, and check them, in one process.

    Args:
        claims: How many go through in all.
    """
    bundles, check = signed_bundles(max(claims // _ROUNDS, 1))
    with tempfile.TemporaryDirectory(prefix="ehoso-bench-") as folder:
        keys = FolderOfMasterKeys(Path(folder), os.urandom(32))
        keys.make(at=datetime.now(UTC))
        vault = Vault(keys)

        def store(bundle: bytes) -> None:
            key = vault.new_key(_SUBMISSION)
            if key is None:
                raise TypeError(key)
            stored = key.close(Part.BODY, bundle)
            # A claim's content is read twice: to be checked and to be delivered.
            for _ in range(2):
                vault.read(_SUBMISSION, Part.BODY, stored, key.lock)

        def pack(bundle: bytes) -> None:
            packed = lz4.compress_block(bundle)
            for _ in range(2):
                lz4.decompress_block(packed)

        for bundle in bundles[:50]:
            check(bundle)
            store(bundle)
        checking = storing = packing = 0.0
        for _ in range(_ROUNDS):
            for bundle in bundles:
                storing += _cpu_s(store, bundle)
                checking += _cpu_s(check, bundle)
                packing += _cpu_s(pack, bundle)
                checking += _cpu_s(check, bundle)
    done = _ROUNDS * len(bundles)
    checking /= 2
    encrypting = storing - packing
    return [
        Figure("check of a claim", checking / done * 1e6, "µs CPU"),
        Figure("compressing its content once, decompressing it twice", packing / done * 1e6, "µs CPU"),
        Figure("encrypting what that leaves once, decrypting it twice", encrypting / done * 1e6, "µs CPU"),
        Figure("share of a check", encrypting / checking, "", target=0.05, at_least=False),
    ]


def _cpu_s(do: Callable[[bytes], object], bundle: bytes) -> float:
    started = time.process_time()
    do(bundle)
    return time.process_time() - started
