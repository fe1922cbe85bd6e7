"""What platforms do on an instance: proxy, static files, runtimes, and their properties.

Rows with `platforms` exist, or have their default, on those only. `legacy` ones belonged to
platforms that are retired, or are for Windows.
"""

from __future__ import annotations

from functools import partial

from jackbean.core.options.domains import Boolean, Choice, Items, Text, Variable, Whole
from jackbean.core.options.option import Apply, Option

PYTHON, NODE, PHP, RUBY, GO = "Python", "Node.js", "PHP", "Ruby", "Go"
JAVA, TOMCAT, DOTNET, DOCKER = "Java", "Tomcat", ".NET Core on Linux", "Docker"
WINDOWS = ".NET on Windows Server"
# Both ends of a mapping end up in the proxy's configuration file.
FOLDER = Text(
    r"(?!(.*/)?\.\.(/|$))[^\x00-\x20\x7f\"'`;{}$\\]*(?: +[^\x00-\x20\x7f\"'`;{}$\\]+)*",
    "a folder inside the bundle, without '..', quotes and control characters",
    1024,
)
URL_PATH = r"/[^\x00-\x20\x7f\"'`;{}$\\]{0,255}"
PROCESSES = Whole(1, 1000)
WSGI = Text(
    r"[A-Za-z0-9_./-]{1,255}(:[A-Za-z0-9_.]{1,255}(\(\))?)?",
    "a module, or module:callable, such as application or mysite.wsgi:application",
)
SWITCH = Choice(("On", "Off", "true", "false"))
LIMITLESS = 9_223_372_036_854_775_807

_property = partial(
    Option,
    "aws:elasticbeanstalk:application:environment",
    apply=Apply.ON_INSTANCE,
    checked=True,
    user_defined=True,
    secret=True,
)
_python = partial(
    Option,
    "aws:elasticbeanstalk:container:python",
    apply=Apply.ON_INSTANCE,
    checked=True,
    platforms=(PYTHON,),
)
_php = partial(
    Option,
    "aws:elasticbeanstalk:container:php:phpini",
    apply=Apply.ON_INSTANCE,
    platforms=(PHP,),
)
_jvm = partial(
    Option,
    "aws:elasticbeanstalk:container:tomcat:jvmoptions",
    apply=Apply.ON_INSTANCE,
    platforms=(TOMCAT,),
)
_static = partial(
    Option,
    "aws:elasticbeanstalk:environment:proxy:staticfiles",
    domain=FOLDER,
    apply=Apply.ON_INSTANCE,
    checked=True,
    user_defined=True,
)
_node_legacy = partial(
    Option,
    "aws:elasticbeanstalk:container:nodejs",
    apply=Apply.ON_INSTANCE,
    platforms=(NODE,),
    legacy=True,
)
_iis = partial(
    Option,
    "aws:elasticbeanstalk:container:dotnet:apppool",
    apply=Apply.ON_INSTANCE,
    platforms=(WINDOWS,),
    legacy=True,
)


def _port(default: str, *platforms: str, implied: bool = True) -> Option:
    return _property(
        "PORT",
        "Port the proxy forwards to",
        Whole(1, 65_535),
        default,
        platforms=platforms,
        implied=implied,
    )


def _proxy(*platforms: str, servers: tuple[str, ...]) -> Option:
    return Option(
        "aws:elasticbeanstalk:environment:proxy",
        "ProxyServer",
        "Reverse proxy in front of the application",
        Choice(servers),
        "nginx",
        Apply.ON_INSTANCE,
        checked=True,
        platforms=platforms,
    )


def _static_legacy(container: str, platform: str) -> Option:
    return Option(
        f"aws:elasticbeanstalk:container:{container}:staticfiles",
        "*",
        "URL path mapped to a static folder; now in aws:elasticbeanstalk:environment:proxy:"
        "staticfiles",
        FOLDER,
        apply=Apply.ON_INSTANCE,
        platforms=(platform,),
        user_defined=True,
        legacy=True,
        name_pattern=URL_PATH,
    )


