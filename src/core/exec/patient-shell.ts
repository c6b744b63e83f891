import { parseQuoted } from "../../contract/quote.js";

/** Words that dash, bash or BusyBox handle themselves: they start no program that a signal could reach. */
const SHELL_WORDS = new Set(
  `! . : [ [[ alias bg bind break builtin caller case cd chdir command compgen complete compopt continue coproc declare dirs disown do done
  echo elif else enable esac eval exec exit export false fc fg fi for function getopts hash help history if in jobs kill let local logout
  mapfile popd printf pushd pwd read readarray readonly return select set shift shopt source suspend test then time times trap true type
  typeset ulimit umask unalias unset until wait while { }`.split(/\s+/),
);

/** What a line may do before it starts its program: nothing that takes time, or that a signal could end. */
const PREPARATIONS = new Set([".", ":", "cd", "export", "true", "ulimit", "umask", "unset"]);

/** Signals that a program may handle. A trap with a command, unlike one without, is not inherited. */
const TRAP = "trap : HUP INT QUIT ABRT USR1 USR2 ALRM TERM";

/**
 * A line that only starts a program gets a shell that survives the program's signals and then returns its exit code; so does one that
 * changes its directory or variables first: `cd app && ./serve`. Any other shell would end at TERM while the program is still cleaning up,
 * and would replace the exit code at INT. The program does not replace the shell itself: as leader of the process group, `setsid` would
 * leave its command in the background.
 */
export function makePatient(line: string): string {
  const steps = line.split("&&");
  const program = steps.pop()!;
  // A part of a quoted text is not a command.
  const isPrepared = steps.every((step) => PREPARATIONS.has(wordOf(step) ?? ""));
  const word = wordOf(program);
  if (!isPrepared || word === undefined || SHELL_WORDS.has(word)) return line;
  // The shell's own standard error is closed off: it would write "Terminated" there.
  const prepared = steps.map((step) => `${step.trim()} 2>&9 && `).join("");
  return `${TRAP}; exec 9>&2 2>/dev/null; ${prepared}(exec ${program.trim()} 2>&9 9>&-)`;
}

/** The first word of a simple command. */
function wordOf(step: string): string | undefined {
  return parseQuoted(step)?.[0];
}
