"""The root of every error the service raises about its own work.

A bad claim is data (a finding); an error here means that something could not do its work
or was asked for what it may not do. Each package hangs its own small tree below this class.
"""


class ClaimsError(Exception):
    """Something the service could not or must not do."""
