import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { readContract } from "../../src/contract/rendered.js";
import { flagOf } from "../../src/doors/cli/command.js";
import { endOf, pyroPath, until } from "../client/scratch.js";
import type { Answer, Place, Request, Runner } from "./runner.js";

/** `pyro … --json`. */
export function openCli({ home, env }: Place): Runner {
  return {
    name: "CLI",
    offers: ({ operation, input }) => {
      const { cli } = operationOf(operation);
      const takes = new Set(operationOf(operation).fields.map(({ name }) => name));
      // A command line cannot express an empty text, NUL, a field without a flag, or a terminal where there is none; and its command is
      // a list of words.
      const sayable =
        !("tty" in input) && Object.entries(input).every(([name, value]) => takes.has(name) && !isUnsayable(value));
      return cli !== null && sayable && (input["command"] === undefined || Array.isArray(input["command"]));
    },
    async call({ operation, input, stdin = "", cancel = false }): Promise<Answer> {
      const { words, flags, rest } = argumentsOf({ operation, input }, home);
      const child = spawn(process.execPath, [pyroPath, ...words, ...flags, "--json", ...rest], { env });
      child.stdin.on("error", () => {});
      child.stdin.end(stdin);
      if (cancel) {
        await (operation === "env.pull" ? waitForBuild() : waitForOutput(String(input["task_id"])));
        child.kill("SIGINT");
      }
      const { stdout, stderr } = await endOf(child);
      const body = JSON.parse(stdout) as Record<string, unknown>;
      // Long calls print lines of progress, in every output format.
      const others = stderr.split("\n").filter((line) => line !== "" && !/^\[(pull|run|create)\] /.test(line));
      if (others.length > 0) throw new Error(`with --json standard error has progress only, but: ${stderr}`);
      return body["error"] && !("exit_code" in body) ? (body as Answer) : { result: body };
    },
    async [Symbol.asyncDispose]() {},
  };

  /** With --json nothing is shown before the end, so the test reads the log to see whether the command has printed something. */
  async function waitForOutput(task: string): Promise<void> {
    await until("the command has said something", async () => {
      const logs = spawn(process.execPath, [pyroPath, "task", "logs", task, "--json"], { env });
      const { entries } = JSON.parse((await endOf(logs)).stdout) as { entries: { state: string; stdout: string }[] };
      return entries.some(({ state, stdout }) => state === "running" && stdout !== "");
    });
  }

  async function waitForBuild(): Promise<void> {
    const builds = join(home, "environments", "tmp");
    await until("the build has begun", () => existsSync(builds) && readdirSync(builds).length > 0);
  }
}

function operationOf(name: string) {
  return readContract().operations.find((operation) => operation.name === name)!;
}

/** The command line takes files. */
function writePatch(home: string, text: string): string {
  const path = join(home, `${randomUUID()}.diff`);
  writeFileSync(path, text);
  return path;
}

function isUnsayable(value: unknown): boolean {
  const words = Array.isArray(value) ? value : [value];
  return words.some((word) => typeof word === "string" && word.includes("\0"));
}

function argumentsOf({ operation, input }: Request, home: string) {
  const { cli, fields } = operationOf(operation);
  const { words, positionals, rest } = cli!;
  const values = positionals.flatMap((name) => (input[name] === undefined ? [] : [input[name]].flat().map(String)));
  const flags = Object.entries(input).flatMap(([name, value]) => {
    if (positionals.includes(name) || name === rest) return [];
    const flag = flagOf(fields.find((field) => field.name === name)!);
    if (value === true) return [flag];
    if (value === false) return [];
    if (name === "variant_patches") return (value as string[]).flatMap((text) => [flag, writePatch(home, text)]);
    if (Array.isArray(value)) return value.flatMap((each) => [flag, String(each)]);
    if (typeof value === "object") return Object.entries(value!).flatMap(([key, text]) => [flag, `${key}=${text}`]);
    return [flag, String(value)];
  });
  return { words: [...words, ...values], flags, rest: rest ? ["--", ...(input[rest] as string[])] : [] };
}
