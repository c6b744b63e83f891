import { homedir } from "node:os";
import { delimiter, dirname, isAbsolute, join, resolve } from "node:path";

import { parse } from "yaml";
import { z } from "zod";

import { PyroError } from "../../contract/errors.js";
import { nearestName } from "../../contract/nearest.js";
import { readFile, readTextSync } from "../../host/files.js";
import { parseServer, type ClusterAccess, type ClusterFacts, type CredentialPlugin, type UserFacts } from "./access.js";

const text = z.string().nullish();

const cluster = z.object({
  server: text,
  "certificate-authority": text,
  "certificate-authority-data": text,
  "insecure-skip-tls-verify": z.boolean().nullish(),
  "tls-server-name": text,
  "proxy-url": text,
});

const plugin = z.object({
  apiVersion: z.string(),
  command: z.string().min(1),
  args: z.array(z.string()).nullish(),
  env: z.array(z.object({ name: z.string(), value: z.string() })).nullish(),
  installHint: text,
  provideClusterInfo: z.boolean().nullish(),
  interactiveMode: text,
});

const user = z.object({
  "client-certificate": text,
  "client-certificate-data": text,
  "client-key": text,
  "client-key-data": text,
  token: text,
  tokenFile: text,
  as: text,
  "as-uid": text,
  "as-groups": z.array(z.string()).nullish(),
  exec: plugin.nullish(),
  "auth-provider": z.object({ name: z.string() }).nullish(),
});

const context = z.object({ cluster: z.string(), user: text, namespace: text });

const named = <Shape extends z.ZodType, Key extends string>(key: Key, shape: Shape) =>
  z
    .array(z.object({ name: z.string(), [key]: shape.nullish() } as Record<Key, Shape> & { name: z.ZodString }))
    .nullish();

const file = z.object({
  "current-context": text,
  clusters: named("cluster", cluster),
  users: named("user", user),
  contexts: named("context", context),
});

type Cluster = z.infer<typeof cluster>;
type User = z.infer<typeof user>;
type Plugin = z.infer<typeof plugin>;

/** An entry, and the directory at which its relative paths begin. */
interface Entry<Value> {
  readonly value: Value;
  readonly directory: string;
}

/** Several kubeconfig files as one: of entries with the same name, the first counts. */
export interface Kubeconfig {
  readonly files: readonly string[];
  readonly current: string | null;
  readonly clusters: ReadonlyMap<string, Entry<Cluster>>;
  readonly users: ReadonlyMap<string, Entry<User>>;
  readonly contexts: ReadonlyMap<string, Entry<z.infer<typeof context>>>;
}

/** The files of a kubeconfig that exist: the given one, those of KUBECONFIG, or `~/.kube/config`. */
export function listKubeconfigs(env: NodeJS.ProcessEnv, given: string | null): string[] {
  if (given !== null) return [given];
  const listed = (env["KUBECONFIG"] ?? "").split(delimiter).filter((path) => path !== "");
  return listed.length > 0 ? listed.map((path) => resolve(path)) : [join(env["HOME"] || homedir(), ".kube", "config")];
}

/** Reads and merges kubeconfig files; files that do not exist are passed over. Null when there is none. Throws INVALID_ARGUMENT. */
export function readKubeconfig(paths: readonly string[]): Kubeconfig | null {
  const files: string[] = [];
  let current: string | null = null;
  const clusters = new Map<string, Entry<Cluster>>();
  const users = new Map<string, Entry<User>>();
  const contexts = new Map<string, Entry<z.infer<typeof context>>>();
  for (const path of paths) {
    const content = parseFile(path);
    if (content === null) continue;
    files.push(path);
    current ??= content["current-context"] || null;
    const directory = dirname(path);
    addAll(clusters, content.clusters, "cluster", directory);
    addAll(users, content.users, "user", directory);
    addAll(contexts, content.contexts, "context", directory);
  }
  return files.length === 0 ? null : { files, current, clusters, users, contexts };
}

/** The cluster and user of a context; of the current one for null. Throws NOT_FOUND, INVALID_ARGUMENT. */
export async function chooseAccess(config: Kubeconfig, name: string | null): Promise<ClusterAccess> {
  const chosen = name ?? config.current;
  if (chosen === null) {
    throw new PyroError("NOT_FOUND", `${config.files.join(", ")} has no current context.`, {
      hint: "Name one: kubernetes://KUBECONTEXT/NAMESPACE. `kubectl config get-contexts` lists them.",
    });
  }
  const { value } = find(config, "contexts", chosen);
  const { value: found, directory } = find(config, "clusters", value.cluster);
  const who = value.user ? find(config, "users", value.user) : null;
  return {
    context: chosen,
    cluster: await readCluster(found, directory, `The cluster ${value.cluster}`),
    user: await readUser(value.user ?? "", who?.value ?? {}, who?.directory ?? directory),
  };
}

