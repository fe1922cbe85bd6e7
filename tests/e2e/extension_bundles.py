"""Bundles with `.ebextensions`: one that uses every key, and a Django project that migrates."""

from __future__ import annotations

import io
import tarfile

from tests.e2e.installation import app, bundle

EVERY_KEY = """\
Parameters:
  greeting: {{Type: String, Default: hello}}
Mappings:
  Words: {{us-east-1: {{word: mapped}}}}
Resources:
  Topic: {{Type: "AWS::SNS::Topic"}}
  AWSEBAutoScalingGroup:
    Metadata:
      AWS::CloudFormation::Authentication:
        Bucket: {{type: S3, buckets: [{bucket}], roleName: any}}
option_settings:
  aws:elasticbeanstalk:application:environment:
    COLOUR: '`{{"Fn::Join": ["-", [{{"Ref": "AWS::Region"}}, "blue"]]}}`'
    TOPIC: '`{{"Ref": "Topic"}}`'
packages:
  yum:
    bash: []
    no-such-package: []
groups:
  workers: {{gid: 700}}
users:
  worker: {{uid: 701, groups: [workers], homeDir: /opt/worker}}
sources:
  /opt/archive: s3://{bucket}/things.tar.gz
files:
  /etc/mine/config.json:
    mode: "000640"
    owner: {owner}
    group: {group}
    content:
      name: {{Ref: AWSEBEnvironmentName}}
      word: {{"Fn::FindInMap": [Words, {{Ref: "AWS::Region"}}, word]}}
  /opt/greeting:
    content: {{"Fn::Sub": "${{greeting}} ${{AWS::Region}}"}}
  /opt/fetched:
    source: https://s3.amazonaws.com/{bucket}/secret.txt
    authentication: Bucket
  /opt/link:
    mode: "120400"
    content: /opt/greeting
  /etc/systemd/system/ticker.service:
    content: |
      [Service]
      ExecStart=/bin/sh -c 'echo ticking; exec sleep 100000'
      Restart=always
commands:
  02_second:
    command: cat /opt/greeting /opt/archive/inner/thing /opt/fetched
  01_first:
    command: [touch, /opt/first]
    test: test ! -e /opt/first
services:
  systemd:
    ticker: {{enabled: true, ensureRunning: true}}
    httpd: {{ensureRunning: true}}
container_commands:
  01_source:
    command: echo "$COLOUR $TOPIC $OWN" > colour.txt; ls application.py
    env: {{OWN: mine}}
  02_leader:
    command: echo led
    leader_only: true
"""


def every_key(bucket: str, accounts: bool) -> bytes:
    """Return the bundle; files belong to the user that it makes where there can be one."""
    owner, group = ("worker", "workers") if accounts else ("root", "root")
    text = EVERY_KEY.format(bucket=bucket, owner=owner, group=group)
    return app("keys", **{".ebextensions/01-every.config": text})


def things() -> bytes:
    """Return the archive that the bundle has unpacked."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        entry = tarfile.TarInfo("inner/thing")
        entry.size = 9
        tar.addfile(entry, io.BytesIO(b"a thing.\n"))
    return buffer.getvalue()


KINDS = """\
files:
  /etc/cron.d/mine:
    mode: "000644"
    content: |
      * * * * * root /usr/local/bin/mine.sh
  /usr/local/bin/mine.sh:
    mode: "000755"
    content: "#!/bin/bash\\ndate > /tmp/date\\n"
  /tmp/rsyslog.conf: {mode: "000644", content: "$SystemLogRateLimitInterval 600"}
  /tmp/journald.conf: {mode: "00644", content: "[Journal]"}
  /opt/aws/amazon-cloudwatch-agent/etc/mine.json:
    mode: "0644"
    content: |
      {"logs": {"logs_collected": {"files": {"collect_list": [
        {"file_path":
         "`{"Fn::Join": ["", ["/var/log/", {"Ref": "AWSEBEnvironmentName"}, ".log"]]}`"}
      ]}}}}
commands:
  01_rsyslog: {command: mv /tmp/rsyslog.conf /etc/rsyslog.d/mine.conf}
  02_folder: {command: cd /etc/systemd && mkdir -p journald.conf.d}
  03_journald: {command: mv /tmp/journald.conf /etc/systemd/journald.conf.d/mine.conf}
  04_restart: {command: systemctl restart systemd-journald && service rsyslog restart}
  05_sudo: {command: sudo -n touch /opt/sudo}
  06_backup: {command: rm -f /etc/cron.d/mine.bak}
container_commands:
  01_agent:
    command: >-
      /opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl -a append-config -s
      -c file:/opt/aws/amazon-cloudwatch-agent/etc/mine.json
  02_nginx: {command: service nginx restart}
"""

SETTINGS = """\
SECRET_KEY = "of no use to anybody"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "mysite.urls"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "notes"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "/tmp/notes.sqlite3"}}
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
"""
URLS = """\
import django
from django.http import HttpResponse
from django.urls import path
urlpatterns = [path("", lambda request: HttpResponse(f"VERSION django {django.__version__}"))]
"""
MANAGE = """\
import os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
"""
WSGI = """\
import os
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
from django.core.wsgi import get_wsgi_application
application = get_wsgi_application()
"""
MIGRATION = """\
from django.db import migrations, models
class Migration(migrations.Migration):
    dependencies = [("notes", "%s")] if "%s" else []
    operations = [
        migrations.CreateModel("%s", [("id", models.AutoField(primary_key=True, serialize=False))])
    ]
"""
CONFIG = """\
option_settings:
  aws:elasticbeanstalk:container:python:
    WSGIPath: mysite.wsgi:application
container_commands:
  01_migrate:
    command: "source /var/app/venv/*/bin/activate && python3 manage.py migrate --noinput"
    leader_only: true
  02_check:
    command: python manage.py check
"""


def django(version: str, migrations: int) -> bytes:
    """Return a project with so many migrations."""
    files: dict[str, str | bytes] = {
        "requirements.txt": "Django>=4.2,<6\n",
        "manage.py": MANAGE,
        "mysite/__init__.py": "",
        "mysite/settings.py": SETTINGS,
        "mysite/urls.py": URLS.replace("VERSION", version),
        "mysite/wsgi.py": WSGI,
        "notes/__init__.py": "",
        "notes/migrations/__init__.py": "",
        ".ebextensions/django.config": CONFIG,
    }
    before = ""
    for number in range(1, migrations + 1):
        name = f"000{number}_note{number}"
        files[f"notes/migrations/{name}.py"] = MIGRATION % (before, before, f"Note{number}")
        before = name
    return bundle(files)
