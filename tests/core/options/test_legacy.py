from __future__ import annotations

from jackbean.core.options.legacy import STATIC_TODAY, translated
from jackbean.core.options.settings import Setting, Settings


def test_static_files_keep_their_meaning() -> None:
    old = "aws:elasticbeanstalk:container:python:staticfiles"
    found = translated(Settings([Setting(old, "/static/", "/static/"), Setting("a:b", "c", "d")]))
    assert found.namespace(STATIC_TODAY) == {"/static": "static"}
    assert len(found) == 1
