"""The OpenAPI document: FastAPI's, with errors described as the problem details they are, and who may do what."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI

from api.auth.access import rule_of
from api.http.errors import MEDIA_TYPE, Problem

Responses = dict[int | str, dict[str, Any]]


def problems(*statuses: int) -> Responses:
    """The error responses of a route, for its `responses`."""
    return {status: {"model": Problem, "description": HTTPStatus(status).phrase} for status in statuses}


def install(app: FastAPI) -> None:
    """FastAPI files every model under application/json; problems have a media type of their own."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = generate()
            _secure(document)
            _retype(document)
        assert app.openapi_schema is not None
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _secure(document: dict[str, Any]) -> None:
    """Say of each operation which roles may call it, how a key is shown, and what the gate may answer."""
    schemes = document.setdefault("components", {}).setdefault("securitySchemes", {})
    schemes["key"] = {"type": "http", "scheme": "bearer", "description": "An API key. Needed once there is one."}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if "4XX" not in operation["responses"]:
                for status in (400, 408, 431):  # given by the server, before any route is known
                    operation["responses"].setdefault(str(status), _problem(status))
            rule = rule_of(method.upper(), path, path)
            if rule is None or rule.public:
                continue
            operation["security"] = [{"key": []}, {}]
            operation["x-roles"] = sorted(rule.roles)
            if "4XX" not in operation["responses"]:
                for status in (401, 403, 429):
                    operation["responses"].setdefault(str(status), _problem(status))


def _problem(status: int) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: {"schema": schema}}}


def _retype(document: dict[str, Any]) -> None:
    reference = "#/components/schemas/Problem"
    for operations in document["paths"].values():
        for operation in operations.values():
            for response in operation["responses"].values():
                content = response.get("content", {})
                if content.get("application/json", {}).get("schema", {}).get("$ref") == reference:
                    content[MEDIA_TYPE] = content.pop("application/json")
