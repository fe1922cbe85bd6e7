"""What a platform branch needs of a machine: languages, each in a version."""

from __future__ import annotations

from dataclasses import dataclass

from jackbean.core.platforms.branch import Branch

LANGUAGES = {  # a platform's name -> the language that its applications run on
    "Python": "python",
    "Node.js": "nodejs",
    "Go": "go",
    "Java": "java",
    "Tomcat": "java",
    "PHP": "php",
    "Ruby": "ruby",
    ".NET Core on Linux": "dotnet",
}
TITLES = {
    "python": "Python",
    "nodejs": "Node.js",
    "go": "Go",
    "java": "Java",
    "php": "PHP",
    "ruby": "Ruby",
    "dotnet": ".NET",
    "tomcat": "Tomcat",
}


@dataclass(frozen=True, order=True)
class Need:
    """A language in the version that a branch names: "24" means the newest of its kind."""

    language: str
    version: str

    @property
    def name(self) -> str:
        """Return what `jackbean runtimes` calls it: "nodejs-24"."""
        return f"{self.language}-{self.version}"

    @property
    def title(self) -> str:
        return f"{TITLES.get(self.language, self.language)} {self.version}"

    def fits(self, version: str) -> bool:
        """Return whether a full version ("24.19.0") is one of those that the need names."""
        return f"{version}.".startswith(f"{self.version}.")


def needs(branch: Branch) -> tuple[Need, ...]:
    """Return what a branch needs; nothing for one that runs containers."""
    language = LANGUAGES.get(branch.platform_name)
    if language is None:
        return ()
    framework = (
        (Need(branch.framework[0].lower(), branch.framework[1]),) if branch.framework else ()
    )
    return (Need(language, branch.language_version), *framework)
