import { parseQuoted } from "../../contract/quote.js";

/** Words that dash, bash or BusyBox handle themselves: they start no program that a signal could reach. */
const SHELL_WORDS = new Set(
  `! . : [ [[ alias bg bind break builtin caller case cd chdir command compgen complete compopt continue coproc declare dirs disown do done
  echo elif else enable esac eval exec exit export false fc fg fi for function getopts hash help history if in jobs kill let local logout
  mapfile popd printf pushd pwd read readarray readonly return select set shift shopt source suspend test then time times trap true type
  typeset ulimit umask unalias unset until wait while { }`.split(/\s+/),
);

/** Signals that a program may handle. A trap with a command, unlike one without, is not inherited. */
const TRAP = "trap : HUP INT QUIT ABRT USR1 USR2 ALRM TERM";

/**
 * A line that only starts a program gets a shell that survives the program's signals and then returns its exit code. Any other shell
 * would end at TERM while the program is still cleaning up, and would replace the exit code at INT. The program does not replace the shell
 * itself: as leader of the process group, `setsid` would leave its command in the background.
 */
export function makePatient(line: string): string {
  const program = parseQuoted(line)?.[0];
  if (program === undefined || SHELL_WORDS.has(program)) return line;
  // The shell's own standard error is closed off: it would write "Terminated" there.
  return `${TRAP}; exec 9>&2 2>/dev/null; (exec ${line} 2>&9 9>&-)`;
}
