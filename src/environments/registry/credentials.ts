import { homedir } from "node:os";
import { join } from "node:path";
import { z } from "zod";

import { PyroError } from "../../contract/errors.js";
import { readFile } from "../../host/files.js";
import { runTool } from "../../host/tool.js";

/** A login of a registry. */
export type Credentials =
  | { readonly kind: "password"; readonly user: string; readonly password: string }
  /** A token that is exchanged for others. */
  | { readonly kind: "identity"; readonly token: string };

const login = z.object({
  auth: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  identitytoken: z.string().optional(),
});
const configSchema = z.object({
  auths: z.record(z.string(), login).optional(),
  credHelpers: z.record(z.string(), z.string()).optional(),
  credsStore: z.string().optional(),
});
const answerSchema = z.object({ Username: z.string(), Secret: z.string() });

/** The name under which Docker keeps the login of its own registry. */
const DOCKER_HUB_KEY = "https://index.docker.io/v1/";
const HELPER_DEADLINE_MS = 30_000;
/** The user name in a helper's answer that marks an identity token. */
const TOKEN_USER = "<token>";

/** The login that `docker login` keeps for a registry, in its file or in a helper. Null without one. */
export async function readCredentials(
  registry: string,
  variables: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<Credentials | null> {
  const path = join(variables["DOCKER_CONFIG"] || join(homedir(), ".docker"), "config.json");
  const text = await readFile(path, "utf8").catch(() => null);
  if (text === null) return null;
  const config = configSchema.safeParse(parseJson(text)).data;
  if (!config) throw unusable(`${path} is not a configuration of Docker.`, { path });
  const key = registry === "docker.io" ? DOCKER_HUB_KEY : registry;
  const helper = config.credHelpers?.[registry] ?? config.credHelpers?.[key] ?? config.credsStore;
  const helped = helper ? await askHelper(helper, key, variables, signal) : null;
  return helped ?? loginOf(config.auths ?? {}, key);
}

/** Older versions wrote the registry as a URL. */
function loginOf(auths: Readonly<Record<string, z.infer<typeof login>>>, key: string): Credentials | null {
  const entry = auths[key] ?? auths[`https://${key}`] ?? auths[`https://${key}/v1/`] ?? auths[`https://${key}/v2/`];
  if (!entry) return null;
  if (entry.identitytoken) return { kind: "identity", token: entry.identitytoken };
  const decoded = entry.auth ? Buffer.from(entry.auth, "base64").toString("utf8") : "";
  const colon = decoded.indexOf(":");
  if (colon > 0) return { kind: "password", user: decoded.slice(0, colon), password: decoded.slice(colon + 1) };
  return entry.username ? { kind: "password", user: entry.username, password: entry.password ?? "" } : null;
}

/** Asks the program `docker-credential-NAME`. Null when it has no login for the registry. */
async function askHelper(
  name: string,
  key: string,
  variables: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<Credentials | null> {
  const program = `docker-credential-${name}`;
  if (!/^[A-Za-z0-9._-]+$/.test(name))
    throw unusable(`${JSON.stringify(program)} is not the name of a credential helper.`, { program });
  const options = { input: key, env: variables, signal, timeoutMs: HELPER_DEADLINE_MS };
  const ended = await runTool(program, ["get"], options).catch((error: unknown) => {
    signal.throwIfAborted();
    const hint = `Put it into the daemon's PATH, which is that of the command that started the daemon (\`pyro daemon stop\`).`;
    throw unusable(`The helper ${program} cannot be started.`, { program }, error, hint);
  });
  if (ended.exitCode !== 0) {
    const said = `${ended.stdout}${ended.stderr}`.trim().slice(0, 500);
    if (/credentials not found/i.test(said)) return null;
    throw unusable(`The helper ${program} failed: ${said || `exit status ${ended.exitCode}`}.`, { program, said });
  }
  const answer = answerSchema.safeParse(parseJson(ended.stdout)).data;
  if (!answer) throw unusable(`The helper ${program} gave an invalid answer.`, { program });
  const { Username: user, Secret: secret } = answer;
  if (user === TOKEN_USER) return { kind: "identity", token: secret };
  return user === "" && secret === "" ? null : { kind: "password", user, password: secret };
}

function unusable(
  message: string,
  details: Record<string, unknown>,
  cause?: unknown,
  hint = "Mend Docker's configuration, for example with `docker login`.",
): PyroError {
  return new PyroError("REGISTRY_DENIED", message, { hint, details: { reason: "configuration", ...details }, cause });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
