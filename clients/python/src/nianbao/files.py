"""Reports as proto JSON, in files and as text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import grpc
from google.protobuf import json_format

from nianbao import v1
from nianbao.errors import NianbaoError

if TYPE_CHECKING:
    import os


def read_report(path: str | os.PathLike[str]) -> v1.Report:
    """Reads a report from a file of proto JSON.

    Raises:
        NianbaoError: Where the file holds something else; it names the file and what is wrong.
        OSError: Where the file cannot be read.

    """
    return _parse(Path(path).read_bytes(), str(path))


def from_json(text: str | bytes) -> v1.Report:
    """Reads a report from proto JSON; a field that the schema does not know is refused by name."""
    return _parse(text, "the text")


def to_json(report: v1.Report) -> str:
    """Writes a report as canonical proto JSON: camelCase, int64 as text, Chinese as it is.

    Raises:
        NianbaoError: Where JSON cannot hold a value, such as a time that is none.

    """
    try:
        return json_format.MessageToJson(report, ensure_ascii=False)
    except json_format.SerializeToJsonError as error:
        raise NianbaoError(
            grpc.StatusCode.INVALID_ARGUMENT,
            f"the report cannot be written as proto JSON: {error}",
            reason=v1.ERROR_REASON_INVALID_REQUEST,
            message_zh=f"报告无法写成 JSON 格式：{error}",
        ) from error


def write_report(report: v1.Report, path: str | os.PathLike[str]) -> None:
    """Writes a report into a file of proto JSON."""
    Path(path).write_text(to_json(report) + "\n", encoding="utf-8")


def _parse(text: str | bytes, source: str) -> v1.Report:
    try:
        text = text if isinstance(text, str) else text.decode("utf-8-sig")
        return json_format.Parse(_object(text), v1.Report())
    except (json_format.ParseError, UnicodeDecodeError) as error:
        # What follows the first line is a list of all fields.
        says = str(error).splitlines()[0]
        raise NianbaoError(
            grpc.StatusCode.INVALID_ARGUMENT,
            f"{source} is no report in proto JSON: {says}",
            reason=v1.ERROR_REASON_INVALID_REQUEST,
            message_zh=f"{source} 不是 JSON 格式的报告：{says}",
        ) from error


def _object(text: str) -> str:
    """Refuses a list: the parser would read one without items as a report without fields."""
    if not text.lstrip().startswith("{"):
        raise json_format.ParseError("an object in braces is expected")
    return text
