"""Instances' own trees."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from jackbean.engines.process import allowed, filesystem
from jackbean.engines.process.filesystem import Identity

ME = Identity("ip-10-0-0-1", "10.0.0.1", "nameserver 192.0.2.1\n", owned=False)


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    etc = tmp_path / "machine/etc"
    (etc / "pam.d").mkdir(parents=True)
    (etc / "pam.d/su").write_text("rules")
    (etc / "pam.d/secret").touch(mode=0o600)
    (etc / "php").mkdir(mode=0o700)
    (etc / "php/secret").write_text("x")
    (etc / "shadow").write_text("root:$6$hash")
    (etc / "gitconfig").write_text("token")
    (etc / "services").write_text("http 80/tcp")
    (etc / "protocols").write_bytes(bytes(allowed.COPIED_BYTES_MAX + 1))
    (etc / "localtime").symlink_to("/usr/share/zoneinfo/UTC")
    return tmp_path / "machine"


def test_etc_has_what_everybody_may_read_of_what_is_named(tmp_path: Path, machine: Path) -> None:
    filesystem.build_etc(tmp_path / "etc", machine)
    made = {str(p.relative_to(tmp_path / "etc")) for p in (tmp_path / "etc").rglob("*")}
    assert made == {
        *filesystem.generated(),
        "pam.d",
        "pam.d/su",
        "services",
        "localtime",
        "pki",
        "pki/tls",
        "pki/tls/certs",
        "pki/tls/certs/ca-bundle.crt",
    }
    assert (tmp_path / "etc/localtime").readlink() == Path("/usr/share/zoneinfo/UTC")
    assert "hash" not in (tmp_path / "etc/shadow").read_text()


def test_a_tree_has_the_instances_names_and_folders(tmp_path: Path, machine: Path) -> None:
    filesystem.build_etc(tmp_path / "etc", machine)
    filesystem.build_root(tmp_path / "root", filesystem.read_tree(tmp_path / "etc"), ME)
    root = tmp_path / "root"
    assert (root / "etc/hostname").read_text() == "ip-10-0-0-1\n"
    assert "10.0.0.1 ip-10-0-0-1\n" in (root / "etc/hosts").read_text()
    assert (root / "etc/resolv.conf").read_text() == "nameserver 192.0.2.1\n"
    for path, mode, _ in allowed.DIRECTORIES:
        assert stat.S_IMODE((root / path.lstrip("/")).stat().st_mode) == mode, path
    assert (root / "var/run").readlink() == Path("/run")


def test_folders_are_made_without_following_links(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (root / "opt").symlink_to(outside)
    (root / "run").symlink_to("/nowhere")
    (root / "sys").write_text("")
    (root / "etc/ssl").mkdir(parents=True)
    (root / "etc/ssl/kept").touch()
    paths = ("/opt/jackbean", "/run", "/sys", "/etc/ssl/certs", "/proc")
    filesystem.make_folders(root, paths)
    for path in paths:
        folder = root / path.lstrip("/")
        assert folder.is_dir()
        assert folder.resolve() == folder
    assert list(outside.iterdir()) == []
    assert (root / "etc/ssl/kept").exists()
    filesystem.make_folders(root, paths)


def test_what_denies_itself_to_its_owner_is_removed_all_the_same(tmp_path: Path) -> None:
    tree, outside = tmp_path / "tree", tmp_path / "outside"
    (tree / "a/b").mkdir(parents=True)
    (tree / "a/b/file").touch()
    outside.mkdir(mode=0o755)
    (outside / "kept").touch()
    (tree / "a/link").symlink_to(outside)
    (tree / "a/b").chmod(0)
    (tree / "a").chmod(0o500)
    filesystem.remove(tree)
    assert not tree.exists()
    assert (outside / "kept").exists()
    assert stat.S_IMODE(outside.stat().st_mode) == 0o755
    filesystem.remove(tree)


def test_accounts_have_numbers_of_their_own() -> None:
    numbers = [uid for _, uid, *_ in allowed.ACCOUNTS]
    assert len(set(numbers)) == len(numbers)
    parents = {path for path, _, _ in allowed.DIRECTORIES} | {"/"}
    assert all(str(Path(path).parent) in parents for path, _, _ in allowed.DIRECTORIES)
