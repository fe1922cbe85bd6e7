"""Which of Elastic Beanstalk's platform branches can run on what this machine has."""

from __future__ import annotations

from collections.abc import Iterable

PYTHON_BRANCHES = {  # version of the language -> branch
    "3.7": "Python 3.7 running on 64bit Amazon Linux 2",
    "3.8": "Python 3.8 running on 64bit Amazon Linux 2",
    "3.9": "Python 3.9 running on 64bit Amazon Linux 2023",
    "3.11": "Python 3.11 running on 64bit Amazon Linux 2023",
    "3.12": "Python 3.12 running on 64bit Amazon Linux 2023",
    "3.13": "Python 3.13 running on 64bit Amazon Linux 2023",
    "3.14": "Python 3.14 running on 64bit Amazon Linux 2023",
}


def branches(pythons: Iterable[str]) -> frozenset[str]:
    """Return the names of the branches that run on these versions of Python."""
    return frozenset(PYTHON_BRANCHES[v] for v in pythons if v in PYTHON_BRANCHES)
