import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

import { operations } from "../../src/contract/operations.js";
import { pyroPath } from "../client/scratch.js";
import { pythonPath } from "../python/run.js";
import type { Answer, Place, Runner } from "./runner.js";

/** The Python client, in a process of its own that takes one call after the other. */
export function openPython({ env }: Place): Runner {
  const fixed = { PYTHONPATH: pythonPath, PYTHONDONTWRITEBYTECODE: "1", PYRO_EXECUTABLE: pyroPath };
  const child = spawn("python3", ["-m", "tests.parity"], {
    cwd: pythonPath,
    env: { ...env, ...fixed },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    name: "Python",
    offers: ({ operation }) => operations[operation].sdk !== null,
    async call({ operation, ...request }): Promise<Answer> {
      const method = operations[operation].sdk!.method.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      child.stdin.write(`${JSON.stringify({ method, ...request })}\n`);
      const { value, done } = await answers.next();
      if (done) throw new Error("the Python process has ended");
      return JSON.parse(value as string) as Answer;
    },
    async [Symbol.asyncDispose]() {
      const exited = once(child, "exit");
      child.stdin.end();
      await exited;
    },
  };
}
