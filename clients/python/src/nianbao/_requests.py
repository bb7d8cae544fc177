"""What both clients send and read, without any input or output over the network."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc

from nianbao import v1
from nianbao._calls import identified
from nianbao._connection import service_config
from nianbao.errors import FieldViolation, NianbaoError, label_zh, reason_of
from nianbao.findings import refusing, validate_offline

if TYPE_CHECKING:
    import os

    from google.protobuf.message import Message

# The server takes pieces of up to a mebibyte.
_CHUNK_BYTES = 256 << 10
# One message that is larger would end the stream for all that come after it.
_MESSAGE_BYTES_MAX = 4 << 20
_WATCH = {"service": "nianbao.v1.ReportService", "method": "WatchChanges"}


def submission(
    report: v1.Report | None,
    *,
    name: str = "",
    etag: str = "",
    explanations: Mapping[str, str] | None = None,
    as_published: str = "",
    validate_only: bool = False,
    request_id: str = "",
) -> v1.SubmitReportRequest:
    """Makes a submission; the caller's report stays as it is."""
    request = v1.SubmitReportRequest(
        name=name,
        etag=etag,
        as_published=bool(as_published),
        as_published_reason=as_published,
        validate_only=validate_only,
        request_id=request_id,
    )
    if report is not None:
        request.report.CopyFrom(report)
    elif explanations:
        raise ValueError("explanations go with a report: save them in the draft")
    for fingerprint, text in (explanations or {}).items():
        request.report.explanations.add(fingerprint=fingerprint, text=text)
    return request


def check(request: v1.SubmitReportRequest) -> None:
    """Raises what the server would say of a report's errors and unexplained warnings."""
    if not request.HasField("report"):
        raise ValueError("a stored draft is checked by the server: use validate_only")
    findings = validate_offline(request.report)
    if request.as_published or not (refused := refusing(request.report, findings)):
        return
    has_errors = refused[0].severity == v1.SEVERITY_ERROR
    reason = (
        v1.ERROR_REASON_REPORT_HAS_ERRORS if has_errors else v1.ERROR_REASON_WARNING_UNEXPLAINED
    )
    what = f"{len(refused)} errors" if has_errors else f"{len(refused)} unexplained warnings"
    raise NianbaoError(
        grpc.StatusCode.INVALID_ARGUMENT,
        f"the report has {what}; it was not sent",
        reason=reason,
        message_zh=label_zh(reason),
        violations=[
            FieldViolation(f.rule_id, f.field_path, f.message_en, f"{f.cell}：{f.message_zh}")
            for f in refused
        ],
        findings=findings,
    )


def getting(
    name: str, version: v1.GetReportRequest.Version.ValueType, as_of: str | datetime, at_least: str
) -> v1.GetReportRequest:
    """Makes a request for a report, as it stands or stood."""
    request = v1.GetReportRequest(name=name, version=version, at_least=at_least)
    _set_moment(request, as_of)
    return request


def summing(
    organ: str,
    years: int | Iterable[int],
    as_of: str | datetime,
    **options: Any,  # noqa: ANN401 - the fields of the request
) -> v1.AggregateReportsRequest:
    """Makes a request for sums."""
    listed = [years] if isinstance(years, int) else list(years)
    request = v1.AggregateReportsRequest(organ=organ, years=listed, **options)
    _set_moment(request, as_of)
    return request


def _set_moment(
    request: v1.GetReportRequest | v1.AggregateReportsRequest, as_of: str | datetime
) -> None:
    if isinstance(as_of, datetime):
        if as_of.tzinfo is None:
            raise ValueError("a time without a zone may mean several moments")
        request.as_of_time.FromDatetime(as_of.astimezone(timezone.utc))
    else:
        request.as_of_position = as_of


