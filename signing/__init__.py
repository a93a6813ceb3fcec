"""XML signatures: sign, verify, judge certificates. Knows nothing of claims and is usable alone.

Start with ``signing.canonical.parse``, ``signing.verify.verify`` and ``signing.sign.sign_bundle``.
"""
