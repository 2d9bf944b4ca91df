"""Runs php-fpm and nginx, set up for one core in a directory: ``php.py PORT DIRECTORY WSDL TICKETS FPM``."""

import contextlib
import signal
import subprocess
import sys
import time
from pathlib import Path

_SERVICE = Path(__file__).with_name("php_service.php")

# On one core one child is the fastest; FastCGI keep-alive would bind it to one of nginx's connections.
_FPM = """[global]
daemonize = no
error_log = {directory}/fpm.log
[srv]
listen = {directory}/fpm.sock
listen.backlog = 511
{user}
pm = static
pm.max_children = 1
pm.max_requests = 0
php_admin_value[opcache.enable] = 1
php_admin_value[soap.wsdl_cache_enabled] = 1
"""

_NGINX = """daemon off;
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/nginx-error.log;
{user}
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {directory}/body;
  fastcgi_temp_path {directory}/fastcgi;
  proxy_temp_path {directory}/proxy;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  keepalive_requests 1000000000;
  client_max_body_size 64k;
  client_body_buffer_size 64k;
  tcp_nodelay on;
  server {{
    listen 127.0.0.1:{port};
    location = /srv.asmx {{
      fastcgi_pass unix:{directory}/fpm.sock;
      fastcgi_param SCRIPT_FILENAME {service};
      fastcgi_param REQUEST_METHOD $request_method;
      fastcgi_param CONTENT_TYPE $content_type;
      fastcgi_param CONTENT_LENGTH $content_length;
      fastcgi_param HTTP_SOAPACTION $http_soapaction;
      fastcgi_param WSDL {wsdl};
      fastcgi_param TICKETS {tickets};
    }}
  }}
}}
"""


def write_tickets(lines: str, file: Path) -> None:
    """Write the tickets as PHP. The keys start with a letter, since PHP turns numeric ones into integers."""
    pairs = (line.split() for line in lines.splitlines())
    entries = [f"'t{guid.replace('-', '')}'=>{int(float(expires_at))}," for guid, expires_at in pairs]
    file.write_text("<?php return [\n" + "\n".join(entries) + "\n];\n")


def main(port: str, directory: str, wsdl: str, tickets: str, fpm: str) -> int:
    """Run both until SIGTERM, or until one of them ends."""
    here = Path(directory)
    write_tickets(Path(tickets).read_text(), here / "tickets.php")
    values = {"directory": here, "port": port, "service": _SERVICE, "wsdl": wsdl, "tickets": here / "tickets.php"}
    (here / "fpm.conf").write_text(_FPM.format(**values, user="user = root\ngroup = root" if _is_root() else ""))
    (here / "nginx.conf").write_text(_NGINX.format(**values, user="user root;" if _is_root() else ""))
    limits = ["opcache.interned_strings_buffer=64", "opcache.memory_consumption=256", "opcache.validate_timestamps=0"]
    limits += ["memory_limit=512M"]
    options = [option for limit in limits for option in ("-d", limit)]
    commands = [
        [fpm, *options, "--nodaemonize", "--fpm-config", str(here / "fpm.conf"), *(["-R"] if _is_root() else [])],
        ["nginx", "-p", directory, "-c", str(here / "nginx.conf")],
    ]
    processes: list[subprocess.Popen[bytes]] = []
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        processes.append(subprocess.Popen(commands[0]))
        while not (here / "fpm.sock").exists() and processes[0].poll() is None:
            time.sleep(0.02)
        processes.append(subprocess.Popen(commands[1]))
        return processes[1].wait()
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)


def _is_root() -> bool:
    return Path("/proc/self").stat().st_uid == 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
