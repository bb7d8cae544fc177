"""Connections with TLS, against a stub server with a certificate made for the purpose."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from nianbao import Client, NianbaoError, Tls, v1
from stub import serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stub import Stub

NAME = "organs/a/reports/2023-own"


@pytest.fixture(scope="session")
def certificate() -> tuple[Path, Path]:
    """Certificate and key."""
    folder = Path(os.environ["NIANBAO_TLS"])
    return folder / "cert.pem", folder / "key.pem"


@pytest.fixture(params=[False, True], ids=["anyone", "known clients only"])
def secure(
    stub: Stub, certificate: tuple[Path, Path], request: pytest.FixtureRequest
) -> Iterator[int]:
    cert, key = (path.read_bytes() for path in certificate)
    credentials = grpc.ssl_server_credentials(
        [(key, cert)], cert, require_client_auth=request.param
    )
    server, port = serve(stub, credentials=credentials)
    yield port
    server.stop(None).wait()


def test_a_client_with_the_authority_and_a_certificate_gets_through(
    connect: Callable[..., Client], secure: int, stub: Stub, certificate: tuple[Path, Path]
) -> None:
    stub.answers["GetReport"] = lambda *_: v1.Report(name=NAME)
    cert, key = certificate
    client = connect(secure, Tls(ca_file=cert, certificate_file=cert, key_file=key))
    assert client.get(NAME).name == NAME


@pytest.mark.parametrize("secure", [True], indirect=True)
def test_a_client_without_a_certificate_is_turned_away(
    connect: Callable[..., Client], secure: int, certificate: tuple[Path, Path]
) -> None:
    with pytest.raises(NianbaoError) as raised:
        connect(secure, Tls(ca_file=certificate[0])).get(NAME)
    assert raised.value.code is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize("secure", [False], indirect=True)
def test_the_roots_of_the_system_are_the_default(
    connect: Callable[..., Client],
    secure: int,
    certificate: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(NianbaoError):
        connect(secure, Tls()).get(NAME)
    # What a system trusts, OpenSSL reads from there.
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    connect(secure, Tls()).get(NAME)


@pytest.mark.parametrize("secure", [False], indirect=True)
def test_a_folder_of_roots_is_read_where_there_is_no_file(
    connect: Callable[..., Client],
    secure: int,
    certificate: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    (tmp_path / "root.pem").write_bytes(certificate[0].read_bytes())
    (tmp_path / "notes.txt").write_text("no certificate")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "absent"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    connect(secure, Tls()).get(NAME)


@pytest.mark.parametrize("secure", [False], indirect=True)
def test_a_plaintext_client_does_not_get_through_tls(
    connect: Callable[..., Client], secure: int
) -> None:
    with pytest.raises(NianbaoError) as raised:
        connect(secure).get(NAME)
    assert raised.value.code is grpc.StatusCode.UNAVAILABLE


def test_a_certificate_without_its_key_is_refused() -> None:
    with pytest.raises(ValueError, match="together"):
        Tls(certificate_file="cert.pem")


def test_a_file_that_is_absent_is_named() -> None:
    with pytest.raises(FileNotFoundError, match="no-such"):
        Client("localhost:1", Tls(ca_file="no-such.pem"))


@pytest.mark.parametrize("meant", [Tls, None, "tls"])
def test_what_is_no_transport_does_not_end_in_the_clear(
    connect: Callable[..., Client],
    meant: Any,  # noqa: ANN401 - the wrong thing
) -> None:
    with pytest.raises(TypeError, match="transport"):
        connect("localhost:1", meant)
