import { parseQuoted } from "../../contract/quote.js";

/** Words that a shell handles itself, in dash, bash or BusyBox. `exec` would run a program of that name, or fail. */
const SHELL_WORDS = new Set(
  `! . : [ [[ alias bg bind break builtin caller case cd chdir command compgen complete compopt continue coproc declare dirs disown do done
  echo elif else enable esac eval exec exit export false fc fg fi for function getopts hash help history if in jobs kill let local logout
  mapfile popd printf pushd pwd read readarray readonly return select set shift shopt source suspend test then time times trap true type
  typeset ulimit umask unalias unset until wait while { }`.split(/\s+/),
);

/**
 * A line for a shell that only starts a program is changed so that the program replaces the shell. Otherwise the shell would end at a
 * signal such as TERM while the program is still cleaning up, and at INT the program's exit code would be lost.
 */
export function replaceShell(line: string): string {
  const program = parseQuoted(line)?.[0];
  const isProgram = program !== undefined && !program.startsWith("-") && !SHELL_WORDS.has(program);
  return isProgram ? `exec ${line}` : line;
}