function find<Kind extends "clusters" | "contexts" | "users">(config: Kubeconfig, kind: Kind, name: string) {
  const entry = config[kind].get(name) as
    | (Kubeconfig[Kind] extends ReadonlyMap<string, infer E> ? E : never)
    | undefined;
  if (entry !== undefined) return entry;
  const near = nearestName(name, [...config[kind].keys()]);
  throw new PyroError("NOT_FOUND", `${config.files.join(", ")} has no entry ${name.slice(0, 200)} in ${kind}.`, {
    hint: near ? `Did you mean ${near}?` : "`kubectl config get-contexts` lists the contexts.",
    details: { [kind.slice(0, -1)]: name.slice(0, 200) },
  });
}

async function readCluster(value: Cluster, directory: string, where: string): Promise<ClusterFacts> {
  return {
    server: parseServer(value.server ?? "", where),
    ca: await readPem(value["certificate-authority-data"], value["certificate-authority"], directory),
    servername: value["tls-server-name"] || null,
    isVerified: value["insecure-skip-tls-verify"] !== true,
    proxy: value["proxy-url"] || null,
  };
}

async function readUser(name: string, value: Partial<User>, directory: string): Promise<UserFacts> {
  if (value["auth-provider"]) {
    throw new PyroError(
      "INVALID_ARGUMENT",
      `The user ${name} has the auth-provider ${value["auth-provider"].name}, which Kubernetes has removed.`,
      { hint: "Get a kubeconfig with a credential plugin (exec) from your provider.", details: { user: name } },
    );
  }
  const groups = value["as-groups"] ?? [];
  return {
    name,
    cert: await readPem(value["client-certificate-data"], value["client-certificate"], directory),
    key: await readPem(value["client-key-data"], value["client-key"], directory),
    token: value.token || null,
    tokenFile: value.tokenFile ? resolve(directory, value.tokenFile) : null,
    plugin: value.exec ? readPlugin(value.exec, directory) : null,
    headers: {
      ...(value.as && { "impersonate-user": value.as }),
      ...(value["as-uid"] && { "impersonate-uid": value["as-uid"] }),
      ...(groups.length > 0 && { "impersonate-group": groups }),
    },
  };
}

/** A command with a slash is a path beside the kubeconfig, as for kubectl. */
function readPlugin(value: Plugin, directory: string): CredentialPlugin {
  const { apiVersion, command, args, env, installHint, provideClusterInfo, interactiveMode } = value;
  return {
    apiVersion,
    command: command.includes("/") && !isAbsolute(command) ? resolve(directory, command) : command,
    args: args ?? [],
    env: Object.fromEntries((env ?? []).map((each) => [each.name, each.value])),
    installHint: installHint ?? "",
    needsCluster: provideClusterInfo === true,
    needsTerminal: interactiveMode === "Always",
  };
}

async function readPem(data: unknown, path: unknown, directory: string): Promise<string | null> {
  if (typeof data === "string" && data !== "") return Buffer.from(data, "base64").toString();
  if (typeof path !== "string" || path === "") return null;
  const whole = resolve(directory, path);
  return readFile(whole, "utf8").catch((error: unknown) => {
    throw unusable(whole, error instanceof Error ? error.message : String(error));
  });
}

function parseFile(path: string): z.infer<typeof file> | null {
  const content = readTextSync(path);
  if (content === null) return null;
  let value: unknown;
  try {
    value = parse(content) ?? {};
  } catch (error) {
    throw unusable(path, (error as Error).message.split("\n")[0] ?? "it is not YAML");
  }
  const parsed = file.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw unusable(path, `${issue?.path.join(".") || "the file"}: ${issue?.message ?? "it has the wrong shape"}`);
}

function addAll<Value, Key extends string>(
  all: Map<string, Entry<Value>>,
  entries:
    | readonly ({ readonly name: string } & { readonly [K in Key]?: Value | null | undefined })[]
    | null
    | undefined,
  key: Key,
  directory: string,
): void {
  for (const entry of entries ?? []) {
    const value = entry[key];
    if (value && !all.has(entry.name)) all.set(entry.name, { value, directory });
  }
}

function unusable(path: string, why: string): PyroError {
  return new PyroError("INVALID_ARGUMENT", `The kubeconfig ${path} cannot be used: ${why}.`, {
    hint: "`kubectl config view` shows what it holds.",
    details: { path },
  });
}
