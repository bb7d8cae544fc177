"""A server of its own and code generated from the schema: where a stock client starts."""

import os
import pathlib
import subprocess
import sys

import grpc
import pytest
from grpc_tools import protoc

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def generated(tmp_path_factory):
    """The generated modules, importable as `nianbao.v1...`."""
    out = tmp_path_factory.mktemp("generated")
    proto = ROOT / "proto"
    files = [str(p.relative_to(proto)) for p in sorted(proto.glob("nianbao/v1/*.proto"))]
    # google/rpc comes with googleapis-common-protos; buf/validate has no package of its own.
    files.append("buf/validate/validate.proto")
    include = pathlib.Path(protoc.__file__).parent / "_proto"
    arguments = ["protoc", f"-I{proto}", f"-I{include}"]
    arguments += [f"--python_out={out}", f"--grpc_python_out={out}"]
    assert protoc.main(arguments + files) == 0
    sys.path.insert(0, str(out))
    return out


@pytest.fixture(scope="session")
def address(tmp_path_factory):
    """The address of a running server; NIANBAO names the program."""
    program = os.environ.get("NIANBAO", str(ROOT / "target" / "debug" / "nianbao"))
    data = tmp_path_factory.mktemp("data") / "store"
    server = subprocess.Popen(
        [program, "serve", "--listen", "127.0.0.1:0", "--data", str(data)],
        stdout=subprocess.PIPE,
        text=True,
    )
    line = server.stdout.readline()
    assert line.startswith("listening on "), line
    yield line.removeprefix("listening on ").strip()
    server.terminate()
    assert server.wait(timeout=30) == 0, "the server stops in order"


@pytest.fixture
def channel(address):
    with grpc.insecure_channel(address) as channel:
        yield channel
