"""Completions for bash, zsh and fish, made of the commands and their options."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from kraken_tui.cli.command import Subcommand
from kraken_tui.settings.options import Option

PAIRS = (
    "BTC/USD", "ETH/USD", "SOL/USD", "XRP/USD", "USDT/USD", "USDC/USD", "ADA/USD", "DOGE/USD", "LTC/USD", "LINK/USD",
    "DOT/USD", "AVAX/USD", "BCH/USD", "XMR/USD", "TRX/USD", "SUI/USD", "UNI/USD", "ATOM/USD", "BTC/EUR", "ETH/EUR",
    "SOL/EUR", "XRP/EUR", "BTC/GBP", "ETH/GBP", "BTC/USDT", "ETH/USDT", "BTC/USDC", "ETH/USDC", "ETH/BTC", "SOL/BTC",
)  # fmt: skip
"""Pairs that are offered: much traded ones. The exchange has hundreds, and a shell does not wait for a network."""

_HEAD = "# Completion of kraken-tui for {0}; made by: kraken-tui completion {0}\n"


def script(shell: str, commands: Sequence[Subcommand]) -> str:
    """The completions for a shell.

    Args:
        shell: "bash", "zsh" or "fish".
        commands: All of them, the one that need not be named first.
    """
    makers: dict[str, Callable[[Sequence[Subcommand]], Iterator[str]]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}
    lines = list(makers[shell](commands))
    # zsh looks for its own word in the first line.
    first = ["#compdef kraken-tui\n"] if shell == "zsh" else []
    return "".join([*first, _HEAD.format(shell), *(f"{line}\n" for line in lines)])


def _flags(command: Subcommand) -> Iterator[Option]:
    for part in command.parts:
        yield from (row for row in part.rows if not row.positional)


def _is_file(row: Option) -> bool:
    return (row.flag if row.positional else row.metavar).startswith("FILE")


def _words(rows: Iterable[Option]) -> tuple[str, ...]:
    """What may stand as an argument without a flag, but for files and words that stand once."""
    return PAIRS if any(row.flag == "PAIR" for row in rows) else ()


def _first_words(rows: Iterable[Option]) -> tuple[str, ...]:
    """Words of which one stands first, and none a second time; what else there is comes after it."""
    return tuple(word for row in rows for word in row.values)


# -- bash ---------------------------------------------------------------------------------------------------------


def _bash(commands: Sequence[Subcommand]) -> Iterator[str]:
    names = " ".join(command.name for command in commands)
    yield from (
        "_kraken_tui_files() {",
        "  local IFS=$'\\n'",
        "  # Not in the bash of macOS.",
        "  compopt -o filenames 2>/dev/null",
        '  COMPREPLY+=($(compgen -f -- "$1"))',
        "}",
        "_kraken_tui() {",
        "  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command=screen name",
        "  COMPREPLY=()",
        "  # Bash takes --depth=100 for three words.",
        "  if [[ $current == = ]]; then current=; elif [[ $before == = ]]; then before=${COMP_WORDS[COMP_CWORD-2]}; fi",
        f"  for name in {names}; do",
        '    if (( COMP_CWORD > 1 )) && [[ ${COMP_WORDS[1]} == "$name" ]]; then command=$name; fi',
        "  done",
        "  local words= flags= files= first=",
        "  case $command in",
    )
    for command in commands:
        flags = " ".join(("-h", *(row.flag for row in _flags(command))))
        words = " ".join(_words(command.arguments))
        files = "yes" if any(map(_is_file, command.arguments)) else ""
        first = " ".join(_first_words(command.arguments))
        first = f" first='{first}'" if first else ""
        yield f"    {command.name}) flags='{flags}' words='{words}' files={files}{first} ;;"
    yield from (
        "  esac",
        "  if [[ $first ]]; then",
        "    local said=",
        '    for name in "${COMP_WORDS[@]:2:COMP_CWORD-2}"; do',
        '      if [[ " $first " == *" $name "* ]]; then said=yes; fi',
        "    done",
        "    if [[ ! $said ]]; then words=$first files=; fi",
        "  fi",
        f'  if (( COMP_CWORD == 1 )); then words="{names} $words"; fi',
        "  case $command:$before in",
    )
    for command in commands:
        for row in _flags(command):
            if not row.metavar:
                continue
            if _is_file(row):
                yield f'    {command.name}:{row.flag}) _kraken_tui_files "$current"; return ;;'
            else:
                values = " ".join(row.values)
                yield f"    {command.name}:{row.flag}) COMPREPLY=($(compgen -W '{values}' -- \"$current\")); return ;;"
    yield from (
        "  esac",
        "  if [[ $current == -* ]]; then words=$flags; fi",
        '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
        '  if [[ $files && $current != -* ]]; then _kraken_tui_files "$current"; fi',
        "}",
        "complete -F _kraken_tui kraken-tui",
    )


# -- zsh ----------------------------------------------------------------------------------------------------------


def _zsh(commands: Sequence[Subcommand]) -> Iterator[str]:
    yield "_kraken_tui_pairs() {"
    yield f"  local -a pairs=({' '.join(PAIRS)})"
    yield "  compadd -a pairs"
    yield "}"
    for command in commands:
        yield f"_kraken_tui_{command.name}() {{"
        yield "  _arguments -S \\"
        for row in _flags(command):
            names = "'(-h --help)'{-h,--help}" if row.flag == "--help" else row.flag
            # A value may stand after a blank or an equals sign.
            names += "=" if row.metavar else ""
            value = f":{_zsh_text(row.metavar)}:{_zsh_action(row)}" if row.metavar else ""
            yield f"    {names}{_quoted(f'[{_zsh_text(command.help_of(row))}]{value}')} \\"
        yield f"    {' '.join(map(_quoted, _zsh_arguments(command)))}"
        yield "}"
    yield "_kraken_tui() {"
    yield "  local -a names=("
    for command in commands:
        yield f"    {_quoted(f'{command.name}:{_zsh_text(command.description)}')}"
    yield from (
        "  )",
        "  if (( CURRENT > 2 )) && (( ${names[(I)${words[2]}:*]} )); then",
        "    local name=$words[2]",
        "    shift words",
        "    (( CURRENT-- ))",
        "    _kraken_tui_$name",
        "    return",
        "  fi",
        "  if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then _describe command names; fi",
        "  _kraken_tui_screen",
        "}",
        '_kraken_tui "$@"',
    )


def _zsh_arguments(command: Subcommand) -> Iterator[str]:
    for number, row in enumerate(command.arguments, 1):
        must = row.required or bool(row.values)
        one = row.single or command.one_pair
        place = f"{number}:" if must else f"{number}::" if one else "*:"
        yield f"{place}{row.flag}:{'_kraken_tui_pairs' if row.flag == 'PAIR' else _zsh_action(row)}"


def _zsh_action(row: Option) -> str:
    if _is_file(row):
        return "_files"
    return f"({' '.join(row.values)})" if row.values else ""


def _zsh_text(text: str) -> str:
    """A text inside a specification, where colons and brackets mean something."""
    return "".join(f"\\{each}" if each in "\\:[]" else each for each in text)


def _quoted(text: str) -> str:
    """A text as one word of a shell, in single quotes."""
    return "'" + text.replace("'", "'\\''") + "'"


# -- fish ---------------------------------------------------------------------------------------------------------


def _fish(commands: Sequence[Subcommand]) -> Iterator[str]:
    names = " ".join(command.name for command in commands)
    yield from (
        "function __kraken_tui_is -d 'whether this is the command of the line'",
        "    set -l words (commandline -opc)",
        "    set -l name screen",
        f"    if set -q words[2]; and contains -- $words[2] {names}",
        "        set name $words[2]",
        "    end",
        "    test $name = $argv[1]",
        "end",
        "complete -c kraken-tui -f",
    )
    first = "-n 'test (count (commandline -opc)) -eq 1'"
    for command in commands:
        yield f"complete -c kraken-tui {first} -a {command.name} -d {_fish_quoted(command.description)}"
    for command in commands:
        when = f"complete -c kraken-tui -n '__kraken_tui_is {command.name}'"
        words = _words(command.arguments)
        if words:
            yield f"{when} -a '{' '.join(words)}'"
        first, then = " ".join(_first_words(command.arguments)), when
        if first:
            said = f"__fish_seen_subcommand_from {first}"
            yield f"complete -c kraken-tui -n '__kraken_tui_is {command.name}; and not {said}' -a '{first}'"
            then = f"complete -c kraken-tui -n '__kraken_tui_is {command.name}; and {said}'"
        if any(map(_is_file, command.arguments)):
            yield f"{then} -F"
        for row in _flags(command):
            short = " -s h" if row.flag == "--help" else ""
            value = ""
            if row.metavar:
                value = " -r -F" if _is_file(row) else f" -x -a '{' '.join(row.values)}'" if row.values else " -x"
            about = _fish_quoted(command.help_of(row))
            yield f"{when}{short} -l {row.flag.removeprefix('--')}{value} -d {about}"


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
