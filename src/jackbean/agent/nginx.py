"""nginx's configuration, as files made by pure functions from one value.

The layout is Elastic Beanstalk's, because bundles build on it: `conf.d/*.conf` is read in the http
context, `conf.d/elasticbeanstalk/*.conf` in that of the server, and a bundle's file of the same
name takes the place of ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

UPSTREAM = "application"
WAITING = "waiting_room"
FASTCGI = {
    "SCRIPT_FILENAME": "$document_root$fastcgi_script_name",
    "SCRIPT_NAME": "$fastcgi_script_name",
    "PATH_INFO": "$fastcgi_path_info",
    "QUERY_STRING": "$query_string",
    "REQUEST_METHOD": "$request_method",
    "CONTENT_TYPE": "$content_type",
    "CONTENT_LENGTH": "$content_length",
    "REQUEST_URI": "$request_uri",
    "DOCUMENT_URI": "$document_uri",
    "DOCUMENT_ROOT": "$document_root",
    "SERVER_PROTOCOL": "$server_protocol",
    "REQUEST_SCHEME": "$scheme",
    "GATEWAY_INTERFACE": "CGI/1.1",
    "SERVER_SOFTWARE": "nginx",
    "REMOTE_ADDR": "$remote_addr",
    "REMOTE_PORT": "$remote_port",
    "SERVER_ADDR": "$server_addr",
    "SERVER_PORT": "$server_port",
    "SERVER_NAME": "$host",
    "REDIRECT_STATUS": "200",
}
# Directives of modules that Amazon Linux's nginx has, and one that is a single program has not.
OPTIONAL = frozenset(
    (
        *("gzip_static", "gunzip", "stub_status", "sub_filter", "sub_filter_once"),
        *("sub_filter_types", "add_before_body", "add_after_body", "dav_methods", "mp4", "flv"),
        *("random_index", "xslt_stylesheet", "image_filter", "perl", "geoip_country"),
    )
)
UNKNOWN = re.compile(r'unknown directive "(\w+)"')
SAFE = r"[^\s\"'\\;{}$\x00-\x1f\x7f]+"
NONE = "none"
SPARE_S = 5
STREAM_S = 600  # nginx's own, of connections that are passed on

# nginx brings no table of its own where it is a single program.
TYPES = {
    "text/html": "html htm shtml",
    "text/css": "css",
    "text/xml": "xml",
    "text/plain": "txt",
    "text/markdown": "md",
    "text/csv": "csv",
    "text/calendar": "ics",
    "text/javascript": "js mjs",
    "application/json": "json map",
    "application/ld+json": "jsonld",
    "application/manifest+json": "webmanifest",
    "application/wasm": "wasm",
    "application/pdf": "pdf",
    "application/zip": "zip",
    "application/gzip": "gz",
    "application/xhtml+xml": "xhtml",
    "application/rss+xml": "rss",
    "application/atom+xml": "atom",
    "application/octet-stream": "bin exe dll deb dmg iso img msi",
    "font/woff": "woff",
    "font/woff2": "woff2",
    "font/ttf": "ttf",
    "font/otf": "otf",
    "image/gif": "gif",
    "image/jpeg": "jpeg jpg",
    "image/png": "png",
    "image/svg+xml": "svg svgz",
    "image/webp": "webp",
    "image/avif": "avif",
    "image/x-icon": "ico",
    "image/bmp": "bmp",
    "image/tiff": "tif tiff",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg oga",
    "audio/wav": "wav",
    "audio/mp4": "m4a",
    "video/mp4": "mp4 m4v",
    "video/webm": "webm",
    "video/ogg": "ogv",
    "video/quicktime": "mov",
}


@dataclass(frozen=True)
class ProxySite:
    """What nginx is to do. `statics` maps a path of URLs to a directory; `user` may be empty.

    `worker_s` is how long the application of a worker may take over a message; 0 for others.
    """

    listen: str
    upstream: str
    waiting: str
    hold: str
    logs: str
    state: str
    user: str = ""
    drain_s: int = 20
    statics: Mapping[str, str] = field(default_factory=dict)
    server: str = "nginx"
    passes: str = "http"
    document_root: str = ""
    other_name: str = ""  # of the upstream, as bundles of the platform know it
    worker_s: int = 0


class Unsafe(ValueError):
    """A value that nginx would read as something else; a sentence that names it."""


def upstream(host: str, port: int) -> str:
    """Return an address as nginx says it; a host that begins with "/" is a socket's path."""
    return f"unix:{host}" if host.startswith("/") else f"{host}:{port}"


