"""The one error of this package."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar, cast

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from nianbao import v1
from nianbao._catalogue import dotted_ids

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from google.protobuf.any_pb2 import Any
    from google.protobuf.message import Message

DOMAIN = "nianbao.v1"
_PREFIX = "ERROR_REASON_"
_Details = TypeVar("_Details", bound="Message")


@dataclass(frozen=True)
class FieldViolation:
    """A rule that a request or a report broke."""

    # The id of the rule, such as `applicants.total`; a reason, such as `FILTER_INVALID`, where a
    # field is refused for what no rule of the schema says.
    rule_id: str
    field_path: str
    description: str
    message_zh: str


@dataclass(frozen=True)
class Precondition:
    """What did not hold, and of which organ or report."""

    type: str
    subject: str
    description: str


class NianbaoError(Exception):
    """A call that failed, or a report that was refused before it was sent.

    A program decides by `code` and `reason`, a person reads `text`. The gRPC error, where there was
    one, is the `__cause__`.
    """

    def __init__(
        self,
        code: grpc.StatusCode,
        message: str,
        *,
        reason: v1.ErrorReason.ValueType | str = v1.ERROR_REASON_UNSPECIFIED,
        message_zh: str = "",
        metadata: Mapping[str, str] = MappingProxyType({}),
        violations: Sequence[FieldViolation] = (),
        preconditions: Sequence[Precondition] = (),
        findings: Sequence[v1.Finding] = (),
        request_id: str = "",
    ) -> None:
        """Makes an error; those of calls are made by `from_rpc_error`."""
        super().__init__(message)
        self.code = code
        self.message = message
        # Of the enum where it is known; the word of the server where this package is older;
        # unspecified where the server had no part in it, as when a deadline passes.
        self.reason = reason
        self.message_zh = message_zh
        self.metadata = dict(metadata)
        self.violations = tuple(violations)
        self.preconditions = tuple(preconditions)
        # What was found before sending; a call that was refused has `violations`.
        self.findings = tuple(findings)
        self.request_id = request_id

    @property
    def reason_name(self) -> str:
        """The reason as a word, such as `REPORT_HAS_ERRORS`; empty where there is none."""
        if isinstance(self.reason, str):
            return self.reason
        return v1.ErrorReason.Name(self.reason).removeprefix(_PREFIX) if self.reason else ""

    @property
    def truncated(self) -> bool:
        """Whether there are more violations than the error could carry."""
        return self.metadata.get("truncated") == "true"

    def text(self, *, chinese: bool = False) -> str:
        """Says all of it in lines for a person, in English, or in Chinese as far as it goes."""
        says = (self.message_zh if chinese else "") or self.message
        lines = [f"{self.code.name} {self.reason_name}".rstrip() + f": {says}"]
        for violation in self.violations:
            what = (violation.message_zh if chinese else "") or violation.description
            place = f"{violation.field_path}: " if violation.field_path else ""
            lines.append(f"  {place}{what} [{violation.rule_id}]")
        lines += [f"  {broken.subject}: {broken.description}" for broken in self.preconditions]
        if self.truncated:
            lines.append("  …")
        if self.request_id:
            lines.append(f"  request_id {self.request_id}")
        return "\n".join(lines)

    def __str__(self) -> str:
        """Says all of it in English."""
        return self.text()


def from_rpc_error(error: grpc.RpcError, request_id: str = "") -> NianbaoError:
    """Makes the error of this package from one of gRPC, of either API."""
    # Both kinds of errors of calls have these; the bare class says nothing.
    code: grpc.StatusCode = getattr(error, "code", lambda: None)() or grpc.StatusCode.UNKNOWN
    details: str = getattr(error, "details", lambda: None)() or code.name
    status = _status(error)
    info = _first(status, error_details_pb2.ErrorInfo)
    known = info is not None and info.domain == DOMAIN
    return NianbaoError(
        code,
        status.message or details,
        reason=reason_of(info.reason) if info and known else v1.ERROR_REASON_UNSPECIFIED,
        message_zh=getattr(_first(status, error_details_pb2.LocalizedMessage), "message", ""),
        metadata=dict(info.metadata) if info else {},
        violations=[
            FieldViolation(
                rule_id=dotted_ids().get(violation.reason, violation.reason),
                field_path=violation.field,
                description=violation.description,
                message_zh=violation.localized_message.message,
            )
            for details in _all(status, error_details_pb2.BadRequest)
            for violation in details.field_violations
        ],
        preconditions=[
            Precondition(violation.type, violation.subject, violation.description)
            for details in _all(status, error_details_pb2.PreconditionFailure)
            for violation in details.violations
        ],
        request_id=request_id,
    )


def reason_of(word: str) -> v1.ErrorReason.ValueType | str:
    """Gives the reason of the enum for a word such as `REPORT_HAS_ERRORS`, else the word."""
    name = f"{_PREFIX}{word}"
    return v1.ErrorReason.Value(name) if name in v1.ErrorReason.DESCRIPTOR.values_by_name else word


def label_zh(reason: v1.ErrorReason.ValueType) -> str:
    """Gives what the schema calls a reason in Chinese."""
    value = v1.ErrorReason.DESCRIPTOR.values_by_number[reason]
    return value.GetOptions().Extensions[v1.label].zh


def _status(error: grpc.RpcError) -> status_pb2.Status:
    try:
        # Every error of a call is that call too, which the types do not say.
        status = rpc_status.from_call(cast("grpc.Call", error))
    except (AttributeError, ValueError, DecodeError):
        # An error without trailers, or with trailers that contradict it or cannot be read.
        status = None
    return status or status_pb2.Status()


def _all(status: status_pb2.Status, kind: type[_Details]) -> list[_Details]:
    messages = (_unpacked(packed, kind()) for packed in status.details)
    return [message for message in messages if message is not None]


def _unpacked(packed: Any, message: _Details) -> _Details | None:
    try:
        return message if packed.Unpack(message) else None
    except DecodeError:
        # A detail that cannot be read must not hide the error that it goes with.
        return None


def _first(status: status_pb2.Status, kind: type[_Details]) -> _Details | None:
    return next(iter(_all(status, kind)), None)
