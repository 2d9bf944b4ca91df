"""The log of a server process (SECURITY R4): it never holds up the service."""

import json
import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

_PROGRAM = """
import logging, os, sys
from asmx_tickets.hosting.logs import BackgroundLog
from asmx_tickets.settings.model import Settings
log = BackgroundLog(Settings())
for number in range(int(sys.argv[1])):
    logging.getLogger("asmx_tickets.test").warning("line %d of many", number)
try:
    raise ValueError("why")
except ValueError:
    logging.getLogger("asmx_tickets.test").exception("failed")
log.close()
print("done", flush=True)
os._exit(0)  # as a worker ends
"""


def test_lines_are_whole_and_in_order() -> None:
    """Each once, with time, level and category. A traceback follows the line that it belongs to."""
    command = [sys.executable, "-c", _PROGRAM, "500"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    lines = done.stderr.splitlines()
    said = [line.split(" ", 2)[2] for line in lines[:501]]
    assert said[:500] == [f"WARNING asmx_tickets.test: line {number} of many" for number in range(500)]
    assert said[500] == "ERROR asmx_tickets.test: failed"
    assert lines[-1] == "ValueError: why"


def test_a_reader_that_does_not_read_holds_up_no_program() -> None:
    """There are more lines than the pipe and the queue hold, and the program still comes to its end."""
    reading, writing = os.pipe()
    try:
        command = [sys.executable, "-c", _PROGRAM, "30000"]
        done = subprocess.run(command, stderr=writing, stdout=subprocess.PIPE, text=True, timeout=60, check=True)
    finally:
        os.close(reading)
        os.close(writing)
    assert done.stdout == "done\n"


_JSON = """
import logging, sys
from asmx_tickets.hosting.logs import {log}
from asmx_tickets.settings.model import load_settings
log = {log}(load_settings(environ={{"Logging__Format": "JSON"}}))
logger = logging.getLogger("asmx_tickets.test")
logger.warning("%s", sys.argv[1], extra={{"fields": {{"status": 200}}}})
try:
    raise ValueError("why")
except ValueError:
    logger.exception("failed")
"""


@pytest.mark.parametrize("log", ["configure_logging", "BackgroundLog"])
def test_each_message_can_be_a_line_of_json(log: str) -> None:
    """The supervisor's as well as the workers'. A traceback is part of its line, and a long line stays whole."""
    program = _JSON.format(log=log) + ("log.close()\n" if log == "BackgroundLog" else "")
    text = 'Jörg says "no"\n'
    command = [sys.executable, "-c", program, text + "x" * 5000]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    said, failed = map(json.loads, done.stderr.splitlines())
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", said["time"])
    assert (said["level"], said["category"], said["status"]) == ("Warning", "asmx_tickets.test", 200)
    assert said["message"].startswith(f"{text}xxx")
    assert (failed["level"], failed["message"]) == ("Error", "failed")
    assert failed["exception"].startswith("Traceback")
    assert failed["exception"].endswith("ValueError: why")


def test_the_level_is_that_of_the_settings() -> None:
    """Logging:LogLevel:Default, by ASP.NET's names."""
    program = (
        "import logging; from asmx_tickets.hosting.logs import configure_logging;"
        "from asmx_tickets.settings.model import load_settings;"
        "configure_logging(load_settings(environ={'Logging__LogLevel__Default': 'Error'}));"
        "print(logging.getLogger('asmx_tickets').getEffectiveLevel())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)
    assert int(done.stdout) == logging.ERROR


_FILLED = """
import logging, resource, signal, sys
from asmx_tickets.hosting.logs import BackgroundLog
from asmx_tickets.settings.model import load_settings
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
log = BackgroundLog(load_settings(environ={"Logging__Format": sys.argv[1]}))
logger = logging.getLogger("asmx_tickets.test")
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
for number in range(100):
    logger.warning("line %d of many", number)
log.close()
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
log._listener.start()
logger.warning("there is room again")
log.close()
"""


@pytest.mark.parametrize("form", ["text", "json"])
def test_lines_that_a_full_disk_lost_are_counted(tmp_path: Path, form: str) -> None:
    """Half a line does not spoil the next one. A limit of the file's size imitates a full disk."""
    file = tmp_path / "log"
    with file.open("ab") as target:
        subprocess.run([sys.executable, "-c", _FILLED, form], stderr=target, timeout=30, check=True)
    lines = file.read_text().splitlines()
    whole = [line for line in lines if "of many" in line]
    lost, last = lines[-2:]
    assert re.search(r"\b(\d+) lines before this one were lost", lost)
    assert "there is room again" in last
    count = int(re.search(r"(\d+) lines before", lost)[1])  # type: ignore[index]
    assert count == 100 - len(whole)
    if form == "json":
        assert json.loads(lost)["level"] == "Warning"
        assert json.loads(last)["message"] == "there is room again"


_UNREAD = """
import logging, sys, time
from asmx_tickets.hosting.logs import BackgroundLog
from asmx_tickets.settings.model import Settings
log = BackgroundLog(Settings())
for number in range(30000):
    logging.getLogger("asmx_tickets.test").warning("line %d of many", number)
print("written", flush=True)
sys.stdin.read()
while not log._lines.empty():
    time.sleep(0.01)
logging.getLogger("asmx_tickets.test").warning("somebody reads again")
log.close()
"""


def test_lines_that_nobody_read_are_counted() -> None:
    """There are more than the pipe and the queue hold, so some are dropped meanwhile."""
    with subprocess.Popen(
        [sys.executable, "-c", _UNREAD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        _, said = process.communicate(timeout=30)
    lines = said.splitlines()
    lost = [int(found[1]) for line in lines if (found := re.search(r"(\d+) lines before this one were lost", line))]
    assert sum(lost) == 30000 - sum("of many" in line for line in lines) > 0
    assert lines[-1].endswith("somebody reads again")
