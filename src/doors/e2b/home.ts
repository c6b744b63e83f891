import { randomBytes } from "node:crypto";
import { join } from "node:path";

import { z } from "zod";

import { PyroError } from "../../contract/errors.js";
import { mkdir, readFile, readJson, removeFileSync, stat, writeFileAtomic } from "../../host/files.js";
import { openHome } from "../../host/home.js";
import { isAlive, readProcessIdentity } from "../../host/process.js";
import type { AuthorityFiles } from "./tls/authority.js";

/** The gateway's files in a home. */
export interface GatewayHome {
  readonly sandboxes: string;
  readonly templates: string;
  /** The templates that programs have built, and the builds that were requested. */
  readonly built: string;
  readonly builds: string;
  readonly key: string;
  readonly running: string;
  /** The certificate of the gateway's authority, its key, and the bundle of those that its programs trust. */
  readonly authority: AuthorityFiles;
  readonly trusted: string;
}

/** Opens the gateway's directory in the home, private to the user. Throws HOME_UNUSABLE. */
export async function openGatewayHome(env: NodeJS.ProcessEnv): Promise<GatewayHome> {
  const path = join(openHome(env).path, "e2b");
  const sandboxes = join(path, "sandboxes");
  await mkdir(sandboxes, { recursive: true, mode: 0o700 });
  return {
    sandboxes,
    templates: join(path, "templates.json"),
    built: join(path, "built-templates.json"),
    builds: join(path, "builds.json"),
    key: join(path, "key"),
    running: join(path, "gateway.json"),
    authority: { certificate: join(path, "ca.pem"), key: join(path, "ca-key.pem") },
    trusted: join(path, "trusted.pem"),
  };
}

const keyForm = /^e2b_[0-9a-f]{40}$/;

/** The user's key; made when there is none. Throws HOME_UNUSABLE when other users can read the file, or its content is not a key. */
export async function readKey(home: GatewayHome): Promise<string> {
  const text = await readFile(home.key, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  if (text === null) return replaceKey(home);
  const { mode } = await stat(home.key);
  const key = text.trim();
  if ((mode & 0o077) === 0 && keyForm.test(key)) return key;
  throw new PyroError("HOME_UNUSABLE", `${home.key} is ${keyForm.test(key) ? "open to other users" : "not a key"}.`, {
    hint: "Replace it: pyro e2b key --rotate",
    details: { path: home.key },
  });
}

/** Makes another key. A running gateway accepts only this key from now on. */
export async function replaceKey(home: GatewayHome): Promise<string> {
  const key = `e2b_${randomBytes(20).toString("hex")}`;
  await writeFileAtomic(home.key, `${key}\n`);
  return key;
}

const runningForm = z.object({ port: z.int(), pid: z.int(), startTicks: z.number() });

/** The port of the gateway that runs in this home; null when none runs. */
export async function readRunningPort(home: GatewayHome): Promise<number | null> {
  const { data } = runningForm.safeParse(await readJson(home.running));
  return data !== undefined && isAlive(data) ? data.port : null;
}

/** Records this process as the gateway of the home. Returns a function that removes the record. */
export async function recordRunning(home: GatewayHome, port: number): Promise<() => void> {
  const identity = readProcessIdentity(process.pid);
  await writeFileAtomic(home.running, JSON.stringify({ port, ...identity }));
  return () => removeFileSync(home.running);
}
