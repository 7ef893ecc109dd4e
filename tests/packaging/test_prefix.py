"""`cmake --install` without a package."""

import json
import pathlib
import shutil

import pytest
from conftest import BUILD, CHECKOUT
from machine import CONFIG, must, run

NO_BUILD = not (BUILD / "cmake_install.cmake").exists()
pytestmark = [pytest.mark.build_machine,
              pytest.mark.skipif(NO_BUILD, reason=f"no build in {BUILD}")]


def install(prefix):
    return must(["cmake", "--install", BUILD, "--prefix", prefix])


def uninstall():
    script = CHECKOUT / "packaging/uninstall.cmake"
    return must(["cmake", "-D", f"MANIFEST={BUILD}/install_manifest.txt", "-P", script])


@pytest.fixture
def usr_local(clean):
    install("/usr/local")
    yield pathlib.Path("/usr/local")
    uninstall()
    shutil.rmtree("/etc/oci-cnb-hooks", ignore_errors=True)


def test_usr_local_works_with_podman_as_it_is(usr_local, person, make_source):
    outcome = person.podman_run(make_source(person), "pwd; test -e secret || echo no-secret")
    assert outcome.stdout.split() == ["/workspace", "no-secret"], outcome
    checked = person.run("/usr/local/bin/oci-cnb", "doctor")
    assert checked.status == 0, checked


def test_calls_are_written_after_programs(usr_local):
    manifest = (BUILD / "install_manifest.txt").read_text().split()
    first_call = min(i for i, path in enumerate(manifest) if path.endswith((".json", ".conf")))
    last_program = max(i for i, path in enumerate(manifest)
                       if "/libexec/" in path or path.endswith("/bin/oci-cnb"))
    assert last_program < first_call


def test_uninstall_takes_calls_first_and_keeps_the_configuration(usr_local):
    programs = [*usr_local.glob("bin/oci-cnb*"), *usr_local.glob("libexec/oci-cnb-hooks/*")]
    told = uninstall().stdout.splitlines()
    removed = [line.partition("Removed: ")[2] for line in told if "Removed: " in line]
    kinds = ["call" if path.endswith((".json", ".conf")) else "program" for path in removed
             if path.endswith((".json", ".conf")) or "/libexec/" in path or "/bin/" in path]
    assert kinds == ["call"] * 4 + ["program"] * len(programs)
    assert not [path for path in usr_local.rglob("*oci-cnb*") if path.is_file()]
    assert CONFIG.exists()


def test_second_installation_keeps_config(usr_local):
    CONFIG.write_text("# mine\n")
    install("/usr/local")
    assert CONFIG.read_text() == "# mine\n"


def test_prefix_of_ones_own_touches_nothing_else(clean, room, root, make_source):
    prefix = room / "own prefix"
    told = install(prefix).stdout
    assert not CONFIG.exists()
    hooks = prefix / "share/containers/oci/hooks.d"
    precreate = prefix / "share/oci-cnb-hooks/podman-hooks.d"
    assert f"--hooks-dir {hooks} --hooks-dir {precreate}" in told
    for path in [*hooks.iterdir(), *precreate.iterdir()]:
        assert pathlib.Path(json.loads(path.read_text())["hook"]["path"]).is_file()
    outcome = run(["podman", "--hooks-dir", hooks, "--hooks-dir", precreate, "run", "--rm",
                   "--network", "none", "--annotation", "io.cnb.hooks.role=dev", "--volume",
                   f"{make_source(root)}:/workspace", root.image(), "pwd"])
    assert outcome.stdout == "/workspace\n", outcome


def test_destdir_is_in_no_file(room):
    stage = room / "stage"
    must(["env", f"DESTDIR={stage}", "cmake", "--install", BUILD, "--prefix", "/usr"])
    texts = [path for path in stage.rglob("*") if path.suffix in (".json", ".conf", ".toml")]
    assert len(texts) == 5
    for path in texts:
        assert str(stage) not in path.read_text()
