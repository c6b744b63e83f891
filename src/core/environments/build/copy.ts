import { posix } from "node:path";

import { readArchive } from "../../../archive/read.js";
import type { Machine } from "../../../backend/backend.js";
import { PyroError } from "../../../contract/errors.js";
import { quoteCommand } from "../../../contract/quote.js";
import { readFileBytes } from "../../../environments/image/streams.js";
import type { Channel } from "../../../guest/channel.js";
import { makeDirectory, removeFile, writeFile } from "../../../guest/files.js";
import { list } from "../../../guest/listing.js";
import { AgentRefusal } from "../../../guest/refusal.js";
import type { Call } from "../../call.js";
import { explainFileRefusal } from "../../files/refusal.js";
import { stageSource } from "../../workspace/import.js";
import { WORKSPACE } from "../../workspace/destination.js";
import type { BuildSource } from "./sources.js";

/** Where files arrive, since an agent takes trees in the workspace only. */
const ARRIVAL = `${WORKSPACE}/.pyro-build`;
const PROGRAMS = ["/bin/cp", "/usr/bin/cp"];

/**
 * Copies a source into the guest, as root. The content of a directory is merged into the destination; a file becomes the destination, or
 * an entry of it when that is a directory or ends with a slash. `run` runs a command line in the guest. Throws FILE_… for the destination.
 */
export async function copyIntoGuest(
  machine: Machine,
  source: BuildSource,
  to: string,
  call: Call,
  run: (line: string) => Promise<void>,
): Promise<void> {
  const { channel } = machine;
  try {
    const isDirectory = source.kind !== "file" || to.endsWith("/") || (await hasDirectory(channel, to));
    const target = posix.resolve("/", to);
    await ensureDirectory(channel, isDirectory ? target : posix.dirname(target));
    if (!(await canCopy(channel))) return await writeEach(channel, source, isDirectory ? target : null, to);
    await arrive(machine, source, call);
    await run(quoteCommand(["cp", "-af", await nameOf(channel, source), target]));
    await removeFile(channel, ARRIVAL, true);
  } catch (error) {
    throw explainFileRefusal(error, to);
  }
}

async function canCopy(channel: Channel): Promise<boolean> {
  for (const path of PROGRAMS) if ((await typeOf(channel, path)) === "file") return true;
  return false;
}

async function arrive(machine: Machine, { path, kind }: BuildSource, call: Call): Promise<void> {
  if (machine.channel.hello.owns === true) await machine.channel.request("own", { user: "0:0" });
  const options = { exclude: [], include: [], links: undefined, git_tracked: false, with_git: false };
  const source = { ...options, source_kind: kind, source_excluded: 0 };
  const staged = await stageSource(machine, ARRIVAL, source, { ...call, upload: readFileBytes(path) });
  const committed = await staged.commit();
  if (committed instanceof PyroError) throw committed;
}

/** The source argument of `cp`: the content of the directory, or the file under its own name. */
async function nameOf(channel: Channel, { kind }: BuildSource): Promise<string> {
  if (kind !== "file") return `${ARRIVAL}/.`;
  for await (const { path } of list(channel, ARRIVAL, { depth: 1 })) {
    if (path !== ".") return `${ARRIVAL}/${path}`;
  }
  throw new PyroError("INTERNAL", "A packed file has no entry.");
}

/** Copies without a program of the guest, which can make no links. */
async function writeEach(channel: Channel, source: BuildSource, directory: string | null, to: string): Promise<void> {
  for await (const { path, type, mode, content } of readArchive(readFileBytes(source.path), { linksMayLeave: true })) {
    const place = directory === null ? posix.resolve("/", to) : posix.join(directory, path);
    if (type === "directory") await ensureDirectory(channel, place, mode);
    else if (type === "file") await writeFile(channel, place, content, { mode });
    else {
      throw new PyroError("ENVIRONMENT_BUILD_FAILED", `The link ${path} cannot be made in an image without cp.`, {
        hint: "Copy files and directories only, or begin with an image that has cp.",
        details: { reason: "step", path },
      });
    }
  }
}

async function ensureDirectory(channel: Channel, path: string, mode?: number): Promise<void> {
  if (!(await hasDirectory(channel, path))) await makeDirectory(channel, path, mode);
}

async function hasDirectory(channel: Channel, path: string): Promise<boolean> {
  return (await typeOf(channel, path)) === "directory";
}

/** The entry at the end of a path's links; null when there is no such entry. */
export async function typeOf(channel: Channel, path: string): Promise<string | null> {
  if (posix.resolve("/", path) === "/") return "directory";
  try {
    for await (const { type } of list(channel, path, { depth: 0 })) return type;
    return null;
  } catch (error) {
    if (error instanceof AgentRefusal && ["ENOENT", "ENOTDIR"].includes(error.errno ?? "")) return null;
    throw error;
  }
}