def files(site: ProxySite) -> dict[str, str]:
    """Return the text of each file by its path in the configuration's folder."""
    if site.server == NONE:
        return {"nginx.conf": _main(site) + _passing(site)}
    return {
        "nginx.conf": _main(site) + _http(site),
        "mime.types": _types(),
        "conf.d/healthd_logformat.conf": _healthd_format(),
        "conf.d/upstream.conf": _upstream(site),
        **_applications(site),
        "conf.d/elasticbeanstalk/01_static.conf": _statics(site.statics),
        "conf.d/elasticbeanstalk/healthd.conf": _healthd(site),
    }


def advice(said: str) -> str:
    """Return what helps against a refusal of nginx's, if that is known: a sentence."""
    found = UNKNOWN.search(said)
    if not found or found[1] not in OPTIONAL:
        return ""
    return f" This nginx is built without {found[1]}; `apt install nginx` on the machine brings it."


def without_gzip_static(text: bytes) -> bytes:
    """Return a bundle's file for an nginx that does not look for files packed beforehand.

    What is served stays the same: they are packed on the way, or not.
    """
    return re.sub(rb"\bgzip_static\s+(?:on|off|always)\s*;", b"", text)


def listening(text: bytes, address: str) -> bytes:
    """Return a bundle's file for an instance that has port 80 at one address, and no other.

    nginx would not go over from that address to all of them while it runs. What listens for IPv6
    besides is left out: it is the same address here, and may be given once.
    """
    plain = rb"\blisten\s+(?:\*:|0\.0\.0\.0:)?80(?=[\s;])"
    here = b"listen " + address.encode()
    if re.search(plain, text):
        return re.sub(rb"\blisten\s+\[::\]:80\b[^;]*;", b"", re.sub(plain, here, text))
    return re.sub(rb"\blisten\s+\[::\]:80(?=[\s;])", here, text)


def check_statics(statics: Mapping[str, str]) -> None:
    """Refuse mappings that could not be written safely, or that leave the application."""
    for path, folder in statics.items():
        if not path.startswith("/") or not re.fullmatch(SAFE, path):
            raise Unsafe(f"The static files path {path!r} is not a path such as /static.")
        if not re.fullmatch(SAFE, folder) or ".." in folder.split("/"):
            raise Unsafe(
                f"The static files directory {folder!r} (for {path}) is not a directory of the "
                "application such as static."
            )


def _main(site: ProxySite) -> str:
    user = f"user {site.user};\n" if site.user else ""
    # One worker: an instance is one of many on its machine, and one worker serves more than the
    # application behind it.
    return f"""\
{user}worker_processes 1;
worker_rlimit_nofile 4096;
worker_shutdown_timeout {site.drain_s}s;
error_log "{site.logs}/error.log" warn;
pid "{site.state}/nginx.pid";

events {{
    worker_connections 1024;
}}
"""


