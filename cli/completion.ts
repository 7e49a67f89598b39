/** `muster completion SHELL`: the script that has a shell complete `muster`. */

import { DONE } from './exit.ts';
import { print } from './output.ts';

type Shell = 'bash' | 'zsh' | 'fish';

export async function completion(shell: Shell): Promise<number> {
  print(SCRIPTS[shell]);
  return DONE;
}

// Bash takes `=` for the end of a word, and has no way to show what a suggestion means.
const BASH = `# Completes muster. In ~/.bashrc: eval "$(muster completion bash)"
_muster() {
  local typed=\${COMP_WORDS[COMP_CWORD]} word line
  local -a words=()
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ $word == = ]] || words+=("$word")
  done
  [[ $typed == = ]] && typed=
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == :files ]]; then
      compopt -o filenames 2>/dev/null
      while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$typed")
    elif [[ -n $line ]]; then
      COMPREPLY+=("\${line%%$'\\t'*}")
    fi
  done < <(muster complete -- "\${words[@]}" "$typed" 2>/dev/null)
}
complete -F _muster muster`;

const ZSH = `#compdef muster
# Completes muster. In ~/.zshrc, after compinit: eval "$(muster completion zsh)"
_muster() {
  local line
  local -a described
  for line in "\${(@f)$(muster complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    if [[ $line == :files ]]; then
      _files
    elif [[ -n $line ]]; then
      described+=("\${\${line//:/\\\\:}/$'\\t'/:}")
    fi
  done
  (( \${#described} )) && _describe muster described
}
if [[ $funcstack[1] == _muster ]]; then _muster; else compdef _muster muster; fi`;

const FISH = `# Completes muster. In ~/.config/fish/config.fish: muster completion fish | source
function __muster_complete
  set -l words (commandline -opc)
  set -l typed (commandline -ct)
  for line in (muster complete -- $words[2..-1] "$typed" 2>/dev/null)
    if test "$line" = :files
      __fish_complete_path "$typed"
    else
      echo $line
    end
  end
end
complete -c muster -f -a '(__muster_complete)'`;

const SCRIPTS: Readonly<Record<Shell, string>> = { bash: BASH, zsh: ZSH, fish: FISH };