def document(
    source: str | os.PathLike[str] | bytes,
    *,
    file_name: str,
    organ: str,
    year: int,
    scope: v1.Scope.ValueType,
) -> Iterator[v1.ParseDocumentRequest]:
    """Makes the header and the pieces of a document, from its bytes or its file."""
    if not isinstance(source, bytes):
        file_name = file_name or Path(source).name
    header = v1.DocumentHeader(file_name=file_name, organ=organ, year=year, scope=scope)
    pieces = [v1.ParseDocumentRequest(chunk=chunk) for chunk in _chunks(source)]
    return iter([v1.ParseDocumentRequest(header=header), *pieces])


def organs(
    source: str | os.PathLike[str] | bytes, header: v1.ImportOrgansHeader | None
) -> Iterator[v1.ImportOrgansRequest]:
    """Makes the header and the pieces of a list of organs, from its bytes or its file."""
    pieces = [v1.ImportOrgansRequest(chunk=chunk) for chunk in _chunks(source)]
    return iter([v1.ImportOrgansRequest(header=header or v1.ImportOrgansHeader()), *pieces])


def _chunks(source: str | os.PathLike[str] | bytes) -> Iterator[bytes]:
    content = source if isinstance(source, bytes) else Path(source).read_bytes()
    return (content[at : at + _CHUNK_BYTES] for at in range(0, len(content), _CHUNK_BYTES))


def items_of(page: Message) -> Iterable[Any]:
    """Gives the items of a page: its one list."""
    [repeated] = [f for f in page.DESCRIPTOR.fields if f.is_repeated]
    items: Iterable[Any] = getattr(page, repeated.name)
    return items


@dataclass(frozen=True)
class Submitted:
    """What became of one item of a stream: it was taken, with a receipt, or refused."""

    # What was sent, with its request id.
    submission: v1.SubmitReportRequest
    answer: v1.SubmitReportsResponse

    @property
    def taken(self) -> bool:
        """Whether the report was taken."""
        return not self.answer.HasField("refusal")

    @property
    def error(self) -> NianbaoError | None:
        """What the refused item would have failed with by itself; None where it was taken."""
        if self.taken:
            return None
        refusal, findings = self.answer.refusal, list(self.answer.findings)
        codes = {code.value[0]: code for code in grpc.StatusCode}
        return NianbaoError(
            codes.get(refusal.code, grpc.StatusCode.UNKNOWN),
            refusal.message_en,
            reason=reason_of(refusal.reason),
            message_zh=refusal.message_zh,
            violations=[
                FieldViolation(f.rule_id, f.field_path, f.message_en, f"{f.cell}：{f.message_zh}")
                for f in refusing(self.submission.report, findings)
            ],
            findings=findings,
            request_id=self.submission.request_id,
        )


