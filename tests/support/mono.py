"""A real ASP.NET ASMX: Mono's System.Web.Services behind nginx, serving a folder of .asmx files."""

import contextlib
import http.client
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.support.processes import Child, free_port, program

# Errors are shown as a remote client of .NET sees them: without the server's stack traces.
# Each file is compiled by itself: two may have a class of the same name.
_CONFIGURATION = """<?xml version="1.0"?>
<configuration><system.web><compilation debug="false" batch="false"/><customErrors mode="On"/>
<webServices><protocols><add name="HttpGet"/><add name="HttpPost"/><add name="HttpSoap"/><add name="HttpSoap12"/>
<add name="Documentation"/></protocols></webServices></system.web></configuration>
"""
_NGINX = """daemon off; pid {work}/nginx.pid; error_log {work}/error.log; worker_processes 1; user root;
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path {work}/body; fastcgi_temp_path {work}/fcgi; proxy_temp_path {work}/proxy;
  uwsgi_temp_path {work}/uwsgi; scgi_temp_path {work}/scgi;
  server {{
    listen 127.0.0.1:{port}; root {work}/site;
    location / {{
      fastcgi_pass unix:{work}/mono.sock; include /etc/nginx/fastcgi_params; fastcgi_read_timeout 120;
      fastcgi_split_path_info ^(.+?\\.asmx)(/.*)?$;
      fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name; fastcgi_param PATH_INFO $fastcgi_path_info;
    }}
  }}
}}
"""


@contextlib.contextmanager
def asmx_server(files: dict[str, str]) -> Iterator[str]:
    """The address at which Mono serves these .asmx files, given as names and texts. Its clock is in UTC.

    Skips the test where there is no Mono.
    """
    mono, nginx = program("fastcgi-mono-server4"), program("nginx", Path("/usr/sbin"))
    with tempfile.TemporaryDirectory(prefix="asmx-") as folder, contextlib.ExitStack() as started:
        work, port = Path(folder), free_port()
        site = work / "site"
        site.mkdir()
        for name, text in files.items():
            (site / name).write_text(text, "utf-8")
        (site / "web.config").write_text(_CONFIGURATION)
        (work / "nginx.conf").write_text(_NGINX.format(work=work, port=port))
        socket = work / "mono.sock"
        for command, answers in (
            (["env", "TZ=UTC", mono, f"/applications=/:{site}", f"/socket=unix:{socket}"], socket.exists),
            ([nginx, "-c", str(work / "nginx.conf")], lambda: _listens(port)),
        ):
            child = Child(command, work)
            started.callback(child.stop)
            child.start(answers)
        yield f"http://127.0.0.1:{port}"


def _listens(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    try:
        connection.connect()
    except ConnectionRefusedError:
        return False
    connection.close()
    return True
