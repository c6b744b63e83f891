import { resolve } from "node:path";

import { PyroError } from "../../contract/errors.js";
import { readContract } from "../../contract/rendered.js";
import { removeFileSync } from "../../host/files.js";
import { openHome, type Home } from "../../host/home.js";
import { Client } from "../client.js";
import { placeOf } from "../transport/place.js";
import { requestMaster } from "../transport/run-ssh.js";
import { LOCAL, parseContext, type Context, type ContextRecord } from "./context.js";
import { chooseContext, findContext, readContexts, writeContexts } from "./contexts.js";
import type { ContextReport } from "./report.js";

interface ListedContext {
  readonly name: string;
  /** Null for this machine. */
  readonly url: string | null;
  readonly current: boolean;
}

/** A record as a caller gives it: `pod` is a file, and the path of `kubeconfig` may be relative. */
type GivenRecord = Omit<ContextRecord, "pod"> & { readonly pod?: string };

/** Adds a context. Throws INVALID_ARGUMENT, ALREADY_EXISTS. */
export async function addContext(
  env: NodeJS.ProcessEnv,
  name: string,
  given: GivenRecord,
): Promise<{ name: string } & ContextRecord> {
  const record = await completeRecord(given);
  parseContext(name, record);
  const home = openHome(env);
  const contexts = readContexts(home.path);
  if (Object.hasOwn(contexts.all, name)) {
    throw new PyroError("ALREADY_EXISTS", `The context ${name} exists: ${contexts.all[name]!.url}.`, {
      hint: `Remove it first: pyro context remove ${name}`,
      details: { context: name },
    });
  }
  await writeContexts(home.path, { ...contexts, all: { ...contexts.all, [name]: record } });
  return { name, ...record };
}

async function completeRecord({ pod, kubeconfig, ...rest }: GivenRecord): Promise<ContextRecord> {
  return {
    ...rest,
    ...(kubeconfig !== undefined && { kubeconfig: resolve(kubeconfig) }),
    ...(pod !== undefined && { pod: await (await import("../kubernetes/pod-template.js")).readPodTemplate(pod) }),
  };
}

/** The contexts, this machine first. */
export function listContexts(env: NodeJS.ProcessEnv): ListedContext[] {
  const { current, all } = readContexts(openHome(env).path);
  const used = env["PYRO_CONTEXT"] || (current ?? LOCAL);
  const others = Object.entries(all).map(([name, { url }]) => ({ name, url, current: name === used }));
  return [{ name: LOCAL, url: null, current: used === LOCAL }, ...others];
}

/** Makes a context the default of calls that name none; `local` is this machine. Throws NOT_FOUND. */
export async function useContext(env: NodeJS.ProcessEnv, name: string): Promise<{ name: string }> {
  const home = openHome(env);
  const contexts = readContexts(home.path);
  if (name !== LOCAL) findContext(contexts, name);
  await writeContexts(home.path, { ...contexts, current: name === LOCAL ? null : name });
  return { name };
}

/** Forgets a context and ends its connection. Throws NOT_FOUND. */
export async function removeContext(env: NodeJS.ProcessEnv, name: string): Promise<{ name: string }> {
  const home = openHome(env);
  const contexts = readContexts(home.path);
  const context = findContext(contexts, name);
  const { [name]: _removed, ...all } = contexts.all;
  await writeContexts(home.path, { current: contexts.current === name ? null : contexts.current, all });
  await disconnect(context, home, env);
  return { name };
}

/** Ends the connection of a context that has been removed. */
async function disconnect(context: Context, home: Home, env: NodeJS.ProcessEnv): Promise<void> {
  if (context.kind === "kubernetes") return (await import("../bridge/stop.js")).stopBridge(context, home, env);
  const place = placeOf(context, home, env);
  await requestMaster(place, "exit").catch(() => false);
  for (const path of [place.socket, place.ports, place.portsLock, place.control]) removeFileSync(path);
}

/** Connects, starts the daemon there, and asks whether VMs can run. Throws what a call would throw. */
export async function checkContext(env: NodeJS.ProcessEnv, name: string | undefined): Promise<ContextReport> {
  const named = name === undefined ? env : { ...env, PYRO_CONTEXT: name };
  const chosen = chooseContext(openHome(named).path, named);
  if (chosen?.kind === "kubernetes") {
    return (await import("./check-kubernetes.js")).checkKubernetes(named, chosen);
  }
  const client = new Client(named);
  const began = performance.now();
  const { home } = await client.call("daemon.status", {});
  const connected = performance.now();
  await client.call("env.list", {});
  const called = performance.now();
  const { ok } = await client.call("doctor", {});
  const { context } = client.transport;
  const record = context === null ? null : readContexts(client.home.path).all[context];
  return {
    context: context ?? LOCAL,
    url: record?.url ?? null,
    version: readContract().version,
    home,
    connect_ms: Math.round(connected - began),
    call_ms: Math.round(called - connected),
    ok,
  };
}
