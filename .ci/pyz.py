"""Make kraken-tui.pyz: the program and what it depends on in one file, for a machine that has nothing but Python.

    python .ci/pyz.py kraken-tui.pyz

takes them as they are installed where it runs, so run it by the Python of the environment that was tested. Some of the
dependencies are compiled, which Python cannot import out of an archive: the first start unpacks it into a private
folder of the user's cache (or KRAKEN_TUI_UNPACKED), the next ones only look there. The file is for the kind of machine
and the version of Python it was made on; any other is told in one sentence.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import sys
import sysconfig
import tempfile
import zipapp
from collections.abc import Iterator, Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

NAME = "kraken-tui"
ROOT = Path(__file__).resolve().parents[1]

BOOTSTRAP = '''\
import os
import sys

MADE_FOR = {made_for!r}
DIGEST = {digest!r}


def unpacked():
    """The folder that holds the contents, unpacked by the first start; whoever comes second finds it whole."""
    import shutil
    import tempfile
    import zipfile

    given = os.environ.get("KRAKEN_TUI_UNPACKED")
    if os.name == "nt":
        usual = os.environ.get("LOCALAPPDATA", os.path.expanduser("~"))
    else:
        usual = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    parent = given or os.path.join(usual, "kraken-tui", "pyz")
    folder = os.path.join(parent, DIGEST)
    if not os.path.isdir(folder):
        os.makedirs(parent, mode=0o700, exist_ok=True)
        # Made by mkdtemp, so nobody else can read or change it.
        scratch = tempfile.mkdtemp(dir=parent)
        try:
            with zipfile.ZipFile(sys.argv[0]) as archive:
                archive.extractall(scratch)
            os.rename(scratch, folder)
        except OSError:
            shutil.rmtree(scratch, ignore_errors=True)
            if not os.path.isdir(folder):
                raise
    return folder


def main():
    import sysconfig

    here = "%d.%d %s" % (*sys.version_info[:2], sysconfig.get_platform())
    if here != MADE_FOR:
        sys.stderr.write("kraken-tui: this file is for Python " + MADE_FOR + ", not " + here + "; install the wheel\\n")
        return 2
    try:
        folder = unpacked()
    except OSError as error:
        sys.stderr.write("kraken-tui: cannot unpack: " + str(error) + "; name a folder with KRAKEN_TUI_UNPACKED\\n")
        return 2
    sys.path[0] = folder
    from kraken_tui.cli.main import main

    return main()


if __name__ == "__main__":
    sys.exit(main())
'''


def made_for() -> str:
    """Version of Python and kind of machine."""
    return "{}.{} {}".format(*sys.version_info[:2], sysconfig.get_platform())


def needed(name: str, seen: set[str], extras: Sequence[str] = ()) -> Iterator[Distribution]:
    """A distribution and all it depends on, each once.

    Args:
        name: Its name.
        seen: Names of those had already, which grows.
        extras: Extras of it that are wanted too.
    """
    try:
        found = distribution(name)
    except PackageNotFoundError:
        # Needed by another system, or by another version of Python.
        return
    plain = re.sub(r"[-_.]+", "-", name).lower()
    if plain not in seen:
        seen.add(plain)
        yield found
    for line in found.requires or ():
        parts = re.match(r"([A-Za-z0-9._-]+)(?:\[([^]]*)\])?", line)
        extra = re.search(r"""extra\s*==\s*["']([^"']+)""", line)
        if parts is None or (extra is not None and extra[1] not in extras):
            continue
        wanted = [each.strip() for each in (parts[2] or "").split(",") if each.strip()]
        if wanted or re.sub(r"[-_.]+", "-", parts[1]).lower() not in seen:
            yield from needed(parts[1], seen, wanted)


def copy(found: Distribution, target: Path) -> None:
    """Copy the files of a distribution, but for what is outside of its folder (commands) and byte code."""
    for file in found.files or ():
        if ".." in file.parts or "__pycache__" in file.parts or file.suffix in (".pth", ".pyc"):
            continue
        source = Path(str(found.locate_file(file)))
        if source.is_file():
            place = target / file
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, place)


def digest_of(folder: Path) -> str:
    """A name for the contents of a folder."""
    whole = hashlib.sha256(made_for().encode())
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        whole.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return whole.hexdigest()[:20]


def make(output: Path) -> int:
    """Make the archive.

    Returns:
        How many distributions are in it.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        found = list(needed(NAME, set()))
        for each in found:
            copy(each, folder)
        if not (folder / "kraken_tui").is_dir():
            # Installed as editable: the package is here.
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / "kraken_tui", folder / "kraken_tui", ignore=ignore)
        boot = BOOTSTRAP.format(made_for=made_for(), digest=digest_of(folder))
        (folder / "__main__.py").write_text(boot, encoding="utf-8")
        zipapp.create_archive(folder, output, interpreter="/usr/bin/env python3", compressed=True)
    return len(found)


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="Make kraken-tui.pyz of what is installed here.")
    parser.add_argument("output", type=Path)
    output: Path = parser.parse_args().output
    count = make(output)
    sys.stdout.write(f"{output}: {count} packages, {output.stat().st_size / 1e6:.1f} MB, for Python {made_for()}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
