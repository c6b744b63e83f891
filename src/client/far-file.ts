import { randomBytes } from "node:crypto";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";

import { PyroError } from "../contract/errors.js";
import { lookAtName, mkdir, open, readdir, rm } from "../host/files.js";
import { openHome } from "../host/home.js";

/** A file that was not written to for this long is left from a call that broke off. */
const LEFT_MS = 86_400_000;

/** The actions of a client of another machine on a file in this machine's `incoming/`. */
const verbs = {
  /** The path of a new file. */
  async place(_path: string, directory: string) {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await sweep(directory);
    process.stdout.write(`${join(directory, `${randomBytes(8).toString("hex")}.tar`)}\n`);
  },
  async receive(path: string) {
    const file = await open(path, "wx", 0o600);
    await pipeline(process.stdin, file.createWriteStream({ flush: true }));
  },
  async send(path: string) {
    const file = await open(path, "r");
    await pipeline(file.createReadStream(), process.stdout, { end: false });
  },
  async drop(path: string) {
    await rm(path, { force: true });
  },
} as const;

/** Removes files that were left by clients whose machine or connection died. */
async function sweep(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    const { mtimeMs = Infinity } = lookAtName(path) ?? {};
    if (Date.now() - mtimeMs > LEFT_MS) await rm(path, { force: true }).catch(() => {});
  }
}

/** `pyro __file VERB PATH`, which ssh runs for a client: moves the files that a daemon reads or writes for it. */
export async function moveFile(env: NodeJS.ProcessEnv, verb: string, path: string): Promise<void> {
  const directory = join(openHome(env).path, "incoming");
  const isOurs = verb === "place" || dirname(path) === directory;
  if (!Object.hasOwn(verbs, verb) || !isOurs) throw new PyroError("INVALID_ARGUMENT", `Cannot ${verb} ${path}.`);
  await verbs[verb as keyof typeof verbs](path, directory);
}
