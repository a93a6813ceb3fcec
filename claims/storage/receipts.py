"""Whose a transaction number is: an answer that bears another submission's number was about that one."""

from collections.abc import Sequence

from psycopg import Connection
from psycopg.rows import TupleRow

from claims.exchange.ports import Sent


def leave_to_owners(connection: Connection[TupleRow], results: Sequence[Sent]) -> Sequence[Sent]:
    """Turn receipts that are not proven into doubt where their number is another submission's already.

    In the caller's transaction: the numbers are locked, so of two workers with one number the second sees it
    (submission_of_receipt).
    """
    numbers = [one.receipt.ma_giao_dich for one in results if one.receipt and one.otherwise]
    if not numbers:
        return results
    connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(number, 1)) FROM "
        "(SELECT DISTINCT number FROM unnest(%s::text[]) AS number ORDER BY number) AS numbers",
        [numbers],
    )
    rows = connection.execute(
        "SELECT ma_giao_dich, id FROM submission WHERE ma_giao_dich = ANY(%s)", [numbers]
    ).fetchall()
    owners: dict[str, str] = dict(rows)
    return [_leave_to_owner(one, owners) for one in results]


def _leave_to_owner(one: Sent, owners: dict[str, str]) -> Sent:
    if one.receipt is None or one.otherwise is None:
        return one
    owner = owners.setdefault(one.receipt.ma_giao_dich, one.id)
    return one if owner == one.id else one.otherwise
