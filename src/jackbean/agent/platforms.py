"""The platforms that an instance can be, by family."""

from __future__ import annotations

from collections.abc import Mapping

from jackbean.agent.dotnet import DOTNET
from jackbean.agent.golang import GO
from jackbean.agent.java import JAVA
from jackbean.agent.nodejs import NODEJS
from jackbean.agent.php import PHP
from jackbean.agent.python import PYTHON
from jackbean.agent.ruby import RUBY
from jackbean.agent.run import Platform
from jackbean.agent.tomcat import TOMCAT

ALL = (PYTHON, NODEJS, GO, JAVA, TOMCAT, PHP, RUBY, DOTNET)
PLATFORMS: Mapping[str, Platform] = {platform.family: platform for platform in ALL}
