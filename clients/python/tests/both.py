"""The asyncio client with the face of the blocking one, so that each test holds both."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any

import nianbao

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Self


class Blocking:
    """Runs what an `AsyncClient` returns until it is done, on a loop of its own."""

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - AsyncClient's
        self._loop = asyncio.new_event_loop()

        async def make() -> nianbao.AsyncClient:
            return nianbao.AsyncClient(*arguments, **options)

        try:
            self._client = self._loop.run_until_complete(make())
        except BaseException:
            self._loop.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        self._loop.run_until_complete(self._client.close())
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        found = getattr(self._client, name)
        return self._method(found) if callable(found) else _Stub(self, found)

    def _method(self, method: Any) -> Any:  # noqa: ANN401
        async def begin(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401
            result = method(*arguments, **options)
            return await result if inspect.isawaitable(result) else result

        def run(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401
            # `each` takes a method of a stub: the one that is to be awaited.
            unwrapped = [getattr(a, "awaited", a) for a in arguments]
            result = self._loop.run_until_complete(begin(*unwrapped, **options))
            return self._items(result) if hasattr(result, "__aiter__") else result

        run.awaited = method  # type: ignore[attr-defined] # read above
        return run

    def _items(self, items: Any) -> Iterator[Any]:  # noqa: ANN401
        iterator = items.__aiter__()
        end = object()
        try:
            while (item := self._loop.run_until_complete(_next(iterator, end))) is not end:
                yield item
        finally:
            if hasattr(iterator, "aclose"):
                self._loop.run_until_complete(iterator.aclose())


class _Stub:
    def __init__(self, client: Blocking, stub: object) -> None:
        self._client, self._stub = client, stub

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return self._client._method(getattr(self._stub, name))


async def _next(iterator: Any, end: object) -> Any:  # noqa: ANN401
    return await anext(iterator, end)
