"""What both clients make a channel of."""

from __future__ import annotations

import json
import os
import re
import ssl
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc

if TYPE_CHECKING:
    from collections.abc import Iterable

_BEGIN = b"-----BEGIN CERTIFICATE-----"
# What the server takes for a principal, if one is given.
_PRINCIPAL = re.compile(r"[ -~]{0,128}")
# gRPC keeps 256 KiB of a call to send it again; a report may be as large as a message.
_RETRIED_BYTES_MAX = (4 << 20) + (64 << 10)
# A connection that is silent for so long is asked whether it lives: what drops it on the way often
# says nothing, and a watcher would wait for ever.
_KEEPALIVE_MS = 60_000

ChannelOption = tuple[str, Any]


@dataclass(frozen=True)
class Plaintext:
    """A connection that anybody on the way can read and change."""


@dataclass(frozen=True)
class Tls:
    """A connection with TLS.

    The server's certificate is held against `ca_file`, by default the roots of the system. A
    client that has to show a certificate names the files of it and of its key.
    """

    ca_file: str | os.PathLike[str] | None = None
    certificate_file: str | os.PathLike[str] | None = None
    key_file: str | os.PathLike[str] | None = None

    def __post_init__(self) -> None:
        """Refuses half a pair."""
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("a client certificate and its key are given together")

    def credentials(self) -> grpc.ChannelCredentials:
        """Reads the files."""
        roots = _system_roots() if self.ca_file is None else Path(self.ca_file).read_bytes()
        certificate = None if self.certificate_file is None else Path(self.certificate_file)
        key = None if self.key_file is None else Path(self.key_file)
        return grpc.ssl_channel_credentials(
            root_certificates=roots,
            private_key=key.read_bytes() if key else None,
            certificate_chain=certificate.read_bytes() if certificate else None,
        )


def credentials_of(transport: Plaintext | Tls) -> grpc.ChannelCredentials | None:
    """Gives the credentials of a transport, None in the clear; refuses what is no transport.

    The class `Tls` in place of `Tls()` must not end in the clear.
    """
    if isinstance(transport, Tls):
        return transport.credentials()
    if isinstance(transport, Plaintext):
        return None
    raise TypeError(f"the transport is Tls(…) or Plaintext(), not {transport!r}")


def checked(principal: str) -> str:
    """Gives the principal; refuses one that metadata of gRPC or the server would not take."""
    if not _PRINCIPAL.fullmatch(principal):
        raise ValueError(
            f"a principal is printable ASCII of up to 128 characters, not {principal!r}"
        )
    return principal


def _system_roots() -> bytes | None:
    """Gives the certificates that the system trusts; None, gRPC's own list, where it has none."""
    paths = ssl.get_default_verify_paths()
    if paths.cafile is not None:
        return Path(paths.cafile).read_bytes()
    # On Windows the store of the system, not a file.
    loaded = ssl.create_default_context().get_ca_certs(binary_form=True)
    if loaded:
        return "".join(map(ssl.DER_cert_to_PEM_cert, loaded)).encode()
    folder = Path(paths.capath or os.devnull)
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    contents = {file.read_bytes() for file in files if file.is_file()}
    return b"\n".join(sorted(c for c in contents if _BEGIN in c)) or None


@lru_cache(maxsize=1)
def service_config() -> dict[str, Any]:
    """Gives the published service config, of which the package has a copy."""
    text = resources.files("nianbao").joinpath("service_config.json").read_text(encoding="utf-8")
    config: dict[str, Any] = json.loads(text)
    return config


def deadlines(timeout: float | None) -> dict[str, float]:
    """Gives the seconds that a call of each method may take where the call itself does not say.

    `timeout` takes the place of those of the service config. A stream has none there.
    """
    seconds = {}
    for entry in service_config()["methodConfig"]:
        if "timeout" in entry:
            own = float(entry["timeout"].removesuffix("s"))
            for name in entry["name"]:
                seconds[f"/{name['service']}/{name['method']}"] = (
                    own if timeout is None else timeout
                )
    return seconds


def channel_options(options: Iterable[ChannelOption]) -> list[ChannelOption]:
    """Gives the options of a channel: those of the caller, then retries by the service config.

    The deadlines are left out, since gRPC takes those of the config as a limit that no call may
    pass. They are set on each call instead.
    """
    methods = [
        {key: value for key, value in entry.items() if key != "timeout"}
        for entry in service_config()["methodConfig"]
    ]
    return [
        # gRPC takes the first where an option is given twice.
        *options,
        ("grpc.service_config", json.dumps({"methodConfig": methods})),
        ("grpc.enable_retries", 1),
        # A server elsewhere must not change what is retried.
        ("grpc.service_config_disable_resolution", 1),
        ("grpc.per_rpc_retry_buffer_size", _RETRIED_BYTES_MAX),
        ("grpc.keepalive_time_ms", _KEEPALIVE_MS),
        # A watcher sends nothing, and after two questions without data gRPC would ask no more.
        ("grpc.http2.max_pings_without_data", 0),
    ]
