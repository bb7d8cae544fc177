"""The messages of buf/validate/validate.proto, for the schema that imports them.

protovalidate ships them for a runtime of its own only. Python has one pool of descriptors a
process, which takes each file once: where another package has brought the same file as
`buf.validate`, that one is used.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nianbao._vendored import validate_pb2
else:
    try:
        from buf.validate import validate_pb2
    except ModuleNotFoundError:
        from nianbao._vendored import validate_pb2

__all__ = ["validate_pb2"]
