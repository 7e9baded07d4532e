"""Runs that the client waits for."""

from __future__ import annotations

import httpx


def test_x(client: httpx.Client) -> None:
    answer = client.post("/Run/gesso/echo/sync", json={"text": "hello"})
    assert answer.json()["tasklist"][0]["pexit"] == "0"
