"""The client for asyncio: the same shape as the blocking one."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from grpc import aio
from typing_extensions import Self

from nianbao import _requests, v1
from nianbao._aio_interceptor import interceptors
from nianbao._calls import Defaults
from nianbao._connection import channel_options, checked, credentials_of, deadlines
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
    from collections.abc import (
        AsyncIterable,
        AsyncIterator,
        Callable,
        Iterable,
        Mapping,
        Sequence,
    )
    from datetime import datetime
    from types import TracebackType

    from typing_extensions import Self

    from nianbao._connection import ChannelOption, Plaintext, Tls
    from nianbao._requests import Submitted


class AsyncClient:
    """A connection to a server of nianbao, for one event loop: it is made within that loop.

    It has the methods of `Client`, which says what they do: to be awaited, or iterated over with
    `async for`. The stubs are those of `grpc.aio`.
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
        """Connects to `host:port` when the first call is made; the arguments are `Client`'s."""
        settings = channel_options(options)
        adding = interceptors(Defaults(checked(principal), deadlines(timeout)))
        credentials = credentials_of(transport)
        if credentials is None:
            self.channel = aio.insecure_channel(target, settings, interceptors=adding)
        else:
            self.channel = aio.secure_channel(target, credentials, settings, interceptors=adding)
        self._closed = asyncio.Event()
        self.reports = ReportServiceStub(self.channel)
        self.organs = OrganServiceStub(self.channel)
        self.aggregates = AggregateServiceStub(self.channel)
        self.documents = DocumentServiceStub(self.channel)
        self.formats = FormatServiceStub(self.channel)
        self.admin = AdminServiceStub(self.channel)

    async def close(self) -> None:
        """Ends the connection and all calls under way."""
        self._closed.set()
        await self.channel.close()

    async def __aenter__(self) -> Self:
        """Gives the client itself."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Closes the client."""
        await self.close()

    # Without a server; here too, so that who has a client need not look elsewhere.
    validate_offline = staticmethod(validate_offline)

    async def validate(
        self, report: v1.Report, *, timeout: float | None = None
    ) -> v1.ValidateReportResponse:
        """See `Client.validate`."""
        request = v1.ValidateReportRequest(report=report)
        return await self.reports.ValidateReport(request, timeout=timeout)

    async def submit(
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
        """See `Client.submit`."""
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
        return await self.reports.SubmitReport(request, timeout=timeout)

    async def submit_all(
        self,
        items: Iterable[v1.Report | v1.SubmitReportRequest]
        | AsyncIterable[v1.Report | v1.SubmitReportRequest],
        *,
        as_published: str = "",
        validate_only: bool = False,
        timeout: float | None = None,
    ) -> AsyncIterator[Submitted]:
        """See `Client.submit_all`; the items are read in another task, ahead of their answers."""
        feed = _requests.Feed(as_published, validate_only)
        call = self.reports.SubmitReports(feed.async_items(items), timeout=timeout)
        try:
            async for answer in call:
                for result in feed.answered(answer):
                    yield result
            for result in feed.end():
                yield result
        finally:
            call.cancel()

    async def get(
        self,
        name: str,
        *,
        version: v1.GetReportRequest.Version.ValueType = v1.GetReportRequest.VERSION_UNSPECIFIED,
        as_of: str | datetime = "",
        at_least: str = "",
        timeout: float | None = None,
    ) -> v1.Report:
        """See `Client.get`."""
        request = _requests.getting(name, version, as_of, at_least)
        return await self.reports.GetReport(request, timeout=timeout)

    def list(
        self,
        parent: str = "organs/-",
        *,
        filter: str = "",  # noqa: A002 - the word for it
        page_size: int = 0,
        at_least: str = "",
        timeout: float | None = None,
    ) -> AsyncIterator[v1.Report]:
        """See `Client.list`."""
        request = v1.ListReportsRequest(
            parent=parent, filter=filter, page_size=page_size, at_least=at_least
        )
        return self.each(self.reports.ListReports, request, timeout=timeout)

    async def each(
        self,
        method: Callable[..., Any],
        request: Any,  # noqa: ANN401 - of any method with pages
        *,
        timeout: float | None = None,
    ) -> AsyncIterator[Any]:
        """See `Client.each`."""
        following = type(request)()
        following.CopyFrom(request)
        while True:
            page = await method(following, timeout=timeout)
            for item in _requests.items_of(page):
                yield item
            if not page.next_page_token:
                return
            following.page_token = page.next_page_token

    async def aggregate(
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
        """See `Client.aggregate`."""
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
        return (await self.aggregates.AggregateReports(request, timeout=timeout)).aggregates

    async def parse(
        self,
        document: str | os.PathLike[str] | bytes,
        *,
        file_name: str = "",
        organ: str = "",
        year: int = 0,
        scope: v1.Scope.ValueType = v1.SCOPE_UNSPECIFIED,
        timeout: float | None = None,
    ) -> v1.ParseDocumentResponse:
        """See `Client.parse`."""
        pieces = _requests.document(
            document, file_name=file_name, organ=organ, year=year, scope=scope
        )
        return await self.documents.ParseDocument(pieces, timeout=timeout)

    async def import_organs(
        self,
        file: str | os.PathLike[str] | bytes,
        header: v1.ImportOrgansHeader | None = None,
        *,
        timeout: float | None = None,
    ) -> v1.ImportOrgansResponse:
        """See `Client.import_organs`."""
        pieces = _requests.organs(file, header)
        return await self.organs.ImportOrgans(pieces, timeout=timeout)

    async def watch(
        self,
        *,
        after: str = "",
        organ: str = "",
        include_content: bool = False,
        from_now: bool = False,
        heartbeats: bool = False,
        heartbeat_seconds: int = 0,
    ) -> AsyncIterator[v1.WatchChangesResponse]:
        """See `Client.watch`."""
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
                async for message in call:
                    if watch.heard(message) or heartbeats:
                        yield message
            except NianbaoError as lost:
                error = lost
            except asyncio.CancelledError:
                # So ends a call whose channel is closed; whoever cancels the task wants it raised.
                if not self._closed.is_set() or _is_cancelled():
                    raise
            finally:
                call.cancel()
            if not self._closed.is_set():
                seconds = watch.lost(error)
                # Woken by a client that is closed; a timeout is what is waited for.
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(self._closed.wait(), seconds)


def _is_cancelled() -> bool:
    """Whether this task is to end. Before Python 3.11 that cannot be known."""
    cancelling = getattr(asyncio.current_task(), "cancelling", int)
    return bool(cancelling())