def _http(site: ProxySite) -> str:
    temporary = "\n".join(
        f'    {name}_temp_path "{site.state}/{name}";'
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return f"""
http {{
    include mime.types;
    default_type application/octet-stream;

    log_format main '$remote_addr - $remote_user [$time_local] "$request" '
                    '$status $body_bytes_sent "$http_referer" '
                    '"$http_user_agent" "$http_x_forwarded_for"';

{temporary}

    map $http_upgrade $connection_upgrade {{
        default "upgrade";
        "" "";
    }}

    include conf.d/*.conf;

    server {{
        listen {site.listen} default_server;
        access_log "{site.logs}/access.log" main;

        client_header_timeout 60;
        client_body_timeout 60;
        keepalive_timeout 60;
        gzip off;
        gzip_comp_level 4;
{_patience(site)}
        include conf.d/elasticbeanstalk/*.conf;
    }}
}}
"""


def _patience(site: ProxySite) -> str:
    """Return what is different where requests are messages.

    They may take longer than nginx's 60 seconds: as long as the daemon waits, and a little more so
    that it is the daemon that gives up. And attributes may have names that nginx would drop.
    """
    if not site.worker_s:
        return ""
    kinds = ("proxy_read", "proxy_send", "fastcgi_read", "fastcgi_send")
    times = "".join(f"        {kind}_timeout {site.worker_s + SPARE_S}s;\n" for kind in kinds)
    return f"{times}        ignore_invalid_headers off;\n        underscores_in_headers on;\n"


def _passing(site: ProxySite) -> str:
    """Return the configuration without a proxy: connections are passed on byte by byte."""
    return f"""
stream {{
    upstream {UPSTREAM} {{
        server {site.upstream} max_fails=0;
        server unix:{site.waiting} backup max_fails=0;
    }}
    server {{
        listen {site.listen};
        proxy_pass {UPSTREAM};
        proxy_timeout {max(STREAM_S, site.worker_s + SPARE_S)}s;
    }}
}}
"""


def _upstream(site: ProxySite) -> str:
    # Connections are let go before the usual servers end them (gunicorn after 2 s), so that no
    # request meets a closing one; and soon, because a server that is to end waits for them.
    applications = "".join(
        f"""\
upstream {name} {{
    server {site.upstream} max_fails=0;
    server "unix:{site.waiting}" backup max_fails=0;
    keepalive 32;
    keepalive_timeout 100ms;
}}
"""
        for name in (UPSTREAM, site.other_name)
        if name
    )
    return f"""\
{applications}upstream {WAITING} {{
    server "unix:{site.waiting}";
}}
"""


def _applications(site: ProxySite) -> dict[str, str]:
    if site.passes == "fastcgi":
        return {"conf.d/elasticbeanstalk/php.conf": _php(site)}
    return {"conf.d/elasticbeanstalk/00_application.conf": _application(site)}


def _php(site: ProxySite) -> str:
    """Return where PHP's scripts are. There is no `location /`: that is the bundle's to add."""
    given = "".join(f"    fastcgi_param {name} {value};\n" for name, value in FASTCGI.items())
    return f"""\
root "{site.document_root}";
index index.php index.html index.htm;

location ~ \\.(php|phar)(/.*)?$ {{
    fastcgi_split_path_info ^(.+\\.(?:php|phar))(/.*)$;
    set $application {UPSTREAM};
    if (-f "{site.hold}") {{
        set $application {WAITING};
    }}
    fastcgi_pass $application;
    fastcgi_index index.php;
    fastcgi_next_upstream error;
    fastcgi_next_upstream_timeout 1s;
{given}}}
"""


def _application(site: ProxySite) -> str:
    """Return the location of the application, behind static files if they are for /."""
    root = site.statics.get("/", "")
    files = f'location / {{\n    root "{root}";\n    try_files $uri @application;\n}}\n'
    # Only what fails at once goes to the waiting room: a request that broke after a while has
    # probably had its effect.
    return f"""\
{files if root else ""}location {"@application" if root else "/"} {{
    set $application {UPSTREAM};
    if (-f "{site.hold}") {{
        set $application {WAITING};
    }}
    proxy_pass http://$application;
    proxy_http_version 1.1;
    proxy_next_upstream error;
    proxy_next_upstream_timeout 1s;

    proxy_set_header Connection $connection_upgrade;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Host $host;
    proxy_set_header X-Real-IP $remote_addr;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
}}
"""


def _statics(statics: Mapping[str, str]) -> str:
    return "".join(
        f'location {path.rstrip("/")}/ {{\n    alias "{folder.rstrip("/")}/";\n}}\n'
        for path, folder in sorted(statics.items())
        if path != "/"
    )


def _healthd_format() -> str:
    fields = "$msec $uri $status $request_time $upstream_response_time $http_x_forwarded_for"
    return f"log_format healthd '{fields.replace(' ', chr(34))}';\n"


def _healthd(site: ProxySite) -> str:
    return f"""\
if ($time_iso8601 ~ "^(\\d{{4}})-(\\d{{2}})-(\\d{{2}})T(\\d{{2}})") {{
    set $year $1;
    set $month $2;
    set $day $3;
    set $hour $4;
}}
open_log_file_cache max=4 valid=10s;
access_log "{site.logs}/healthd/application.log.$year-$month-$day-$hour" healthd;
"""


def _types() -> str:
    lines = "".join(f"    {kind} {endings};\n" for kind, endings in TYPES.items())
    return f"types {{\n{lines}}}\n"
