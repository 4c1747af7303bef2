"""Completions and manual page: true to the table they are made of, and what shells and man make of them.

`python -m tests.cli.test_generated` writes the files of share/, which the wheel brings along.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from kraken_tui.cli.command import Subcommand
from kraken_tui.cli.main import COMMANDS, every_command, main
from kraken_tui.cli.manual import page
from kraken_tui.cli.shells import PAIRS, script
from kraken_tui.settings.options import OPTIONS

SHARE = Path(__file__).parents[2] / "share"
FILES = {
    "bash": SHARE / "bash-completion" / "completions" / "kraken-tui",
    "zsh": SHARE / "zsh" / "site-functions" / "_kraken-tui",
    "fish": SHARE / "fish" / "vendor_completions.d" / "kraken-tui.fish",
}
PAGE = SHARE / "man" / "man1" / "kraken-tui.1"
WRITES = "python -m tests.cli.test_generated writes it"


def needs(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed")


def flags(command: Subcommand) -> list[str]:
    return [row.flag for part in command.parts for row in part.rows if not row.positional]


# -- the files ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shell", FILES)
def test_the_completions_of_the_wheel_are_those_of_the_table(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    kept = FILES[shell].read_text(encoding="utf-8")
    assert kept == script(shell, every_command()), WRITES
    assert main(["completion", shell]) == 0
    assert capsys.readouterr().out == kept


def test_the_manual_of_the_wheel_is_that_of_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(every_command()), WRITES


def test_the_wheel_takes_every_file_of_share() -> None:
    import tomllib

    project = tomllib.loads((SHARE.parent / "pyproject.toml").read_text(encoding="utf-8"))
    placed = project["tool"]["setuptools"]["data-files"]
    files = {str(path.relative_to(SHARE.parent)) for path in SHARE.rglob("*") if path.is_file()}
    assert {name for names in placed.values() for name in names} == files
    assert all(name.rpartition("/")[0] == folder for folder, names in placed.items() for name in names)
    assert "graft share\n" in (SHARE.parent / "MANIFEST.in").read_text(encoding="utf-8")


def test_the_manual_names_every_command_option_and_setting() -> None:
    text = PAGE.read_text(encoding="utf-8").replace("\\-", "-")
    for command in every_command():
        assert command.program.upper() in text
        assert all(flag in text for flag in flags(command))
    assert all(f"\\fB{row.name}\\fR" in text for row in OPTIONS)


@needs("groff")
def test_groff_has_nothing_to_say() -> None:
    done = subprocess.run(
        ["groff", "-ww", "-man", "-Tutf8", "-z", str(PAGE)], capture_output=True, text=True, check=True, timeout=30
    )
    assert (done.stdout, done.stderr) == ("", "")


@needs("mandoc")
def test_mandoc_has_nothing_to_say() -> None:
    done = subprocess.run(
        ["mandoc", "-Tlint", "-Wwarning", str(PAGE)], capture_output=True, text=True, check=False, timeout=30
    )
    assert done.stdout + done.stderr == ""


# -- in the shells ------------------------------------------------------------------------------------------------

_BASH = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 ))
_kraken_tui
printf '%s\\n' "${COMPREPLY[@]}"
"""


def offered(shell: str, *words: str, cwd: Path) -> set[str]:
    """What a shell offers for the last of the words."""
    if shell == "bash":
        command = ["bash", "--norc", "-c", _BASH, "bash", str(FILES["bash"]), "kraken-tui", *words]
    else:
        line = " ".join(("kraken-tui", *words))
        command = ["fish", "--no-config", "-c", 'source $argv[1]; complete -C "$argv[2]"', str(FILES["fish"]), line]
    env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(cwd), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30, cwd=cwd, env=env)
    assert done.stderr == ""
    return {line.partition("\t")[0] for line in done.stdout.splitlines() if line}


CASES = [
    (("",), {*COMMANDS, *PAIRS}),
    (("st",), {"stream"}),
    (("BTC/G",), {"BTC/GBP"}),
    (("stream", "ETH/B"), {"ETH/BTC"}),
    (("stream", "--dep"), {"--depth"}),
    (("stream", "--leve"), {"--levels", "--level3", "--level3-depth", "--level3-url"}),
    (("stream", "--levels"), {"--levels"}),
    (("--th",), {"--theme"}),
    (("stream", "--th"), set()),
    (("--theme", "da"), {"dark"}),
    (("plot", "BTC/USD", "--kind", ""), {"candles", "depth", "spread", "imbalance", "latency", "heatmap"}),
    (("--depth", ""), {"10", "25", "100", "500", "1000"}),
    (("snapshot", "--view", "hea"), {"heatmap", "health"}),
    (("--seed", ""), set()),
    (("config", "s"), {"show"}),
    (("config", ""), {"show", "path", "check", "init"}),
    (("config", "check", ""), {"day one.jsonl"}),
    (("config", "check", "day"), {"day one.jsonl"}),
    (("config", "check", "zz"), set()),
    (("config", "show", "--js"), {"--json"}),
    (("completion", "bash", ""), set()),
    (("keys", ""), {"add", "list", "remove", "check"}),
    (("completion", ""), {"bash", "zsh", "fish"}),
    (("--replay", "day"), {"day one.jsonl"}),
    (("export", "day"), {"day one.jsonl"}),
]


@pytest.mark.realtime
@pytest.mark.parametrize(
    "shell", [pytest.param("bash", marks=needs("bash")), pytest.param("fish", marks=needs("fish"))]
)
@pytest.mark.parametrize(("words", "expected"), CASES, ids=[" ".join(words) or "nothing" for words, _ in CASES])
def test_a_shell_offers_what_can_stand_there(
    shell: str, words: tuple[str, ...], expected: set[str], tmp_path: Path
) -> None:
    (tmp_path / "day one.jsonl").touch()
    found = {each.replace("\\ ", " ").strip("'") for each in offered(shell, *words, cwd=tmp_path)}
    if words == ("",):
        assert found >= expected
    else:
        assert found == expected


@pytest.mark.realtime
@needs("bash")
def test_bash_completes_a_value_after_an_equals_sign(tmp_path: Path) -> None:
    # Bash divides the line there.
    assert offered("bash", "--depth", "=", "10", cwd=tmp_path) == {"10", "100", "1000"}
    assert offered("bash", "--depth", "=", cwd=tmp_path) == {"10", "25", "100", "500", "1000"}


@pytest.mark.realtime
@pytest.mark.parametrize("shell", [pytest.param(name, marks=needs(name)) for name in FILES])
def test_every_shell_can_read_its_file(shell: str) -> None:
    done = subprocess.run([shell, "-n", str(FILES[shell])], capture_output=True, text=True, check=False, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")


if __name__ == "__main__":
    for name, path in FILES.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(script(name, every_command()), encoding="utf-8")
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(every_command()), encoding="utf-8")