INSTANCES: tuple[Option, ...] = (
    _proxy(PYTHON, NODE, PHP, TOMCAT, servers=("nginx", "apache")),
    _proxy(DOCKER, DOTNET, servers=("nginx", "none")),
    _proxy(GO, JAVA, RUBY, servers=("nginx",)),
    Option(
        "aws:elasticbeanstalk:environment:proxy",
        "GzipCompression",
        "Compress responses",
        Boolean(),
        "true",
        Apply.ON_INSTANCE,
        platforms=(TOMCAT,),
        legacy=True,
    ),
    _static("*", "URL path mapped to a folder of static files", name_pattern=URL_PATH),
    _static("/static", "Static files", default="static", platforms=(PYTHON,)),
    _static("/", "Static files", default="public", platforms=(RUBY,)),
    _static("/assets", "Static files", default="public/assets", platforms=(RUBY,)),
    _static("/public", "Static files", default="public", platforms=(RUBY,)),
    # 5000 where the application is not told a port and is expected to know it; Node.js is told.
    _port("8000", PYTHON),
    _port("8080", NODE, implied=False),
    _port("5000", GO, JAVA, DOTNET),
    _port("8080", TOMCAT),
    _property(
        "JDBC_CONNECTION_STRING",
        "Connection string of an outside database",
        Variable(),
        platforms=(TOMCAT,),
    ),
    _property("DJANGO_SETTINGS_MODULE", "Django settings module to load", platforms=(PYTHON,)),
    _property(
        "RAILS_SKIP_MIGRATIONS",
        "Skip running database migrations",
        Boolean(),
        "false",
        platforms=(RUBY,),
    ),
    _property(
        "RAILS_SKIP_ASSET_COMPILATION",
        "Skip precompiling assets",
        Boolean(),
        "false",
        platforms=(RUBY,),
    ),
    _property(
        "BUNDLE_WITHOUT",
        "Gemfile groups left out at install, separated by colons",
        Items(Text(length_max=128), separator=":"),
        "test:development",
        platforms=(RUBY,),
    ),
    _property(
        "BUNDLER_DEPLOYMENT_MODE",
        "Install gems in Bundler's deployment mode",
        Boolean(),
        "true",
        platforms=(RUBY,),
    ),
    _property(
        "RACK_ENV",
        "Stage name for the application",
        Text(length_max=128),
        "production",
        platforms=(RUBY,),
    ),
    _jvm("JVM Options", "Raw JVM command-line flags"),
    _jvm("Xmx", "Maximum heap", default="256m"),
    _jvm("XX:MaxPermSize", "Permanent generation limit; Java before 8", default="64m", legacy=True),
    _jvm("Xms", "Initial heap", default="256m"),
    _jvm("*", "Any further JVM flag by name", user_defined=True),
    _iis(
        "Target Runtime", "Framework version of the application pool", Choice(("2.0", "4.0")), "4.0"
    ),
    _iis("Enable 32-bit Applications", "Allow 32-bit processes", Boolean(), "False"),
    _node_legacy("NodeCommand", "Start command; now in the Procfile", default=""),
    _node_legacy("NodeVersion", "Runtime version; now that of the platform branch"),
    _node_legacy("GzipCompression", "Compress responses", Boolean(), "false"),
    _node_legacy(
        "ProxyServer",
        "Reverse proxy on instances; now in aws:elasticbeanstalk:environment:proxy",
        Choice(("apache", "nginx", "none")),
        "nginx",
    ),
    _static_legacy("nodejs", NODE),
    _static_legacy("golang", GO),
    _static_legacy("java", JAVA),
    _static_legacy("python", PYTHON),
    _php(
        "document_root",
        "Public web root inside the project",
        Text(r"/[^\x00-\x20\x7f\"'`;{}$\\]*", "blank or a path that begins with /", 1024),
        "/",
        checked=True,
    ),
    _php("memory_limit", "Memory ceiling for scripts", default="256M"),
    _php("zlib.output_compression", "Compress script output", SWITCH, "Off"),
    _php("allow_url_fopen", "Let file functions open remote URLs", SWITCH, "On"),
    _php("display_errors", "Print errors into the response", Choice(("On", "Off")), "Off"),
    _php("max_execution_time", "Script time limit", Whole(0, LIMITLESS), "60", unit="s"),
    _php("composer_options", "Extra flags for Composer's install"),
    _python("WSGIPath", "Module that exposes the application callable", WSGI, "application"),
    _python("NumProcesses", "WSGI worker processes", PROCESSES, "1"),
    _python("NumThreads", "Threads per WSGI process", PROCESSES, "15"),
)
