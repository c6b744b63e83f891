import { X509Certificate } from "node:crypto";

import { z } from "zod";

import { PyroError } from "../../contract/errors.js";
import { readFile } from "../../host/files.js";
import { runTool } from "../../host/tool.js";
import type { ClusterAccess, CredentialPlugin } from "./access.js";

/** The credentials of a call. */
export interface Credentials {
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly cert: string | null;
  readonly key: string | null;
}

/** How long a plugin may run: long enough for a login in a browser that it opens. */
const PLUGIN_MS = 120_000;
/** A credential is replaced this long before it expires. */
const SPARE_MS = 30_000;
const VERSIONS = ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"];

const answer = z.object({
  kind: z.literal("ExecCredential"),
  status: z.object({
    token: z.string().nullish(),
    clientCertificateData: z.string().nullish(),
    clientKeyData: z.string().nullish(),
    expirationTimestamp: z.string().nullish(),
  }),
});

/** The credentials of a user of a cluster: those of a plugin are kept until they expire, or the cluster refuses them. */
export class CredentialSource {
  readonly #access: ClusterAccess;
  readonly #env: NodeJS.ProcessEnv;
  #kept: { readonly credentials: Credentials; readonly until: number } | null = null;
  #running: Promise<Credentials> | null = null;

  constructor(access: ClusterAccess, env: NodeJS.ProcessEnv) {
    this.#access = access;
    this.#env = env;
  }

  /** Throws REMOTE_DENIED when there are none. */
  async read(): Promise<Credentials> {
    const { headers, cert, key, token, tokenFile, plugin } = this.#access.user;
    if (plugin !== null) return this.#askPlugin(plugin);
    const bearer = tokenFile === null ? token : await readToken(tokenFile);
    return { headers: { ...headers, ...authorize(bearer) }, cert, key };
  }

  /** Forgets what the cluster has refused. False when a further try would send the same. */
  forget(): boolean {
    this.#kept = null;
    return this.#access.user.plugin !== null || this.#access.user.tokenFile !== null;
  }

  /** Several calls at once run the plugin once. */
  async #askPlugin(plugin: CredentialPlugin): Promise<Credentials> {
    if (this.#kept !== null && Date.now() < this.#kept.until) return this.#kept.credentials;
    this.#running ??= this.#run(plugin).finally(() => (this.#running = null));
    return this.#running;
  }

  async #run(plugin: CredentialPlugin): Promise<Credentials> {
    const { cluster, user } = this.#access;
    if (!VERSIONS.includes(plugin.apiVersion)) {
      throw refusal(plugin, `has the version ${plugin.apiVersion}`, `pyro knows ${VERSIONS.join(" and ")}.`);
    }
    if (plugin.needsTerminal) {
      throw refusal(plugin, "asks questions (interactiveMode: Always)", "Use a plugin that keeps its login.");
    }
    const info = {
      apiVersion: plugin.apiVersion,
      kind: "ExecCredential",
      spec: {
        interactive: false,
        ...(plugin.needsCluster && {
          cluster: {
            server: cluster.server.href.replace(/\/$/, ""),
            ...(cluster.ca !== null && { "certificate-authority-data": Buffer.from(cluster.ca).toString("base64") }),
            ...(cluster.servername !== null && { "tls-server-name": cluster.servername }),
            ...(!cluster.isVerified && { "insecure-skip-tls-verify": true }),
          },
        }),
      },
    };
    const env = { ...this.#env, ...plugin.env, KUBERNETES_EXEC_INFO: JSON.stringify(info) };
    const ended = await runTool(plugin.command, plugin.args, { env, timeoutMs: PLUGIN_MS }).catch((error: unknown) => {
      throw refusal(plugin, `cannot be run: ${(error as Error).message}`, plugin.installHint || "Install it.");
    });
    if (ended.exitCode !== 0) {
      const said = ended.stderr.trim().split("\n").slice(-3).join(" ");
      throw refusal(
        plugin,
        `failed with status ${ended.exitCode}: ${said}`,
        "Log in again with your provider's program.",
      );
    }
    const { status } = parseAnswer(plugin, ended.stdout);
    const credentials = {
      headers: { ...user.headers, ...authorize(status.token ?? null) },
      cert: status.clientCertificateData ?? user.cert,
      key: status.clientKeyData ?? user.key,
    };
    const expires = status.expirationTimestamp ? Date.parse(status.expirationTimestamp) : Infinity;
    this.#kept = { credentials, until: Number.isNaN(expires) ? 0 : expires - SPARE_MS };
    return credentials;
  }
}

/** The day on which a certificate has expired, or null. */
export function findExpiry(cert: string | null): string | null {
  if (cert === null) return null;
  try {
    const end = new Date(new X509Certificate(cert).validTo);
    return end.getTime() < Date.now() ? end.toISOString().slice(0, 10) : null;
  } catch {
    return null;
  }
}

function authorize(token: string | null): Record<string, string> {
  return token === null ? {} : { authorization: `Bearer ${token}` };
}

async function readToken(path: string): Promise<string> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw new PyroError("REMOTE_DENIED", `The token in ${path} cannot be read: ${(error as Error).message}.`, {
      hint: "Check the file that the kubeconfig names.",
      details: { path },
    });
  });
  return text.trim();
}

function parseAnswer(plugin: CredentialPlugin, text: string): z.infer<typeof answer> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = null;
  }
  const parsed = answer.safeParse(value);
  if (parsed.success) return parsed.data;
  throw refusal(plugin, "printed no ExecCredential", "Run it in a shell, and look at its output.");
}

function refusal(plugin: CredentialPlugin, what: string, hint: string): PyroError {
  return new PyroError("REMOTE_DENIED", `The credential plugin ${plugin.command} ${what}.`, {
    hint,
    details: { plugin: plugin.command },
  });
}
