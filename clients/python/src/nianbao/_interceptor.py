"""The interceptor of the blocking client: metadata, deadlines, request ids, and the one error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc

from nianbao._calls import Defaults, identified, request_id_of
from nianbao.errors import from_rpc_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True)
class _Details(grpc.ClientCallDetails):
    """The details of a call as they are sent."""

    method: str
    timeout: float | None
    metadata: tuple[tuple[str, str | bytes], ...] | None
    credentials: grpc.CallCredentials | None
    wait_for_ready: bool | None
    compression: grpc.Compression | None


class _Call:
    """A call of gRPC that fails with the error of this package; all else is the call's own."""

    def __init__(self, call: Any, request_id: str) -> None:  # noqa: ANN401 - several kinds of calls
        self._call = call
        self._request_id = request_id

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._call, name)

    def __iter__(self) -> _Call:
        return self

    def __next__(self) -> Any:  # noqa: ANN401
        try:
            return next(self._call)
        except grpc.RpcError as error:
            raise from_rpc_error(error, self._request_id) from error

    def result(self, timeout: float | None = None) -> Any:  # noqa: ANN401
        try:
            return self._call.result(timeout)
        except grpc.RpcError as error:
            raise from_rpc_error(error, self._request_id) from error

    def exception(self, timeout: float | None = None) -> Exception | None:
        error: Exception | None = self._call.exception(timeout)
        if isinstance(error, grpc.RpcError):
            return from_rpc_error(error, self._request_id)
        return error


class Interceptor(
    grpc.UnaryUnaryClientInterceptor,
    grpc.UnaryStreamClientInterceptor,
    grpc.StreamUnaryClientInterceptor,
    grpc.StreamStreamClientInterceptor,
):
    """Adds the defaults of a client to each of its calls."""

    def __init__(self, defaults: Defaults) -> None:
        """Keeps the defaults."""
        self._defaults = defaults

    def intercept_unary_unary(
        self,
        continuation: Callable[..., Any],
        client_call_details: grpc.ClientCallDetails,
        request: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        """Sends one request."""
        request = identified(request)
        call = continuation(self._details(client_call_details), request)
        return _Call(call, request_id_of(request))

    # What differs is the answer, and a call passes that on.
    intercept_unary_stream = intercept_unary_unary

    def intercept_stream_unary(
        self,
        continuation: Callable[..., Any],
        client_call_details: grpc.ClientCallDetails,
        request_iterator: Iterator[Any],
    ) -> Any:  # noqa: ANN401
        """Sends a stream of requests."""
        requests = map(identified, request_iterator)
        return _Call(continuation(self._details(client_call_details), requests), "")

    intercept_stream_stream = intercept_stream_unary

    def _details(self, own: grpc.ClientCallDetails) -> _Details:
        return _Details(
            method=own.method,
            timeout=self._defaults.timeout(own.method, own.timeout),
            metadata=tuple(self._defaults.metadata(own.metadata)),
            credentials=own.credentials,
            wait_for_ready=own.wait_for_ready,
            compression=own.compression,
        )
