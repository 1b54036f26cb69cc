"""Starts MiniStack and the fake Harvest on loopback, each in a folder of its own, and ends them."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / ".tools"
# Folder of the binaries: as `make test` builds them, or as BIN says.
BINARIES = ROOT / os.environ.get("BIN", "target/proof")
REGION = "eu-west-1"
# Seconds until a server has to be ready.
READY = 60
_names = itertools.count()


def may(call: Callable) -> bool:
    """Whether the call is allowed, whatever else comes of it."""
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"] not in ("AccessDenied", "AccessDeniedException")
    return True


def until(what: str, seconds: float, ask: Callable, pause: float = 0.2):
    """First true answer of `ask`; an error that names `what` after so many seconds without one."""
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:g} seconds")
        time.sleep(pause)
    return answer


def free_port() -> int:
    """A port of loopback that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Server:
    """A process with all that it starts: it is ended as a whole."""

    def __init__(self, command: list, environment: dict[str, str], log: Path):
        self.log = log
        with log.open("wb") as said:
            self.process = subprocess.Popen(
                [str(part) for part in command], env=environment, stdin=subprocess.DEVNULL, stdout=said,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def said(self) -> str:
        """What it wrote so far."""
        return self.log.read_text(errors="replace")

    def ready(self, ask: Callable):
        """First true answer of `ask`; an error if the process ends before."""

        def alive():
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.log.stem} ended with {self.process.returncode}: {self.said()[-2000:]}")
            return ask()

        return until(self.log.stem, READY, alive, 0.1)

    def stop(self) -> None:
        """Ends the process, and those that it started, at once: nothing of theirs is kept."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()


class Emulator:
    """An AWS account on loopback, over TLS, with policies enforced; and the Harvest that its functions reach."""

    def __init__(self, harvest: bool = True):
        # Whoever ends this program ends what it started.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        self.folder = Path(tempfile.mkdtemp(prefix="stack-"))
        self._servers: list[Server] = []
        self._clients: dict = {}
        try:
            self._start(harvest)
        except BaseException:
            self.stop()
            raise

    def _start(self, harvest: bool) -> None:
        (self.folder / "home").mkdir()
        (self.folder / "tmp").mkdir()
        self.certificate = self.folder / "certificate.pem"
        key = self.folder / "key.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
             "-addext", "basicConstraints=critical,CA:FALSE", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
             "-keyout", key, "-out", self.certificate],
            check=True, capture_output=True,
        )  # fmt: skip
        port = free_port()
        self.endpoint = f"https://127.0.0.1:{port}"
        root = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "testtest"}
        plain = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder / "tmp"),
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
            "SSL_CERT_FILE": str(self.certificate),
            **root,
        }
        # For commands of a person of this account.
        self.environment = plain | {
            "AWS_CA_BUNDLE": str(self.certificate),
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "SAM_CLI_TELEMETRY": "0",
            "SAM_CLI_POLL_DELAY": "1",
            "TERM": "xterm",
            "LANG": "C.UTF-8",
        }
        self.harvest = Harvest(self.folder) if harvest else None
        if self.harvest:
            self._servers.append(self.harvest.server)
        # Functions inherit the variables of the process, where the stack sets none of that name.
        reach = self.harvest.reach if self.harvest else {}
        server = Server(
            [TOOLS / "ministack/bin/ministack"],
            plain
            | reach
            | {
                "BIND_HOST": "127.0.0.1",
                "GATEWAY_PORT": str(port),
                "AUTH": "true",
                "USE_SSL": "1",
                "MINISTACK_SSL_CERT": str(self.certificate),
                "MINISTACK_SSL_KEY": str(key),
                # Otherwise both listen on all interfaces.
                "IOT_MTLS_ENABLED": "false",
                "SFTP_ENABLED": "false",
            },
            self.folder / "ministack.log",
        )
        self._servers.append(server)
        self.server = server
        trust = ssl.create_default_context(cafile=self.certificate)

        def healthy():
            try:
                with urllib.request.urlopen(f"{self.endpoint}/_ministack/health", context=trust, timeout=5) as answer:
                    return answer.status == 200
            except OSError:
                return False

        server.ready(healthy)
        self.session = boto3.Session(
            root["AWS_ACCESS_KEY_ID"], root["AWS_SECRET_ACCESS_KEY"], region_name=REGION
        )

    def client(self, service: str, credentials: dict[str, str] | None = None):
        """A client of the account's owner, or with other credentials."""
        if credentials is None:
            if service not in self._clients:
                self._clients[service] = self._client(self.session, service)
            return self._clients[service]
        return self._client(boto3.Session(region_name=REGION, **credentials), service)

    def _client(self, session: boto3.Session, service: str):
        once = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
        return session.client(service, endpoint_url=self.endpoint, verify=str(self.certificate), config=once)

    @contextlib.contextmanager
    def user(self, policy: dict) -> Iterator[dict[str, str]]:
        """Credentials of a user with this policy alone."""
        iam, name = self.client("iam"), f"user-{next(_names)}"
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="only", PolicyDocument=json.dumps(policy))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        try:
            yield {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
        finally:
            iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
            iam.delete_user_policy(UserName=name, PolicyName="only")
            iam.delete_user(UserName=name)

    def reached(self):
        """Something that makes clients as a session does, for code that knows no endpoint."""
        return _Reached(self)

    def processes(self) -> dict[str, dict[str, str]]:
        """Variables of the newest process of each function, by its name."""
        return {variables["AWS_LAMBDA_FUNCTION_NAME"]: variables for variables, _ in self._running()}

    def memory(self, function: str) -> list[int]:
        """Peak memory of each process of the function that lives, in megabytes."""
        peaks = [re.search(r"VmHWM:\s*(\d+) kB", status) for variables, status in self._running()
                 if variables["AWS_LAMBDA_FUNCTION_NAME"] == function]  # fmt: skip
        return [int(peak[1]) // 1000 for peak in peaks if peak]

    def _running(self) -> Iterator[tuple[dict[str, str], str]]:
        """Variables and status of each process of a function, the newest last."""
        for folder in sorted(Path("/proc").glob("[0-9]*"), key=lambda one: int(one.name)):
            try:
                if os.getsid(int(folder.name)) != self.server.process.pid:
                    continue
                text, status = (folder / "environ").read_text(), (folder / "status").read_text()
            except OSError:
                continue
            variables = dict(one.split("=", 1) for one in text.split("\0") if "=" in one)
            if "AWS_LAMBDA_RUNTIME_API" in variables:
                yield variables, status

    def stop(self) -> None:
        """Ends the servers and removes their folder."""
        for server in reversed(self._servers):
            server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class _Reached:
    """The part of a session that `acceptance.stack` uses."""

    region_name = REGION

    def __init__(self, emulator: Emulator):
        self.client = emulator.client


class Harvest:
    """The fake account, without limits."""

    def __init__(self, folder: Path):
        command = [BINARIES / "fake-harvest", "--port", "0", "--seed", "7", "--scale", "demo"]
        if not command[0].exists():
            raise FileNotFoundError(f"{command[0]} is not built")
        self.server = Server([*command, "--general", "off", "--reports", "off"], dict(os.environ), folder / "harvest.log")
        try:
            self.server.ready(lambda: "listening on" in self.server.said())
        except BaseException:
            self.server.stop()
            raise
        line = next(line for line in self.server.said().splitlines() if line.startswith("listening on"))
        _, _, url, *rest = line.split()
        named = dict(one.split("=", 1) for one in rest if "=" in one)
        self.token, self.account = named["token"], named["account"]
        self.origin = url.removesuffix("/v2")
        # How the functions find it, at a pace that its missing limits allow. The window is Harvest's: in a shorter one a permit
        # is over sooner, and the emulator may take longer than that for one write.
        self.reach = {"HARVEST_BASE_URL": url, "HARVEST_GENERAL": "100000/15s", "HARVEST_REPORTS": "100000/15s"}

    def ask(self, method: str, path: str, body: object = None) -> bytes:
        """Answer of one of its own addresses."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.origin + path, data, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()
