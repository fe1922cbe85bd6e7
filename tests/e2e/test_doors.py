"""A port of an application is closed until a bundle's security group opens it, and then again."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from jackbean.engines.process import records
from jackbean.engines.process.paths import Layout
from tests.e2e.installation import Installation, bundle, installed, option, until

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(os.geteuid() != 0, reason="root mode is for root"),
]

NAME, PORT = "with-a-door", 5000
# Listens on a port of its own besides the web's: one of its processes does.
LISTENS = """
import os, socket, threading
def listen():
    server = socket.create_server(("0.0.0.0", 5000))
    while True:
        line, _ = server.accept()
        line.sendall(b"here")
        line.close()
try:
    threading.Thread(target=listen, daemon=True).start()
except OSError:
    pass
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"%s"]
"""
OPENING = """
Resources:
  sslSecurityGroupIngress:
    Type: AWS::EC2::SecurityGroupIngress
    Properties:
      GroupId: {"Fn::GetAtt": [AWSEBSecurityGroup, GroupId]}
      IpProtocol: tcp
      FromPort: 5000
      ToPort: 5000
      CidrIp: 0.0.0.0/0
"""
SINGLE = option("aws:elasticbeanstalk:environment", "EnvironmentType", "SingleInstance")


def version(label: str, config: str = "") -> bytes:
    files: dict[str, str | bytes] = {"application.py": LISTENS % label}
    return bundle({**files, ".ebextensions/door.config": config} if config else files)


def host(one: Installation) -> str:
    """Return the address of the only instance."""
    (found,) = records.everyone(Layout(one.data_dir))
    record = records.load(found[1])
    assert record is not None
    return record.host


def heard(address: str) -> bytes:
    """Return what the door says; nothing where it is closed."""
    try:
        with socket.create_connection((address, PORT), 5) as line:
            return line.recv(9)
    except ConnectionRefusedError:
        return b""


@contextmanager
def busy(one: Installation, environment: dict[str, Any]) -> Iterator[None]:
    """Ask through the load balancer all the while: no request may fail."""
    over, failed, asked = threading.Event(), list[str](), list[str]()

    def ask() -> None:
        while not over.wait(0.02):
            try:
                asked.append(one.get(environment))
            except OSError as error:
                failed.append(str(error))

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(20)
    assert asked
    assert not failed


def test_a_door_opens_and_closes() -> None:
    with installed("root") as one:
        one.version("shut", version("shut"))
        one.version("open", version("open", OPENING))
        environment = one.create(NAME, "shut", SINGLE)
        address = host(one)
        assert heard(address) == b""
        with busy(one, environment):
            one.deploy(NAME, "open")
            assert one.get(environment) == "open"
            until(lambda: heard(address) == b"here", 10, "the port is open")
        one.kill()
        one.start()
        until(lambda: heard(address) == b"here", 10, "the port is open after a restart")
        with busy(one, environment):
            one.deploy(NAME, "shut")
            assert heard(address) == b""
            assert one.get(environment) == "shut"
