"""The interceptors of the asyncio client: metadata, deadlines, request ids, and the one error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
from grpc import aio

from nianbao._calls import Defaults, identified, request_id_of
from nianbao.errors import from_rpc_error

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Sequence


def interceptors(defaults: Defaults) -> Sequence[aio.ClientInterceptor]:
    """Gives one of each kind: gRPC takes an interceptor for a single kind of call."""
    return [kind(defaults) for kind in (_UnaryUnary, _UnaryStream, _StreamUnary, _StreamStream)]


class _Interceptor:
    def __init__(self, defaults: Defaults) -> None:
        self._defaults = defaults

    def _details(self, own: aio.ClientCallDetails) -> aio.ClientCallDetails:
        # gRPC has the method as bytes here.
        method = own.method.decode() if isinstance(own.method, bytes) else own.method
        return aio.ClientCallDetails(
            method=own.method,
            timeout=self._defaults.timeout(method, own.timeout),
            metadata=aio.Metadata(*self._defaults.metadata(own.metadata)),
            credentials=own.credentials,
            wait_for_ready=own.wait_for_ready,
        )


class _UnaryUnary(_Interceptor, aio.UnaryUnaryClientInterceptor):
    async def intercept_unary_unary(
        self,
        continuation: Callable[..., Any],
        client_call_details: aio.ClientCallDetails,
        request: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        request = identified(request)
        return await _finished(
            await continuation(self._details(client_call_details), request), request_id_of(request)
        )


class _StreamUnary(_Interceptor, aio.StreamUnaryClientInterceptor):
    async def intercept_stream_unary(
        self,
        continuation: Callable[..., Any],
        client_call_details: aio.ClientCallDetails,
        request_iterator: AsyncIterable[Any] | Iterable[Any],
    ) -> Any:  # noqa: ANN401
        requests = _identified(request_iterator)
        return await _finished(await continuation(self._details(client_call_details), requests), "")


class _UnaryStream(_Interceptor, aio.UnaryStreamClientInterceptor):
    async def intercept_unary_stream(
        self,
        continuation: Callable[..., Any],
        client_call_details: aio.ClientCallDetails,
        request: Any,  # noqa: ANN401
    ) -> AsyncIterator[Any]:
        request = identified(request)
        call = await continuation(self._details(client_call_details), request)
        return _answers(call, request_id_of(request))


class _StreamStream(_Interceptor, aio.StreamStreamClientInterceptor):
    async def intercept_stream_stream(
        self,
        continuation: Callable[..., Any],
        client_call_details: aio.ClientCallDetails,
        request_iterator: AsyncIterable[Any] | Iterable[Any],
    ) -> AsyncIterator[Any]:
        requests = _identified(request_iterator)
        call = await continuation(self._details(client_call_details), requests)
        if hasattr(call, "_cython_call"):
            call._cython_call = _StatusOfServer(call._cython_call)  # noqa: SLF001 - see there
        return _answers(call, "")


class _StatusOfServer:
    """A call of gRPC's core that ends with the status of the server.

    A message on its way when the server ends a stream cannot be sent, and for that gRPC puts its
    own "Internal error from Core" in the place of what the server says.
    """

    def __init__(self, call: Any) -> None:  # noqa: ANN401 - of gRPC's core
        self._call = call

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._call, name)

    def set_internal_error(self, _: str) -> None:
        """Lets the status of the server come."""


async def _identified(requests: AsyncIterable[Any] | Iterable[Any]) -> AsyncIterator[Any]:
    if hasattr(requests, "__aiter__"):
        async for request in requests:
            yield identified(request)
    else:
        for request in requests:
            yield identified(request)


async def _finished(call: Any, request_id: str) -> Any:  # noqa: ANN401
    """Waits for the answer, and gives the call, which has it."""
    try:
        await call
    except grpc.RpcError as error:
        raise from_rpc_error(error, request_id) from error
    return call


async def _answers(call: Any, request_id: str) -> AsyncIterator[Any]:  # noqa: ANN401
    try:
        async for answer in call:
            yield answer
    except grpc.RpcError as error:
        raise from_rpc_error(error, request_id) from error
