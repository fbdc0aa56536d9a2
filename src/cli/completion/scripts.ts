/** Shells that completion is there for. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/**
 * What a shell sources. All ask `siderolinkctl __complete -- WORD…`, whose first line is `words` or `files`, and each
 * further one a word, a tab and what it means.
 */
export function completionScript(shell: Shell): string {
  return { bash: BASH, zsh: ZSH, fish: FISH }[shell];
}

const SUBSTITUTION = String.fromCharCode(0x24, 0x7b);

/** The text of a shell script, where `$\{` stands for what opens a substitution in the shell as in a template. */
function script({ raw }: TemplateStringsArray): string {
  return raw.join('').replaceAll('$\\{', () => SUBSTITUTION);
}

/**
 * bash splits words at `=` and `:`, and puts what it is given behind the last of them: the pieces are put together for
 * us, and what stands before is cut off again. Meanings are shown where bash lists candidates (COMP_TYPE 63, 33, 64),
 * never where it inserts one.
 */
const BASH = script`# bash completion for siderolinkctl
_siderolinkctl() {
  COMPREPLY=()
  local breaks='' piece glue='' current cut='' kind value about word i
  local -a words=() values=() abouts=()
  [[ $COMP_WORDBREAKS == *=* ]] && breaks+='='
  [[ $COMP_WORDBREAKS == *:* ]] && breaks+=':'
  for ((i = 1; i <= COMP_CWORD; i++)); do
    piece=$\{COMP_WORDS[i]}
    if [[ -n $breaks && -n $piece && -z $\{piece//[$breaks]/} && $\{#words[@]} -gt 0 ]]; then
      words[$\{#words[@]} - 1]+=$piece
      glue=1
    elif [[ -n $glue && -n $piece ]]; then
      words[$\{#words[@]} - 1]+=$piece
      glue=''
    else
      words+=("$piece")
      glue=''
    fi
  done
  current=$\{words[$\{#words[@]} - 1]}
  [[ -n $breaks ]] && cut=$\{current%"$\{current##*["$breaks"]}"}
  {
    read -r kind
    while IFS=$'\t' read -r value about; do
      values+=("$value")
      abouts+=("$about")
    done
  } < <("$\{COMP_WORDS[0]/#\~/$HOME}" __complete -- "$\{words[@]}" 2>/dev/null)
  if [[ $kind == files ]]; then
    compopt -o default 2>/dev/null
    return 0
  fi
  for ((i = 0; i < $\{#values[@]}; i++)); do
    value=$\{values[i]#"$cut"}
    [[ -n $value ]] || continue
    printf -v word %q "$value"
    if (($\{#values[@]} > 1)) && [[ -n $\{abouts[i]} && $\{COMP_TYPE:-9} == @(63|33|64) ]]; then
      word+="  ($\{abouts[i]})"
    fi
    COMPREPLY+=("$word")
  done
  return 0
}
complete -o nosort -F _siderolinkctl siderolinkctl 2>/dev/null || complete -F _siderolinkctl siderolinkctl
`;

const ZSH = script`#compdef siderolinkctl
_siderolinkctl() {
  local -a lines values
  local line value
  lines=("$\{(@f)$("$\{(Q)words[1]}" __complete -- "$\{(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ $\{lines[1]} == files ]]; then
    [[ $PREFIX == --*=* ]] && compset -P '*='
    _files
    return
  fi
  for line in "$\{(@)lines[2,-1]}"; do
    value=$\{line%%$'\t'*}
    values+=("$\{value//:/\\:}:$\{line#*$'\t'}")
  done
  (( $\{#values} )) && _describe -V siderolinkctl values
}
if [[ $\{funcstack[1]} == _siderolinkctl ]]; then
  _siderolinkctl "$@"
else
  compdef _siderolinkctl siderolinkctl
fi
`;

const FISH = script`# fish completion for siderolinkctl
function __siderolinkctl_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l lines ($words[1] __complete -- $words[2..-1] "$current" 2>/dev/null)
    test (count $lines) -gt 0; or return
    if test "$lines[1]" = files
        set -l lead (string match -r -- '^--[^=]*=' "$current")
        for file in (complete -C "'' "(string replace -- "$lead" '' "$current"))
            echo "$lead$file"
        end
        return
    end
    printf '%s\n' $lines[2..-1]
end
complete -c siderolinkctl -e
complete -c siderolinkctl -k -f -a '(__siderolinkctl_complete)'
`;
