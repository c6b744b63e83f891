import { PyroError } from "../contract/errors.js";
import { limits } from "../contract/limits.js";
import type { ArgumentsOf, ResultOf } from "../contract/operations.js";
import { readFile } from "../host/files.js";
import type { CallOptions, Client } from "./client.js";

type Build = ArgumentsOf<"env.build">;

/** Builds an environment: this client packs what it copies, and reads its script. */
export async function buildEnvironment(
  client: Client,
  input: Build,
  options: CallOptions = {},
): Promise<ResultOf<"env.build">> {
  // Checked first, so that nothing is sent to a machine that would refuse the build.
  await client.assertUsable("env.build", input);
  const parts = (input.copy ?? []).map(parseCopy);
  const script = input.script === undefined ? {} : { script_content: await readScript(input.script) };
  const copies = [];
  for (const { source, to } of parts) copies.push({ source: await sendSource(client, source, options), to });
  return client.call("env.build", { ...input, ...(copies.length > 0 && { copies }), ...script }, options);
}

/** `SRC:DEST`: the last colon divides them, since a path of this machine may have more. */
function parseCopy(text: string): { readonly source: string; readonly to: string } {
  const colon = text.lastIndexOf(":");
  if (colon > 0 && text.startsWith("/", colon + 1)) return { source: text.slice(0, colon), to: text.slice(colon + 1) };
  throw new PyroError("INVALID_ARGUMENT", `copy: ${JSON.stringify(text)} is not SRC:DEST.`, {
    hint: "Name a path of this machine, a colon, and an absolute path of the guest.",
    details: { copy: text },
  });
}

async function sendSource(client: Client, path: string, { signal, onEvent }: CallOptions): Promise<string> {
  const { packSource } = await import("./pack/pack.js");
  const pack = () => packSource(path, { asFile: true, ...(signal && { signal }) });
  let packed = await pack();
  let isRead = false;
  const openUpload = () => {
    const stream = isRead ? again() : packed.stream;
    isRead = true;
    return stream;
  };
  /** If the daemon is replaced during the call, the source is read from its start once more. */
  async function* again(): AsyncGenerator<Uint8Array> {
    packed = await pack();
    yield* packed.stream;
  }
  await onEvent?.({ event: "progress", phase: "copy", message: `Sending ${path}` });
  const facts = { source_path: packed.path, source_kind: packed.kind };
  const sent = await client.call("env.build.source", facts, { ...(signal && { signal }), openUpload });
  return sent.source;
}

/** Throws SOURCE_NOT_FOUND, SOURCE_UNREADABLE, or SOURCE_UNSUPPORTED for a script that is too long. */
async function readScript(path: string): Promise<string> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    const isMissing = error.code === "ENOENT" || error.code === "ENOTDIR";
    const options = { details: { path }, cause: error };
    if (isMissing) throw new PyroError("SOURCE_NOT_FOUND", `The script ${path} does not exist.`, options);
    const hint = "Make it readable for the user of the client.";
    throw new PyroError("SOURCE_UNREADABLE", `The script ${path} cannot be read.`, { ...options, hint });
  });
  if (text.length <= limits.scriptBytes) return text;
  throw new PyroError("SOURCE_UNSUPPORTED", `The script ${path} has more than ${limits.scriptBytes} characters.`, {
    hint: "Copy it with `copy`, and run it with `run`.",
    details: { path, limit: limits.scriptBytes },
  });
}
