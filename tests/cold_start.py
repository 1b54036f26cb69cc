"""`python tests/cold_start.py FOLDER`: cold starts of the functions whose programs are in FOLDER, and the size of their archives.

Each run starts a program and measures until it asks the Runtime API for its first event: processor time of all threads, time,
and resident memory, pages of the program included. Lambda also unpacks the archive, which is not measured.
FOLDER is `.aws-sam/build`, or one with `orchestrator` and `worker`, such as `target/release`.
"""

from __future__ import annotations

import io
import os
import statistics
import subprocess
import sys
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

RUNS = 21
# A program by its name in a build of SAM and in one of Cargo.
PROGRAMS = {"orchestrator": ("Orchestrator/bootstrap", "orchestrator"), "worker": ("Worker/bootstrap", "worker")}
# What the template sets; none of it is used before the first event.
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
    """Takes note of the first call, and leaves it without an answer."""

    asked = threading.Event()

    def do_GET(self) -> None:
        """Asks for an event."""
        self.asked.set()
        time.sleep(3600)

    def do_POST(self) -> None:
        """Tells of a failed start."""
        length = int(self.headers.get("Content-Length", 0))
        sys.exit(f"the function did not start: {self.rfile.read(length).decode()}")

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def start(program: Path, address: str) -> tuple[float, float, float]:
    """Milliseconds of processor time, milliseconds, and megabytes of a start."""
    RuntimeApi.asked.clear()
    began = time.perf_counter()
    process = subprocess.Popen(
        [program], env=VARIABLES | {"AWS_LAMBDA_RUNTIME_API": address}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        if not RuntimeApi.asked.wait(20):
            sys.exit(f"{program} asked for no event: {process.stderr.read1().decode()}")
        took = time.perf_counter() - began
        threads = Path(f"/proc/{process.pid}/task").glob("*/schedstat")
        busy = sum(int(thread.read_text().split()[0]) for thread in threads)
        status = Path(f"/proc/{process.pid}/status").read_text()
        (resident,) = (int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
        return busy / 1e6, took * 1e3, resident / 1e3
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def archive_bytes(program: Path) -> int:
    """Size of the archive that Lambda gets."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as written:
        written.write(program, "bootstrap")
    return len(archive.getvalue())


def spread(values: list[float]) -> str:
    """Median, least and most."""
    return f"{statistics.median(values):.1f} ({min(values):.1f} to {max(values):.1f})"


def main() -> None:
    """Prints a row for each function."""
    folder = Path(sys.argv[1])
    server = ThreadingHTTPServer(("127.0.0.1", 0), RuntimeApi)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"127.0.0.1:{server.server_port}"
    print("| function | archive | program | CPU ms to the first event | ms | memory, MB |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, places in PROGRAMS.items():
        (program,) = [folder / place for place in places if os.access(folder / place, os.X_OK)]
        runs = [start(program, address) for _ in range(RUNS)]
        busy, took, resident = ([run[part] for run in runs] for part in range(3))
        sizes = f"{archive_bytes(program) / 1e6:.1f} MB | {program.stat().st_size / 1e6:.1f} MB"
        print(f"| {name} | {sizes} | {spread(busy)} | {spread(took)} | {spread(resident)} |")


if __name__ == "__main__":
    main()
