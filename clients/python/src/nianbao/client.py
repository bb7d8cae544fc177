"""The blocking client."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import grpc
from typing_extensions import Self

from nianbao import _requests, v1
from nianbao._calls import Defaults
from nianbao._connection import channel_options, checked, credentials_of, deadlines
from nianbao._interceptor import Interceptor
from nianbao.errors import NianbaoError
from nianbao.findings import validate_offline
from nianbao.v1.admin_service_pb2_grpc import AdminServiceStub
from nianbao.v1.aggregate_service_pb2_grpc import AggregateServiceStub
from nianbao.v1.document_service_pb2_grpc import DocumentServiceStub
from nianbao.v1.format_service_pb2_grpc import FormatServiceStub
from nianbao.v1.organ_service_pb2_grpc import OrganServiceStub
from nianbao.v1.report_service_pb2_grpc import ReportServiceStub

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from types import TracebackType

    from typing_extensions import Self

    from nianbao._connection import ChannelOption, Plaintext, Tls
    from nianbao._requests import Submitted


class Client:
    """A connection to a server of nianbao. It is safe to share among threads.

    What has no method of its own is called on the stubs `reports`, `organs`, `aggregates`,
    `documents`, `formats` and `admin`, with the same deadlines, retries, principal and error.

    Every method raises `NianbaoError`, and nothing else, where a call fails. `timeout` is in
    seconds and takes the place of the default of the method.
    """

    def __init__(
        self,
        target: str,
        transport: Plaintext | Tls,
        *,
        principal: str = "",
        timeout: float | None = None,
        options: Sequence[ChannelOption] = (),
    ) -> None:
        """Connects to `host:port` when the first call is made.

        Args:
            target: Host and port.
            transport: `Tls()`, or `Plaintext()` where the way is trusted.
            principal: Who calls, as the server is to note it: up to 128 characters of ASCII.
            timeout: Seconds that a call may take, in place of those of the service config. Streams
                have no limit of their own.
            options: Further options of the gRPC channel.

        """
        adding = Interceptor(Defaults(checked(principal), deadlines(timeout)))
        settings = channel_options(options)
        credentials = credentials_of(transport)
        if credentials is None:
            channel = grpc.insecure_channel(target, settings)
        else:
            channel = grpc.secure_channel(target, credentials, settings)
        self.channel = grpc.intercept_channel(channel, adding)
        self._closed = threading.Event()
        self.reports = ReportServiceStub(self.channel)
        self.organs = OrganServiceStub(self.channel)
        self.aggregates = AggregateServiceStub(self.channel)
        self.documents = DocumentServiceStub(self.channel)
        self.formats = FormatServiceStub(self.channel)
        self.admin = AdminServiceStub(self.channel)

    def close(self) -> None:
        """Ends the connection and all calls under way."""
        self._closed.set()
        self.channel.close()

    def __enter__(self) -> Self:
        """Gives the client itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Closes the client."""
        self.close()

    # Without a server; here too, so that who has a client need not look elsewhere.
    validate_offline = staticmethod(validate_offline)

    def validate(
        self, report: v1.Report, *, timeout: float | None = None
    ) -> v1.ValidateReportResponse:
        """Has the server hold a report against all rules. Nothing is stored."""
        request = v1.ValidateReportRequest(report=report)
        return self.reports.ValidateReport(request, timeout=timeout)

    def submit(
        self,
        report: v1.Report | None = None,
        *,
        name: str = "",
        etag: str = "",
        explanations: Mapping[str, str] | None = None,
        as_published: str = "",
        validate_only: bool = False,
        request_id: str = "",
        check: bool = False,
        timeout: float | None = None,
    ) -> v1.SubmitReportResponse:
        """Submits a report, or the stored draft of a name.

        Args:
            report: The report.
            name: In place of a report: the name of the draft.
            etag: The etag that was read; another one at present refuses the call.
            explanations: Why warnings stand, by fingerprint; added to those of the report.
            as_published: Why a report of the past is taken with its errors.
            validate_only: Whether to check only, on the server.
            request_id: An id of the write; by default a random one.
            check: Whether to hold the report against the rules before it is sent, and to raise what
                was found in place of sending it.
            timeout: Seconds that the call may take.

        """
        request = _requests.submission(
            report,
            name=name,
            etag=etag,
            explanations=explanations,
            as_published=as_published,
            validate_only=validate_only,
            request_id=request_id,
        )
        if check:
            _requests.check(request)
        return self.reports.SubmitReport(request, timeout=timeout)

    def submit_all(
        self,
        items: Iterable[v1.Report | v1.SubmitReportRequest],
        *,
        as_published: str = "",
        validate_only: bool = False,
        timeout: float | None = None,
    ) -> Iterator[Submitted]:
        """Submits many reports as one stream, and yields what became of each, in order.

        A refused item does not end the stream; one that no message can hold is refused unsent. The
        request id of an item is made of what it says: after a break run it all again, and what was
        taken is answered with its first answer. A report that was sent back and is submitted again
        unchanged wants its `etag`, which makes it another submission. The items are read in another
        thread, ahead of their answers.
        """
        feed = _requests.Feed(as_published, validate_only)
        call = self.reports.SubmitReports(feed.items(items), timeout=timeout)
        try:
            for answer in call:
                yield from feed.answered(answer)
            yield from feed.end()
        finally:
            call.cancel()

    def get(
        self,
        name: str,
        *,
        version: v1.GetReportRequest.Version.ValueType = v1.GetReportRequest.VERSION_UNSPECIFIED,
        as_of: str | datetime = "",
        at_least: str = "",
        timeout: float | None = None,
    ) -> v1.Report:
        """Gets a report or a revision by name, as it stands, or stood at a position or time."""
        request = _requests.getting(name, version, as_of, at_least)
        return self.reports.GetReport(request, timeout=timeout)

    def list(
        self,
        parent: str = "organs/-",
        *,
        filter: str = "",  # noqa: A002 - the word for it
        page_size: int = 0,
        at_least: str = "",
        timeout: float | None = None,
    ) -> Iterator[v1.Report]:
        """Yields the reports of an organ, or of all, and gets each page when it is reached.

        `timeout` is that of a page.
        """
        request = v1.ListReportsRequest(
            parent=parent, filter=filter, page_size=page_size, at_least=at_least
        )
        return self.each(self.reports.ListReports, request, timeout=timeout)

    def each(
        self,
        method: Callable[..., Any],
        request: Any,  # noqa: ANN401 - of any method with pages
        *,
        timeout: float | None = None,
    ) -> Iterator[Any]:
        """Yields the items of all pages of a list, such as `each(client.organs.ListOrgans, …)`."""
        following = type(request)()
        following.CopyFrom(request)
        while True:
            page = method(following, timeout=timeout)
            # A filter may leave nothing of a page, and others follow all the same.
            yield from _requests.items_of(page)
            if not page.next_page_token:
                return
            following.page_token = page.next_page_token

    def aggregate(
        self,
        organ: str,
        years: int | Iterable[int],
        *,
        basis: v1.Basis.ValueType = v1.BASIS_UNSPECIFIED,
        tree: v1.OrganTree.ValueType = v1.ORGAN_TREE_UNSPECIFIED,
        tree_year: int = 0,
        filter: str = "",  # noqa: A002 - the word for it
        group_by: v1.GroupBy.ValueType = v1.GROUP_BY_UNSPECIFIED,
        include_unaccepted: bool = False,
        list_members: bool = False,
        as_of: str | datetime = "",
        at_least: str = "",
        timeout: float | None = None,
    ) -> Sequence[v1.Aggregate]:
        """Sums the reports of an organ and all organs below it, one sum a year."""
        request = _requests.summing(
            organ,
            years,
            as_of,
            basis=basis,
            tree=tree,
            tree_year=tree_year,
            filter=filter,
            group_by=group_by,
            include_unaccepted=include_unaccepted,
            list_members=list_members,
            at_least=at_least,
        )
        return self.aggregates.AggregateReports(request, timeout=timeout).aggregates

    def parse(
        self,
        document: str | os.PathLike[str] | bytes,
        *,
        file_name: str = "",
        organ: str = "",
        year: int = 0,
        scope: v1.Scope.ValueType = v1.SCOPE_UNSPECIFIED,
        timeout: float | None = None,
    ) -> v1.ParseDocumentResponse:
        """Has a document read, given by its path or its bytes. Nothing is stored."""
        pieces = _requests.document(
            document, file_name=file_name, organ=organ, year=year, scope=scope
        )
        return self.documents.ParseDocument(pieces, timeout=timeout)

    def import_organs(
        self,
        file: str | os.PathLike[str] | bytes,
        header: v1.ImportOrgansHeader | None = None,
        *,
        timeout: float | None = None,
    ) -> v1.ImportOrgansResponse:
        """Registers the organs of a .csv or .xlsx file, given by its path or its bytes."""
        pieces = _requests.organs(file, header)
        return self.organs.ImportOrgans(pieces, timeout=timeout)

    def watch(
        self,
        *,
        after: str = "",
        organ: str = "",
        include_content: bool = False,
        from_now: bool = False,
        heartbeats: bool = False,
        heartbeat_seconds: int = 0,
    ) -> Iterator[v1.WatchChangesResponse]:
        """Yields changes without end, and goes on by itself after the connection was lost.

        Each has the position to go on from as `after` another time. With `heartbeats` those are
        yielded too: the first comes at once, with the position that is now.
        """
        watch = _requests.Watch(
            v1.WatchChangesRequest(
                after=after,
                organ=organ,
                include_content=include_content,
                from_now=from_now,
                heartbeat_seconds=heartbeat_seconds,
            )
        )
        while not self._closed.is_set():
            call = self.reports.WatchChanges(watch.request)
            error = None
            try:
                for message in call:
                    if watch.heard(message) or heartbeats:
                        yield message
            except NianbaoError as lost:
                error = lost
            finally:
                call.cancel()
            if not self._closed.is_set():
                self._closed.wait(watch.lost(error))
