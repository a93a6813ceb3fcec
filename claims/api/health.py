"""Health: whether the process lives, and whether it can do its work."""

from fastapi import APIRouter, Response

from claims.api.access import TheService

router = APIRouter(tags=["health"], include_in_schema=False)


@router.get("/livez")
def livez() -> dict[str, str]:
    """Say that the process answers."""
    return {"status": "alive"}


@router.get("/readyz")
def readyz(response: Response, service: TheService) -> dict[str, object]:
    """Say whether database and schema are as this version needs them."""
    checks = service.readiness()
    if not all(checks.values()):
        response.status_code = 503
    return {"status": "ready" if all(checks.values()) else "not ready", "checks": checks}
