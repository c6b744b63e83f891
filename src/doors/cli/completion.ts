import { nearestName } from "../../contract/nearest.js";
import { PyroError } from "../../contract/errors.js";
import { shells } from "./own-commands.js";

/** A shell calls `pyro __complete` for the candidates of a line up to the cursor. */
const scripts: Readonly<Record<string, string>> = {
  // The script splits words itself: bash splits at the colon of debian:12, and completes only the part after it.
  bash: `_pyro() {
  local words current
  read -ra words <<<"\${COMP_LINE:0:COMP_POINT}x"
  current=\${words[-1]%x}
  mapfile -t COMPREPLY < <(pyro __complete "\${words[@]:1:\${#words[@]}-2}" "$current" 2>/dev/null)
  if [[ \${COMPREPLY[0]} == :files ]]; then COMPREPLY=(); compopt -o default; fi
  [[ $current != *[:=]* || $COMP_WORDBREAKS != *[:=]* ]] || COMPREPLY=("\${COMPREPLY[@]#"\${current%"\${current##*[:=]}"}"}")
}
complete -F _pyro pyro
`,
  zsh: `#compdef pyro
_pyro() {
  local -a found=("\${(@f)$(pyro __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ $found[1] == :files ]]; then _files; else compadd -a -- found; fi
}
if [[ $funcstack[1] == _pyro ]]; then _pyro "$@"; else compdef _pyro pyro; fi
`,
  fish: `function __pyro_complete
  set -l found (pyro __complete (commandline -opc)[2..-1] "$(commandline -ct)" 2>/dev/null)
  if test "$found[1]" = :files; __fish_complete_path (commandline -ct); else; printf '%s\\n' $found; end
end
complete -c pyro -f -a '(__pyro_complete)'
`,
};

/** The script that makes a shell complete `pyro`. */
export function renderCompletion(shell: string): string {
  const script = scripts[shell];
  if (script !== undefined) return script;
  const near = nearestName(shell, shells);
  throw new PyroError("INVALID_ARGUMENT", `No completion script for the shell ${shell}.`, {
    hint: near ? `Did you mean ${near}?` : `Supported shells: ${shells.join(", ")}.`,
  });
}
