"""A server that says what a test tells it to, and remembers what it was asked."""

from __future__ import annotations

from concurrent import futures
from typing import TYPE_CHECKING, Any, NamedTuple

import grpc
from google.protobuf import message_factory
from google.protobuf.descriptor_pool import Default

import nianbao  # noqa: F401 - fills the pool of descriptors

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.descriptor import MethodDescriptor


class Asked(NamedTuple):
    """One call that was received."""

    method: str
    # None where the requests are a stream, which the answer reads by itself.
    request: Any
    metadata: dict[str, str | bytes]
    seconds: float | None


class Stub(grpc.GenericRpcHandler):
    """Answers every method of the schema, with an empty message where a test says nothing."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.answers: dict[str, Callable[[Any, grpc.ServicerContext], Any]] = {}

    def of(self, method: str) -> list[Asked]:
        """Lists the calls of a method."""
        return [asked for asked in self.asked if asked.method == method]

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[Any, Any]:
        service, method = handler_call_details.method.removeprefix("/").split("/")
        descriptor = Default().FindServiceByName(service).methods_by_name[method]
        request = message_factory.GetMessageClass(descriptor.input_type)
        streams = (descriptor.client_streaming, descriptor.server_streaming)
        make = {
            (False, False): grpc.unary_unary_rpc_method_handler,
            (False, True): grpc.unary_stream_rpc_method_handler,
            (True, False): grpc.stream_unary_rpc_method_handler,
            (True, True): grpc.stream_stream_rpc_method_handler,
        }[streams]
        return make(
            self._answer(descriptor),
            request_deserializer=request.FromString,
            response_serializer=lambda message: message.SerializeToString(),
        )

    def _answer(self, descriptor: MethodDescriptor) -> Callable[[Any, grpc.ServicerContext], Any]:
        def answer(request: Any, context: grpc.ServicerContext) -> Any:  # noqa: ANN401
            one = None if descriptor.client_streaming else request
            metadata = dict(context.invocation_metadata() or ())
            seconds = context.time_remaining()
            self.asked.append(Asked(descriptor.name, one, metadata, seconds))
            told = self.answers.get(descriptor.name)
            if told is not None:
                return told(request, context)
            response = message_factory.GetMessageClass(descriptor.output_type)()
            return iter([response]) if descriptor.server_streaming else response

        return answer


def serve(
    stub: Stub, port: int = 0, credentials: grpc.ServerCredentials | None = None
) -> tuple[grpc.Server, int]:
    """Starts a server and gives its port."""
    # A test that leaves a stream open must not hold the end of the others.
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8), handlers=[stub])
    address = f"127.0.0.1:{port}"
    if credentials is None:
        port = server.add_insecure_port(address)
    else:
        port = server.add_secure_port(address, credentials)
    server.start()
    return server, port
