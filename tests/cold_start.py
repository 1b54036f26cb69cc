"""`make cold-start`: cold starts of the functions in a build of SAM, and the sizes of their archives.

Each run starts a program and measures until it asks the Runtime API for its first event: processor time of all threads, time,
and resident memory, pages of the program included. Lambda also unpacks the archive, which is not measured.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from compare.figures import cell
from dist import write_archive

RUNS = 21
# Folders of the functions in the build.
FUNCTIONS = ("Orchestrator", "Worker")
# As Lambda and the template set them. No service is called before the first event.
VARIABLES = {
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
    "AWS_LAMBDA_FUNCTION_NAME": "cold-start",
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_LOG_FORMAT": "JSON",
    "AWS_REGION": "eu-west-1",
    "AWS_SECRET_ACCESS_KEY": "none",
    "HARVEST_ACCOUNT_ID": "1",
    "HARVEST_CONTACT": "someone@example.com",
    "HARVEST_LAKE": "s3://some-bucket/harvest",
    "HARVEST_SMALL_WORKER": "small",
    "HARVEST_STATE": "dynamodb://some-table",
    "HARVEST_TOKEN_PARAMETER": "/harvest-lake/some-stack/token",
    "HARVEST_WORKER": "worker",
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_TRIM_THRESHOLD_": "131072",
}


class RuntimeApi(BaseHTTPRequestHandler):
    """Takes note of the first call: for an event, which gets no answer, or about a failed start."""

    called = threading.Event()
    failure: str | None = None

    def do_GET(self) -> None:
        """Asks for an event."""
        self.called.set()
        time.sleep(3600)

    def do_POST(self) -> None:
        """Tells of a failed start."""
        length = int(self.headers.get("Content-Length", 0))
        RuntimeApi.failure = self.rfile.read(length).decode()
        self.called.set()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def start(program: Path, address: str) -> tuple[float, float, float]:
    """Milliseconds of processor time, milliseconds, and megabytes of a start."""
    RuntimeApi.called.clear()
    began = time.perf_counter()
    process = subprocess.Popen(
        [program], env=VARIABLES | {"AWS_LAMBDA_RUNTIME_API": address}, stdout=subprocess.DEVNULL
    )
    try:
        if not RuntimeApi.called.wait(20) or RuntimeApi.failure:
            sys.exit(f"{program} did not start: {RuntimeApi.failure or 'it asked for no event within 20 seconds'}")
        took = time.perf_counter() - began
        threads = Path(f"/proc/{process.pid}/task").glob("*/schedstat")
        busy = sum(int(thread.read_text().split()[0]) for thread in threads)
        status = Path(f"/proc/{process.pid}/status").read_text()
        (resident,) = (int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
        return busy / 1e6, took * 1e3, resident / 1e3
    finally:
        process.kill()
        process.wait()


def archive_bytes(program: Path) -> int:
    """Size of the archive that Lambda gets."""
    with tempfile.NamedTemporaryFile() as archive:
        write_archive(program, Path(archive.name))
        return Path(archive.name).stat().st_size


def main() -> None:
    """Prints a row for each function."""
    folder = Path(sys.argv[1])
    server = ThreadingHTTPServer(("127.0.0.1", 0), RuntimeApi)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"127.0.0.1:{server.server_port}"
    print("| function | archive | program | CPU ms to the first event | ms | memory, MB |")
    print("| --- | --- | --- | --- | --- | --- |")
    for function in FUNCTIONS:
        program = folder / function / "bootstrap"
        measured = zip(*(start(program, address) for _ in range(RUNS)), strict=True)
        figures = [cell(values, "{:.1f}".format) for values in measured]
        sizes = [f"{size / 1e6:.1f} MB" for size in (archive_bytes(program), program.stat().st_size)]
        print(f"| {' | '.join([function.lower(), *sizes, *figures])} |")


if __name__ == "__main__":
    main()
