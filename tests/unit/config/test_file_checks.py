"""Tests of the checks of configuration files: every fault of every file, each with line and column."""

from pathlib import Path

import pytest

from katakei.config.file_checks import check_files
from katakei.domain.config_faults import CheckedFile, ConfigFault

ROOT = Path(__file__).parents[3]
SHOP = "service: shop\nbalancer: {alb: {target_groups: [web]}}\nwork: {ssm: {run: ./deploy}}\n"


def checked(tmp_path: Path, text: str, name: str = "katakei.yml") -> CheckedFile:
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    (found,) = check_files([file])
    assert found.file == str(file)
    return found


@pytest.mark.parametrize("name", ["katakei.yml.example", "service.yml.example"])
def test_documented_examples_have_no_fault(name: str) -> None:
    folder = ROOT / "docs"
    (found,) = check_files([folder / name])
    release = [fault for fault in found.faults if fault.key == "server.release.file"]
    assert found.faults == tuple(release), "the folder of the release file is not the folder of the example"
    assert found.service


def test_every_fault_has_its_line_and_column(tmp_path: Path) -> None:
    text = "service: shop\nbalancer:\n  alb: {target_groups: [web], zones: 1}\nwork:\n  ssm:\n    run: ''\n"
    assert checked(tmp_path, text).faults == (
        ConfigFault(3, 31, "balancer.alb.zones", "is not a known key; known keys: target_groups"),
        ConfigFault(6, 5, "work.ssm.run", "is empty; write something or remove it"),
    )


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("service: [", (1, 11), "this is not YAML"),
        (f"{SHOP}x: a\0b\n", (4, 5), "this is not YAML: it contains the character U+0000"),
        (f'{SHOP}x: "\\UFFFFFFFF"\n', (4, 1), "this is not YAML"),
        (f"{SHOP}warm: {{soak: 1s, soak: 2s}}\n", (4, 18), "appears twice (also in line 4)"),
        ("- a\n", (1, 1), "the file must be keys with values"),
        ("", (1, 1), "is missing; write service: shop"),
    ],
)
def test_broken_yaml_has_a_place(tmp_path: Path, text: str, place: tuple[int, int], said: str) -> None:
    first = checked(tmp_path, text).faults[0]
    assert (first.line, first.column) == place
    assert first.message.startswith(said)


def test_file_with_server_is_checked_as_a_service(tmp_path: Path) -> None:
    (tmp_path / "v").write_text("v9\n")
    local = SHOP.replace("ssm: {run: ./deploy}", "local: {run: ./deploy}")
    assert checked(tmp_path, f"{local}server: {{release: {{file: v}}}}\n") == CheckedFile(
        str(tmp_path / "katakei.yml"), "shop", ()
    )
    (fault,) = checked(tmp_path, f"{SHOP}server:\n  release: {{file: nix}}\n").faults
    assert (fault.line, fault.column, fault.key) == (5, 13, "server.release.file")
    (fault,) = checked(tmp_path, f"{SHOP}server:\n  policy:\n    start: [rule:x]\n").faults
    assert (fault.line, fault.column, fault.key) == (6, 13, "server.policy.start[0]")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe", "the file is not UTF-8 text; save it as UTF-8"),
        (b"#" * 300_000, "has more than 256 KiB; check whether it is a configuration at all"),
        (None, "cannot be read (No such file or directory); check the path"),
    ],
)
def test_unreadable_file_has_a_fault_without_a_place(tmp_path: Path, content: bytes | None, said: str) -> None:
    file = tmp_path / "katakei.yml"
    if content is not None:
        file.write_bytes(content)
    (found,) = check_files([file])
    assert found == CheckedFile(str(file), "", (ConfigFault(0, 0, "", said),))


def test_folder_is_checked_file_by_file(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(SHOP)
    (tmp_path / "b.yaml").write_text(f"x: 1\n{SHOP}")
    (tmp_path / "c.yml").write_text(SHOP.replace("shop", "news"))
    (tmp_path / "d.yml").symlink_to("/etc/hostname")
    (tmp_path / "README.md").write_text("hello")
    a, b, c, d = check_files([tmp_path])
    assert [(fault.line, fault.column, fault.text) for fault in a.faults] == [
        (1, 1, "service: shop is also the name in b.yaml; keep one of them")
    ]
    assert [(fault.line, fault.text.split(";")[0]) for fault in b.faults] == [
        (1, "x: is not a known key"),
        (2, "service: shop is also the name in a.yml"),
    ]
    assert (c.service, c.faults) == ("news", ())
    assert [fault.text for fault in d.faults] == [
        "is a link to a file outside of the services folder; put the file into it"
    ]


def test_folder_without_services_is_a_fault(tmp_path: Path) -> None:
    (found,) = check_files([tmp_path])
    assert [fault.text for fault in found.faults] == ["has no service file; a service is a file *.yml or *.yaml"]
