import { fileURLToPath } from "node:url";

import { readFile } from "../../../host/files.js";
import { LineProgram, type ProgramOwner } from "../line-program.js";
import type { Pyro } from "../pyro.js";

const SOURCES = fileURLToPath(new URL("../../../../../e2b/interpreter/", import.meta.url));
const names = ["manager.py", "worker.py", "worker.mjs"] as const;

interface InterpreterPlace {
  readonly guestFolder: string;
  readonly user: string;
  /** The variables of the sandbox. */
  readonly env: () => Readonly<Record<string, string>>;
}

/** The gateway's program that runs code in one sandbox, as its user. It needs Python in the guest. */
export class Interpreter extends LineProgram {
  constructor(pyro: Pyro, sandbox: ProgramOwner, { guestFolder, user, env }: InterpreterPlace) {
    const place = `${guestFolder}/interpreter`;
    const files = names.map((name) => ({
      target: `${place}/${name}`,
      mode: "0644",
      read: () => readFile(`${SOURCES}${name}`),
    }));
    super(pyro, sandbox, { files, command: ["python3", "-I", "-S", `${place}/manager.py`], user, env });
  }
}
