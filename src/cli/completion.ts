/** A flag of a command, as completion knows it. */
export interface CompletedFlag {
  readonly name: string;
  readonly char: string | undefined;
  readonly summary: string;
  readonly takesValue: boolean;
  /** The values that there are; empty when they cannot be listed: then files are offered. */
  readonly values: readonly string[];
}

/** A command, as completion knows it. */
export interface CompletedCommand {
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly CompletedFlag[];
  /** Words to offer: all there are. */
  readonly words: readonly string[];
  /** Names of containers are offered. */
  readonly takesContainers: boolean;
}

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/**
 * A completion script. It starts no program: names of containers are those of the folders in the state directory, which only root can
 * read. A name goes to the shell only if it is one: a damaged folder may be called anything.
 */
export function completionScript(shell: Shell, commands: readonly CompletedCommand[]): string {
  return { bash, zsh, fish }[shell](commands);
}

function spell({ name, char }: CompletedFlag): string[] {
  return char === undefined ? [`--${name}`] : [`-${char}`, `--${name}`];
}

/** In single quotes, which no text of ours ends. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", '’')}'`;
}

function bash(commands: readonly CompletedCommand[]): string {
  const cases = commands.map((command) => {
    const withValue = command.flags.filter(({ takesValue }) => takesValue);
    const values = withValue.map((flag) => `        ${spell(flag).join('|')}) words=${quoted(flag.values.join(' '))}; value=1 ;;\n`);
    const others = `        *) words=${quoted(command.words.join(' '))}${command.takesContainers ? '; names=1' : ''} ;;\n`;
    const flags = command.flags.flatMap(spell).join(' ');
    return `    ${command.name})\n      flags=${quoted(flags)}\n      case $before in\n${values.join('')}${others}      esac\n      ;;\n`;
  });
  return `# bash completion for crt. Written by: crt completion bash
_crt_names() {
  local folder name
  # Called in a subshell, which an empty directory must not end.
  shopt -u failglob
  for folder in "\${CRT_STATE_DIR:-/run/crt}"/*; do
    name=\${folder##*/}
    if [[ $name =~ ^[A-Za-z0-9][A-Za-z0-9_.-]*$ ]]; then printf '%s\\n' "$name"; fi
  done
}
_crt() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} flags='' words='' value='' names='' at
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    mapfile -t COMPREPLY < <(compgen -W ${quoted(commands.map(({ name }) => name).join(' '))} -- "$word")
    return
  fi
  # What follows -- is the command's.
  for ((at = 2; at < COMP_CWORD; at++)); do [[ \${COMP_WORDS[at]} == -- ]] && return; done
  case \${COMP_WORDS[1]} in
${cases.join('')}  esac
  if [[ -z $value && $word == -* ]]; then
    words=$flags
  elif [[ -n $names ]]; then
    words="$words $(_crt_names)"
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -o default -F _crt crt
`;
}

function zsh(commands: readonly CompletedCommand[]): string {
  const entry = (word: string, summary: string): string => quoted(`${word.replaceAll(':', '\\:')}:${summary}`);
  const cases = commands.map((command) => {
    const flags = command.flags.flatMap((flag) => spell(flag).map((word) => `        ${entry(word, flag.summary)}\n`));
    const values = command.flags
      .filter(({ takesValue }) => takesValue)
      .map((flag) => `        ${spell(flag).join('|')}) value=1; offered=(${flag.values.map(quoted).join(' ')}) ;;\n`);
    const others = `        *) offered=(${command.words.map(quoted).join(' ')}${command.takesContainers ? ' $(_crt_names)' : ''}) ;;\n`;
    return `    ${command.name})\n      flags=(\n${flags.join('')}      )\n      case $words[CURRENT-1] in\n${values.join('')}${others}      esac\n      ;;\n`;
  });
  return `#compdef crt
# zsh completion for crt. Written by: crt completion zsh
_crt_names() {
  local name
  for name in \${CRT_STATE_DIR:-/run/crt}/*(N:t); do
    [[ $name =~ '^[A-Za-z0-9][A-Za-z0-9_.-]*$' ]] && print -r -- $name
  done
}
_crt() {
  local -a commands flags offered
  local value
  if (( CURRENT == 2 )); then
    commands=(
${commands.map(({ name, summary }) => `      ${entry(name, summary)}\n`).join('')}    )
    _describe -t commands 'crt command' commands
    return
  fi
  # What follows -- is the command's.
  if (( \${words[(i)--]} < CURRENT )); then
    _normal -p crt
    return
  fi
  case $words[2] in
${cases.join('')}  esac
  if [[ -z $value && $words[CURRENT] == -* ]]; then
    _describe -o -t flags 'flag' flags
  elif (( $#offered )); then
    compadd -a offered
  else
    _files
  fi
}
if [[ $funcstack[1] == _crt ]]; then _crt "$@"; else compdef _crt crt; fi
`;
}

function fish(commands: readonly CompletedCommand[]): string {
  const lines = commands.flatMap((command) => {
    const when = `complete -c crt -n ${quoted(`__crt_is ${command.name}`)}`;
    const flags = command.flags.map((flag) => {
      const letter = flag.char === undefined ? '' : ` -s ${flag.char}`;
      const values = flag.values.length > 0 ? ` -x -a ${quoted(flag.values.join(' '))}` : flag.takesValue ? ' -r' : '';
      return `${when}${letter} -l ${flag.name}${values} -d ${quoted(flag.summary)}`;
    });
    const words = [...command.words, ...(command.takesContainers ? ['(__crt_names)'] : [])];
    const others = words.length > 0 ? [`${when} -f -a ${quoted(words.join(' '))}`] : [];
    return [`complete -c crt -f -n __crt_is_first -a ${command.name} -d ${quoted(command.summary)}`, ...flags, ...others];
  });
  return `# fish completion for crt. Written by: crt completion fish
function __crt_names
    set -l folder /run/crt
    set -q CRT_STATE_DIR; and set folder $CRT_STATE_DIR
    for each in $folder/*
        string match -rq '/[A-Za-z0-9][A-Za-z0-9_.-]*\\z' -- $each; and string replace -r '^.*/' '' -- $each
    end
end
function __crt_is_first
    test (count (commandline -opc)) -eq 1
end
# What follows -- is the command's.
function __crt_is
    set -l words (commandline -opc)
    test (count $words) -gt 1; and test "$words[2]" = $argv[1]; and not contains -- -- $words
end
${lines.join('\n')}
`;
}