@dataclass
class Feed:
    """What a stream of submissions is made of, and which of them wait for their answers.

    gRPC reads the items elsewhere, and would drop what goes wrong there. So a failure ends the
    stream in order, and is raised when the answers to all that was sent have been taken.
    """

    as_published: str
    validate_only: bool
    # A submission that waits for its answer, or one that was refused here, with why.
    under_way: deque[tuple[v1.SubmitReportRequest, v1.SubmitReportsResponse | None]] = field(
        default_factory=deque
    )
    # How many were answered, those that were refused here among them.
    done: int = 0
    failure: BaseException | None = None
    # Whether no more items come: a server that ends the stream before has not heard all.
    exhausted: bool = False

    def item(self, item: v1.Report | v1.SubmitReportRequest) -> v1.SubmitReportsRequest | None:
        """Makes the message of an item; None where none can hold it."""
        if isinstance(item, v1.Report):
            item = submission(
                item, as_published=self.as_published, validate_only=self.validate_only
            )
        message = identified(v1.SubmitReportsRequest(submission=item))
        if message.ByteSize() > _MESSAGE_BYTES_MAX:
            self.under_way.append((message.submission, _too_large(message.submission)))
            return None
        self.under_way.append((message.submission, None))
        return message

    def items(
        self, items: Iterable[v1.Report | v1.SubmitReportRequest]
    ) -> Iterator[v1.SubmitReportsRequest]:
        """Yields the messages."""
        try:
            for item in items:
                message = self.item(item)
                if message is not None:
                    yield message
            self.exhausted = True
        except Exception as error:  # noqa: BLE001 - raised by `end`
            self.failure = error

    async def async_items(
        self,
        items: Iterable[v1.Report | v1.SubmitReportRequest]
        | AsyncIterable[v1.Report | v1.SubmitReportRequest],
    ) -> AsyncIterator[v1.SubmitReportsRequest]:
        """Yields the messages, to an event loop."""
        if isinstance(items, AsyncIterable):
            try:
                async for item in items:
                    message = self.item(item)
                    if message is not None:
                        yield message
                self.exhausted = True
            except Exception as error:  # noqa: BLE001 - raised by `end`
                self.failure = error
        else:
            for sent in self.items(items):
                yield sent

    def answered(self, answer: v1.SubmitReportsResponse) -> Iterator[Submitted]:
        """Joins the next answer with what it answers, after those before it that were not sent."""
        yield from self._refused_here()
        submission, _ = self.under_way.popleft()
        yield self._result(submission, answer)

    def _refused_here(self) -> Iterator[Submitted]:
        while self.under_way and (answer := self.under_way[0][1]) is not None:
            submission, _ = self.under_way.popleft()
            yield self._result(submission, answer)

    def _result(
        self, submission: v1.SubmitReportRequest, answer: v1.SubmitReportsResponse
    ) -> Submitted:
        # The server counts only what was sent.
        answer.index = self.done
        self.done += 1
        return Submitted(submission, answer)

    def end(self) -> Iterator[Submitted]:
        """Yields the last that were not sent, and raises what went wrong, as no answers come."""
        yield from self._refused_here()
        if self.failure is not None:
            raise self.failure
        if self.under_way or not self.exhausted:
            raise NianbaoError(
                grpc.StatusCode.UNAVAILABLE,
                "the server ended the stream before all items were answered: run it again",
            )


def _too_large(submission: v1.SubmitReportRequest) -> v1.SubmitReportsResponse:
    of = submission.report.organ or submission.name
    reason = v1.ERROR_REASON_REPORT_TOO_LARGE
    refusal = v1.Refusal(
        code=grpc.StatusCode.INVALID_ARGUMENT.value[0],
        reason=v1.ErrorReason.Name(reason).removeprefix("ERROR_REASON_"),
        message_en=f"the report of {of} is larger than a message may be",
        message_zh=label_zh(reason),
    )
    return v1.SubmitReportsResponse(refusal=refusal)


class Watch:
    """Where a watcher stands, and when it tries again after its connection is lost."""

    def __init__(self, request: v1.WatchChangesRequest) -> None:
        """Begins where the request says."""
        self.request = request
        # The last one; 0 where the connection stands.
        self._delay = 0.0
        self._heard = False
        entries = service_config()["methodConfig"]
        [self._policy] = [e["retryPolicy"] for e in entries if _WATCH in e["name"]]

    def heard(self, message: v1.WatchChangesResponse) -> bool:
        """Notes the position of a message. Says whether it is a change, not a heartbeat."""
        self._heard, self._delay = True, 0.0
        self.request.after = message.position
        self.request.from_now = False
        return message.HasField("receipt")

    def lost(self, error: NianbaoError | None) -> float:
        """Gives the seconds to wait; raises what another attempt would not mend.

        A stream that ends without an error is one of a server that stops. A watcher that has heard
        nothing yet learns that there is no server, and one with a reason what the server says.
        """
        if error is not None:
            retryable = error.code.name in self._policy["retryableStatusCodes"]
            if not retryable or error.reason or not self._heard:
                raise error
        first, most = (
            float(self._policy[key].removesuffix("s")) for key in ("initialBackoff", "maxBackoff")
        )
        self._delay = min(self._delay * self._policy["backoffMultiplier"] or first, most)
        # Many watchers of one server must not come back at the same moment.
        return self._delay * random.uniform(0.8, 1.2)  # noqa: S311 - no secret
