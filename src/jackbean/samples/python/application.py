"""The application that an environment runs until it is given one."""

import html
import os
import platform

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>It runs</title>
<style>
  body {{ font: 1.1rem/1.6 system-ui, sans-serif; margin: 12vh auto; max-width: 36rem; padding: 0 1rem;
         color: #1c2b21; background: #f6f4ec }}
  h1 {{ font-weight: 600; letter-spacing: -.02em }}
  code {{ background: #e5e9dc; padding: .1em .35em; border-radius: .25em }}
</style>
<h1>Your environment runs.</h1>
<p>Python {version} answered from <code>{host}</code>.
<p>Deploy your own application: <code>jb deploy</code> or <code>eb deploy</code> in its folder.
"""


def application(environ, start_response):
    body = PAGE.format(
        version=html.escape(platform.python_version()),
        host=html.escape(os.uname().nodename),
    ).encode()
    headers = [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(body)))]
    start_response("200 OK", headers)
    return [body]
