"""What goes with each call: who calls, how long it may take, and the id of a write."""

from __future__ import annotations

import hashlib
import uuid
from typing import TYPE_CHECKING, NamedTuple, TypeVar, cast

from google.protobuf.message import Message

from nianbao import v1

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_PRINCIPAL = "nianbao-principal"
# Where the request id stands in a message of a stream.
_BEARERS = {v1.SubmitReportsRequest: "submission", v1.ImportOrgansRequest: "header"}

_Request = TypeVar("_Request")


class Defaults(NamedTuple):
    """What a client adds to its calls."""

    principal: str
    deadlines: Mapping[str, float]

    def timeout(self, method: str, own: float | None) -> float | None:
        """Gives the seconds that a call may take; what it says itself counts."""
        return self.deadlines.get(method) if own is None else own

    def metadata(
        self, own: Iterable[tuple[str, str | bytes]] | None
    ) -> list[tuple[str, str | bytes]]:
        """Gives the metadata of a call; a principal of its own counts."""
        metadata = list(own or ())
        if self.principal and not any(key == _PRINCIPAL for key, _ in metadata):
            metadata.append((_PRINCIPAL, self.principal))
        return metadata


def identified(request: _Request) -> _Request:
    """Gives a write an id where it has none, so that one that is sent again is done once.

    A call gets a random id. A submission in a stream gets one made of what it says, so that a
    stream that is run again is answered with its first answers. The caller's message stays as is.
    """
    bearer = _bearer(request)
    if bearer is None or request_id_of(request) or getattr(bearer, "validate_only", False):
        return request
    message = cast("Message", request)
    copy = type(message)()
    copy.CopyFrom(message)
    if isinstance(message, v1.SubmitReportsRequest):
        new = submission_id(message.submission)
    else:
        new = str(uuid.uuid4())
    setattr(_bearer(copy), "request_id", new)  # noqa: B010 - Message has no such field for mypy
    return cast("_Request", copy)


def request_id_of(request: object) -> str:
    """Gives the request id of a message; empty where it has none."""
    return getattr(_bearer(request), "request_id", "")


def submission_id(submission: v1.SubmitReportRequest) -> str:
    """Makes a request id of what a submission says, as the command line does.

    It is the SHA-256 of its encoding without a request id, in hex.
    """
    bare = v1.SubmitReportRequest()
    bare.CopyFrom(submission)
    bare.ClearField("request_id")
    return hashlib.sha256(bare.SerializeToString(deterministic=True)).hexdigest()


def _bearer(request: object) -> Message | None:
    """Gives the message that has the field of the request id, if one is there."""
    path = _BEARERS.get(type(request))
    if path is not None:
        message = cast("Message", request)
        return getattr(message, path) if message.HasField(path) else None
    if isinstance(request, Message) and "request_id" in request.DESCRIPTOR.fields_by_name:
        return request
    return None
