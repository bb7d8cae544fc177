"""The package as it is installed, beside others."""

from __future__ import annotations

import subprocess
import sys
from importlib import resources
from pathlib import Path

from nianbao import _vendored


def test_the_package_says_that_it_has_types() -> None:
    assert resources.files("nianbao").joinpath("py.typed").is_file()


def test_another_package_may_have_brought_the_rules_of_protovalidate(tmp_path: Path) -> None:
    folder = tmp_path / "buf" / "validate"
    folder.mkdir(parents=True)
    own = Path(str(_vendored.validate_pb2.__file__))
    (folder / "validate_pb2.py").write_bytes(own.read_bytes())
    program = (
        "import nianbao, buf.validate.validate_pb2 as other; "
        "assert nianbao._vendored.validate_pb2 is other; "
        "assert nianbao.validate_offline(nianbao.v1.Report())"
    )
    subprocess.run(  # noqa: S603 - a program of this file
        [sys.executable, "-c", program], env={"PYTHONPATH": str(tmp_path)}, check=True
    )
