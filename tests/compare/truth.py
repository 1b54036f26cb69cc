"""Control face of the fake account."""

from __future__ import annotations

import json
import urllib.request
from decimal import Decimal


class Truth:
    """What the account holds, and how to change it."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        # Loopback only: no proxy of the environment.
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def ask(self, method: str, path: str, body: dict | None = None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.origin + path, data=data, method=method)
        with self.opener.open(request, timeout=300) as answer:
            return json.load(answer, parse_float=Decimal)

    def records(self, stream: str) -> list[dict]:
        return [held["record"] for held in self.ask("GET", f"/_sim/truth/{stream}")["records"]]
