"""Guarding: every route is an action of the table of rights, or is public by name."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts


@dataclass(frozen=True, slots=True)
class GuardedRoute:
    """A route and the actions it asks for; none where anybody may call it.

    What asks is a dependency with an ``action``: of the API, the console, or another way to sign in.
    """

    method: str
    path: str
    actions: tuple[str, ...]


def routes_of(app: FastAPI) -> Iterator[GuardedRoute]:
    """Return every route of an application, however it was included."""
    # Not `app.routes`: an included router stands there as one thing, and its routes would go unseen.
    for route in iter_route_contexts(app.routes):
        dependant = getattr(route, "dependant", None)
        asked = [] if dependant is None else [one.call for one in dependant.dependencies]
        named = [getattr(one, "action", None) for one in asked]
        actions = tuple(one for one in named if isinstance(one, str))
        for method in sorted(route.methods or {"*"}):
            yield GuardedRoute(method, route.path or "", actions)


def refuse_unguarded(app: FastAPI, *, public: Collection[str]) -> None:
    """Refuse to start while a route does not say what its caller needs.

    Raises:
        AssertionError: One does not; or nothing was found to look at.
    """
    routes = list(routes_of(app))
    if not any(route.actions for route in routes):
        raise AssertionError("no route names an action: they are not looked at where they are")
    for route in routes:
        if not route.actions and route.path not in public:
            raise AssertionError(f"{route.method} {route.path} names no action")
