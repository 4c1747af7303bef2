"""`kraken-tui completion`: completions of the command line for a shell, on standard output."""

from __future__ import annotations

from kraken_tui.cli.command import Call, Subcommand
from kraken_tui.cli.console import DONE, need_stdout, print_out
from kraken_tui.settings.options import Option
from kraken_tui.settings.readers import OneOf, Text

SHELLS = ("bash", "zsh", "fish")

_EPILOG = """\
to have them in every new shell:
  d=~/.local/share/bash-completion/completions; mkdir -p $d
  kraken-tui completion bash > $d/kraken-tui
  mkdir -p ~/.zfunc                   # to be in fpath, before compinit
  kraken-tui completion zsh > ~/.zfunc/_kraken-tui
  kraken-tui completion fish > ~/.config/fish/completions/kraken-tui.fish"""


def _run(call: Call) -> int:
    need_stdout()
    from kraken_tui.cli.main import every_command
    from kraken_tui.cli.shells import script

    print_out(script(call.own["shell"], every_command()))
    return DONE


COMMAND = Subcommand(
    "completion",
    "Print what makes a shell complete commands, options, their values and pairs.",
    _run,
    (Option("shell", Text(), "{allowed}", OneOf(SHELLS), flag="SHELL", required=True),),
    epilog=_EPILOG,
)
