"""Derived secrets: the right holder, and nobody else."""

from __future__ import annotations

import hmac

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackbean.control.credentials import Credentials
from jackbean.control.principals import (
    Administrator,
    Bearer,
    InstancePrincipal,
    Key,
    Keys,
    visible,
)

HERE = Credentials(b"h" * 32)
ELSEWHERE = Credentials(b"e" * 32)
INSTANCE = "i-0123456789abcdef0"


def test_a_token_names_its_instance_and_proves_it() -> None:
    token = HERE.token(INSTANCE)
    assert token == HERE.token(INSTANCE)
    assert HERE.holder(token) == INSTANCE
    assert token != HERE.token("i-1")


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        INSTANCE,
        f"{INSTANCE}.",
        ELSEWHERE.token(INSTANCE),
        HERE.token(INSTANCE)[:-1],
        HERE.token(INSTANCE) + "0",
        HERE.token(INSTANCE).upper(),
        HERE.token(INSTANCE).replace(INSTANCE, "i-0"),
        f"{INSTANCE}.é",
        f"{INSTANCE}.{HERE.temporary(INSTANCE, 1).secret}",
    ],
)
def test_foreign_tokens(token: str) -> None:
    assert HERE.holder(token) is None


@given(st.text(max_size=80))
@settings(max_examples=50)
def test_any_text_is_a_strangers(token: str) -> None:
    assert HERE.holder(token) is None


def test_tokens_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    real = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda a, b: compared.append((a, b)) or real(a, b))
    HERE.holder("i-1.x")
    ((mark, genuine),) = compared
    assert (mark, len(genuine)) == (b"x", 64)


def test_keys_are_derived_for_another_purpose_and_an_end() -> None:
    keys = HERE.temporary(INSTANCE, 1000)
    assert keys.access_key == "JBIK0123456789ABCDEF0"
    assert keys == HERE.temporary(INSTANCE, 1000)
    assert keys.secret not in HERE.token(INSTANCE) + keys.token
    assert keys.secret not in repr(keys)
    assert keys.token not in repr(keys)
    for other in (ELSEWHERE.temporary(INSTANCE, 1000), HERE.temporary(INSTANCE, 1001)):
        assert (other.secret, other.token) != (keys.secret, keys.token)


def test_a_session_token_stands_for_its_own_keys() -> None:
    keys = HERE.temporary(INSTANCE, 1000)
    assert HERE.presented(keys.access_key, keys.token) == keys
    assert HERE.presented(keys.access_key + "0", keys.token) is None
    assert ELSEWHERE.presented(keys.access_key, keys.token) is None
    for changed in (keys.token[:-1], keys.token + "0", keys.token.replace("1000", "9000"), ""):
        assert HERE.presented(keys.access_key, changed) is None


@given(st.text(max_size=120))
@settings(max_examples=50)
def test_any_session_token_is_a_strangers(token: str) -> None:
    assert HERE.presented("JBIK0123456789ABCDEF0", token) is None


def test_a_short_secret_is_none() -> None:
    with pytest.raises(ValueError, match="at least 32 bytes"):
        Credentials(b"short")


def test_secrets_of_keys() -> None:
    keys = Keys({"JBAKADMIN": "secret"}, HERE)
    made = HERE.temporary(INSTANCE, 1000)
    assert keys.find("JBAKADMIN", None) == Key("secret")
    assert keys.find(made.access_key, made.token) == Key(made.secret, made.token, 1000, INSTANCE)
    assert keys.find(made.access_key, None) is None
    assert keys.find("AKIAEXAMPLE", None) is None


def test_an_instance_sees_its_own_environment() -> None:
    program = InstancePrincipal(INSTANCE, "e-abcdefghij")
    assert visible(program, "e-abcdefghij")
    assert not visible(program, "e-0000000000")
    assert visible(Administrator("x"), "e-0000000000")
    assert not visible(Bearer(), "e-abcdefghij")
