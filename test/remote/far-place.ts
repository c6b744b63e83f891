import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { parseContext } from "../../src/client/contexts/context.js";
import type { Place } from "../../src/client/transport/place.js";
import { asSsh } from "./as-ssh.js";
import { makeFakeSsh } from "./fake-ssh.js";

/** A connected place whose files are in a directory; the pyro of the other machine is a script. */
export function makePlace(directory: string, script = "exit 1"): Place {
  const named = (name: string) => join(directory, name);
  const pyro = named("far-pyro");
  writeFileSync(pyro, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  writeFileSync(named("c"), "");
  const context = asSsh(parseContext("box", { url: "ssh://box.example", pyro }));
  const env = { PATH: process.env["PATH"], PYRO_SSH: makeFakeSsh(directory) };
  return { context, env, control: named("c"), socket: named("s"), ports: named("p"), portsLock: named("l") };
}
