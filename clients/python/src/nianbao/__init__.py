"""Client of nianbao: annual reports on open government information, checked and summed.

`Client` and `AsyncClient` talk to a server, `validate_offline` needs none, `v1` has the messages.
"""

from nianbao import v1
from nianbao._calls import submission_id
from nianbao._connection import Plaintext, Tls
from nianbao._requests import Submitted
from nianbao.aio import AsyncClient
from nianbao.client import Client
from nianbao.errors import FieldViolation, NianbaoError, Precondition
from nianbao.files import from_json, read_report, to_json, write_report
from nianbao.findings import validate_offline

__all__ = [
    "AsyncClient",
    "Client",
    "FieldViolation",
    "NianbaoError",
    "Plaintext",
    "Precondition",
    "Submitted",
    "Tls",
    "from_json",
    "read_report",
    "submission_id",
    "to_json",
    "v1",
    "validate_offline",
    "write_report",
]
