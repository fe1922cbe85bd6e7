"""What an installation's identity names."""

from __future__ import annotations

import pytest

from jackbean.core.installation import Installation

HERE = Installation("eu-central-1", "123456789012", "example.org", 8080)


def test_names() -> None:
    assert HERE.bucket == "elasticbeanstalk-eu-central-1-123456789012"
    assert HERE.arn("environment/a/b") == (
        "arn:aws:elasticbeanstalk:eu-central-1:123456789012:environment/a/b"
    )
    assert HERE.arn("role/x", "sts") == "arn:aws:sts:eu-central-1:123456789012:role/x"
    assert HERE.hostname("web") == "web.eu-central-1.elasticbeanstalk.example.org"


def test_a_cname_carries_the_port_that_browsers_need() -> None:
    assert HERE.cname("web") == "web.eu-central-1.elasticbeanstalk.example.org:8080"
    usual = Installation("eu-central-1", "123456789012", http_port=80)
    assert usual.cname("web") == "web.eu-central-1.elasticbeanstalk.localhost"


@pytest.mark.parametrize(
    ("region", "account", "domain"),
    [
        ("", "123456789012", "localhost"),
        ("US-EAST-1", "123456789012", "localhost"),
        ("us-east-1/..", "123456789012", "localhost"),
        ("us-east-1", "12345678901", "localhost"),
        ("us-east-1", "12345678901x", "localhost"),
        ("us-east-1", "123456789012", "local host"),
        ("us-east-1", "123456789012", "x" * 200),
    ],
)
def test_what_cannot_name_anything_is_refused(region: str, account: str, domain: str) -> None:
    with pytest.raises(ValueError, match="is not a valid"):
        Installation(region, account, domain)
