"""A stub server, and both clients for it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import nianbao
from both import Blocking
from stub import Stub, serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def stub() -> Stub:
    return Stub()


@pytest.fixture
def port(stub: Stub) -> Iterator[int]:
    server, port = serve(stub)
    yield port
    server.stop(None).wait()


@pytest.fixture(params=["blocking", "asyncio"])
def connect(request: pytest.FixtureRequest) -> Iterator[Callable[..., nianbao.Client]]:
    """Connects to a port of this machine, once with each client."""
    clients: list[Any] = []

    def connect(
        target: int | str,
        transport: nianbao.Plaintext | nianbao.Tls = nianbao.Plaintext(),  # noqa: B008
        **options: Any,  # noqa: ANN401 - those of the client
    ) -> nianbao.Client:
        kind: Any = nianbao.Client if request.param == "blocking" else Blocking
        target = f"127.0.0.1:{target}" if isinstance(target, int) else target
        client: nianbao.Client = kind(target, transport, **options)
        clients.append(client)
        return client

    yield connect
    for client in clients:
        client.close()


@pytest.fixture
def client(connect: Callable[..., nianbao.Client], port: int) -> nianbao.Client:
    return connect(port)


@pytest.fixture(scope="session")
def examples() -> Path:
    """The folder of example data."""
    here = Path(__file__).resolve().parents[2] / "examples"
    return Path(os.environ.get("NIANBAO_EXAMPLES", here))


@pytest.fixture
def report(examples: Path) -> nianbao.v1.Report:
    """A report without faults."""
    return nianbao.read_report(examples / "report.json")
