import { spawn } from "node:child_process";
import pino from "pino";

import { Tasks } from "../../src/core/tasks/tasks.js";
import { buildHandlers } from "../../src/daemon/handlers.js";
import type { Lifetime } from "../../src/daemon/lifetime.js";
import { Pyro } from "../../src/index.js";
import { endOf, pyroPath, type Ended } from "../client/scratch.js";
import { Listening, runInShell } from "../daemon/listening.js";
import type { AgentMachines } from "./agent-machines.js";

/** The value of `TOKEN` in the environment of the CLI. */
export const SECRET = "s3cret-value";

/** A daemon whose tasks run on the agent as a plain process, asked through the CLI and the SDK. */
export async function openTasks(home: string, machines: AgentMachines) {
  const tasks = await Tasks.open({
    homePath: home,
    machines,
    snapshots: machines.snapshots,
    keep: [],
    log: pino({ level: "silent" }),
  });
  const { "vm.run": _, ...others } = buildHandlers({} as Lifetime);
  const daemon = new Listening(runInShell, { tasks, others });
  const pyro = new Pyro({ home: daemon.env.PYRO_HOME });
  const cli = (...args: string[]): Promise<Ended> =>
    endOf(
      spawn(process.execPath, [pyroPath, ...args], {
        env: { ...daemon.env, TOKEN: SECRET },
        stdio: ["ignore", "pipe", "pipe"],
      }),
    );
  return { tasks, daemon, pyro, cli };
}
