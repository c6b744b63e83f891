import { PyroError } from "../../contract/errors.js";
import { mcpClients } from "../../contract/mcp-clients.js";
import { flagOf, shells, type Command } from "./commands.js";
import { nearestName } from "../../contract/nearest.js";

/** A completion script for a shell: commands and flags from the contract, environment names asked for when needed. */
export function renderCompletion(commands: readonly Command[], shell: string): string {
  switch (shell) {
    case "bash":
      return renderBash(commands);
    case "zsh":
      return renderZsh(commands);
    case "fish":
      return renderFish(commands);
    default: {
      const near = nearestName(shell, shells);
      throw new PyroError("INVALID_ARGUMENT", `There are no completions for ${shell}.`, {
        hint: near ? `Did you mean ${near}?` : `There are some for ${shells.join(", ")}.`,
      });
    }
  }
}

/** Prints the names of environments: the first word of each line but the first. */
const LIST_ENVIRONMENTS = `pyro env list 2>/dev/null | sed -e 1d -e 's/ .*//'`;

const HELP_FLAG = "--help";

interface Level {
  /** The words typed so far, and what may follow them. */
  readonly path: string;
  readonly next: readonly string[];
}

/** Each point of the command tree that still needs a word. */
function levelsOf(commands: readonly Command[]): Level[] {
  const groups = [...new Set(commands.filter(({ words }) => words.length > 1).map(({ words }) => words[0] ?? ""))];
  const first = [...new Set(commands.map(({ words }) => words[0] ?? "")), "help", "--version", HELP_FLAG];
  const below = groups.map((group) => ({
    path: group,
    next: commands.filter(({ words }) => words[0] === group).map(({ words }) => words[1] ?? ""),
  }));
  return [{ path: "", next: first }, ...below];
}

function choicesOf(command: Command): string {
  const choices = command.positionals.map(({ name }) =>
    name === "shell" ? shells.join(" ") : name === "client" ? mcpClients.join(" ") : "",
  );
  return choices.join("");
}

function takesEnvironment(command: Command): boolean {
  return command.positionals.some(({ name }) => name === "environment");
}

/** One `case` branch a level or command: bash and zsh share it. */
function renderCases(commands: readonly Command[]): string {
  const levels = levelsOf(commands).map(({ path, next }) => `    "${path}") offers="${next.join(" ")}" ;;`);
  const leaves = commands.map((command) => {
    const flags = [...command.flags.map(flagOf), HELP_FLAG].join(" ");
    const names = takesEnvironment(command) ? ` $(${LIST_ENVIRONMENTS})` : "";
    const choices = choicesOf(command);
    const free = choices === "" ? names : ` ${choices}`;
    return `    "${command.words.join(" ")}") if [[ $current == -* ]]; then offers="${flags}"; else offers="${free.trim()}"; fi ;;`;
  });
  return [...levels, ...leaves].join("\n");
}

/** The first one or two words that name a command or a group. */
function groupPattern(commands: readonly Command[]): string {
  return [...new Set(commands.filter(({ words }) => words.length > 1).map(({ words }) => words[0]))].join("|");
}

function renderBash(commands: readonly Command[]): string {
  return `# pyro completion for bash
_pyro() {
  local current offers path line="\${COMP_LINE:0:COMP_POINT}"
  local -a typed
  read -r -a typed <<< "$line"
  current=""
  [[ $line == *[[:space:]] ]] || current="\${typed[-1]}"
  [[ -n $current ]] && unset 'typed[-1]'
  [[ " \${typed[*]} " == *" -- "* ]] && return
  path="\${typed[1]:-}"
  case "$path" in
    ${groupPattern(commands)}) path="$path\${typed[2]:+ \${typed[2]}}" ;;
  esac
  case "$path" in
${renderCases(commands)}
    *) offers="" ;;
  esac
  COMPREPLY=($(compgen -W "$offers" -- "$current"))
  # A colon separates words for readline, so what is before it is already there.
  if [[ $current == *:* && $COMP_WORDBREAKS == *:* ]]; then
    COMPREPLY=("\${COMPREPLY[@]#"\${current%"\${current##*:}"}"}")
  fi
}
complete -F _pyro pyro
`;
}

function renderZsh(commands: readonly Command[]): string {
  return `#compdef pyro
# pyro completion for zsh
_pyro() {
  local current="\${words[CURRENT]}" position
  local -a typed
  typed=("\${(@)words[1,CURRENT-1]}")
  (( \${typed[(I)--]} )) && return
  position="\${typed[2]:-}"
  case "$position" in
    ${groupPattern(commands)}) position="$position\${typed[3]:+ \${typed[3]}}" ;;
  esac
  local offers=""
  case "$position" in
${renderCases(commands)}
    *) offers="" ;;
  esac
  compadd -- \${=offers}
}
compdef _pyro pyro
`;
}

function renderFish(commands: readonly Command[]): string {
  const lines = commands.flatMap((command) => {
    const [first = "", second] = command.words;
    const seen = command.words.map((word) => `__fish_seen_subcommand_from ${word}`).join("; and ");
    const own = second
      ? `complete -c pyro -n "__fish_seen_subcommand_from ${first}; and not __fish_seen_subcommand_from ${siblings(commands, first)}" -a ${second} -d "${command.summary}"`
      : `complete -c pyro -n __fish_use_subcommand -a ${first} -d "${command.summary}"`;
    const flags = command.flags.map((field) => {
      const value = field.type === "boolean" ? "" : " -x";
      return `complete -c pyro -n "${seen}" -l ${flagOf(field).slice(2)}${value} -d "${field.description}"`;
    });
    const choices = choicesOf(command);
    const free = takesEnvironment(command) ? `(${LIST_ENVIRONMENTS})` : choices;
    return [own, ...flags, ...(free ? [`complete -c pyro -n "${seen}" -a "${free}"`] : [])];
  });
  const groups = levelsOf(commands).slice(1);
  const heads = groups.map(
    ({ path, next }) => `complete -c pyro -n __fish_use_subcommand -a ${path} -d "${next.join(", ")}"`,
  );
  return `# pyro completion for fish\ncomplete -c pyro -f\n${[...heads, ...lines].join("\n")}\n`;
}

function siblings(commands: readonly Command[], group: string): string {
  return commands
    .filter(({ words }) => words[0] === group)
    .map(({ words }) => words[1])
    .join(" ");
}
