import { setTimeout as sleep } from "node:timers/promises";

import { PyroError } from "../../contract/errors.js";
import { ApiServer, type ApiResponse } from "../../host/api-server.js";
import { ChannelStream, execChannels, portChannels, RefusedSocket } from "../../host/channel-stream.js";
import { proxyFor } from "../../host/proxy-tunnel.js";
import type { ClusterAccess } from "./access.js";
import { CredentialSource, findExpiry, type Credentials } from "./credentials.js";
import { explainAnswer, explainSilence, type KubeParties, type KubeRequest } from "./failure.js";
import { readInCluster } from "./in-cluster.js";
import { chooseAccess, listKubeconfigs, readKubeconfig } from "./kubeconfig.js";

/** The newest protocol of channels, and the one before, which cannot close the input alone. */
const PROTOCOLS = ["v5.channel.k8s.io", "v4.channel.k8s.io"];
const METHODS = { create: "POST", delete: "DELETE", get: "GET", list: "GET", patch: "PATCH" } as const;
const MAX_TRIES = 4;
const PAUSE_MS = 200;
const BUSY: ReadonlySet<number> = new Set([429, 500, 502, 503, 504]);

/** The API of one cluster. */
export class Cluster implements Disposable {
  readonly #access: ClusterAccess;
  readonly #env: NodeJS.ProcessEnv;
  readonly #source: CredentialSource;
  #open: { readonly cert: string | null; readonly server: ApiServer } | null = null;
  #cert: string | null;
  /** How far the server's clock is ahead of this machine's. */
  #aheadMs = 0;

  constructor(access: ClusterAccess, env: NodeJS.ProcessEnv) {
    this.#access = access;
    this.#env = env;
    this.#source = new CredentialSource(access, env);
    this.#cert = access.user.cert;
  }

  get parties(): KubeParties {
    const { context, cluster, user } = this.#access;
    return { server: cluster.server.host, context, user: user.name, expired: findExpiry(this.#cert) };
  }

  /** The time as the server's clock has it, by its last answer. */
  get nowMs(): number {
    return Date.now() + this.#aheadMs;
  }

  /** Sends a request and returns the parsed answer. Requests that change nothing are repeated while the server is busy. Throws PyroError. */
  async call<Answer>(request: KubeRequest): Promise<Answer> {
    for (let tries = 1; ; tries += 1) {
      const answer = await this.#send(request).catch((error: unknown) => {
        request.signal?.throwIfAborted();
        const mayRepeat = METHODS[request.verb] === "GET" && isBroken(error) && tries < MAX_TRIES;
        if (!mayRepeat) throw explainSilence(error, this.parties);
        return null;
      });
      if (answer !== null && answer.status < 300) return JSON.parse(answer.text) as Answer;
      const isUsedUp = answer?.status === 401 && tries === 1 && this.#source.forget();
      const isBusy =
        answer === null || answer.status === 429 || (METHODS[request.verb] === "GET" && BUSY.has(answer.status));
      if (answer !== null && !isUsedUp && (!isBusy || tries === MAX_TRIES)) {
        throw explainAnswer(answer.status, answer.text, request, this.parties);
      }
      if (isBusy) await sleep(PAUSE_MS * 2 ** tries);
    }
  }

  /** The standard input and output of a program in a pod, or of one of its ports. The stream ends with a PyroError when it cannot be opened. */
  async openStream(
    request: KubeRequest,
    channels: "exec" | "port",
    query: readonly (readonly [string, string])[],
  ): Promise<ChannelStream> {
    const { credentials, server } = await this.#connect();
    const path = `${pathOf(request)}?${new URLSearchParams(query.map(([key, value]): [string, string] => [key, value]))}`;
    const stream = new ChannelStream(
      server.openWebSocket(path, PROTOCOLS, credentials.headers),
      channels === "exec" ? execChannels : portChannels,
    );
    await new Promise<void>((resolve, reject) => {
      stream.once("connect", resolve);
      stream.once("error", reject);
    }).catch((error: unknown) => {
      throw this.#explainStream(error, request);
    });
    return stream;
  }

  [Symbol.dispose](): void {
    this.#open?.server[Symbol.dispose]();
  }

  #explainStream(error: unknown, request: KubeRequest): PyroError {
    if (!(error instanceof RefusedSocket)) return explainSilence(error, this.parties);
    if (error.status === 401) this.#source.forget();
    return explainAnswer(error.status, error.text, request, this.parties);
  }

  async #send(request: KubeRequest): Promise<ApiResponse> {
    const { credentials, server } = await this.#connect();
    const query = new URLSearchParams(request.query ?? {}).toString();
    const answer = await server.request({
      method: METHODS[request.verb],
      path: `${pathOf(request)}${query === "" ? "" : `?${query}`}`,
      headers: {
        accept: "application/json",
        "user-agent": "pyro",
        ...(request.body !== undefined && { "content-type": contentType(request) }),
        ...credentials.headers,
      },
      body: request.body === undefined ? undefined : JSON.stringify(request.body),
      signal: request.signal,
    });
    if (!Number.isNaN(answer.dateMs)) this.#aheadMs = answer.dateMs - Date.now();
    return answer;
  }

  /** A plugin may replace the certificate; the connections are then made again. */
  async #connect(): Promise<{ readonly credentials: Credentials; readonly server: ApiServer }> {
    const credentials = await this.#source.read();
    const { cert, key } = credentials;
    if (this.#open === null || this.#open.cert !== cert) {
      this.#open?.server[Symbol.dispose]();
      const { server: url, ca, servername, isVerified, proxy } = this.#access.cluster;
      const tls = {
        ...(ca !== null && { ca }),
        ...(cert !== null && { cert }),
        ...(key !== null && { key }),
        ...(servername !== null && { servername }),
        rejectUnauthorized: isVerified,
      };
      const way = proxy === null ? proxyFor(url, this.#env) : new URL(proxy);
      this.#cert = cert;
      this.#open = { cert, server: new ApiServer({ url, tls, proxy: way }) };
    }
    return { credentials, server: this.#open.server };
  }
}

/** Opens the cluster that a kubeconfig's context names: the current one for null, the pod's own without a kubeconfig. Throws PyroError. */
export async function openCluster(
  env: NodeJS.ProcessEnv,
  { kubeconfig, context }: { readonly kubeconfig: string | null; readonly context: string | null },
): Promise<Cluster> {
  const paths = listKubeconfigs(env, kubeconfig);
  const config = readKubeconfig(paths);
  if (config !== null) return new Cluster(await chooseAccess(config, context), env);
  const access = context === null && kubeconfig === null ? await readInCluster(env) : null;
  if (access !== null) return new Cluster(access, env);
  throw new PyroError("NOT_FOUND", `There is no kubeconfig: ${paths.join(", ")}.`, {
    hint: "Set KUBECONFIG, or add the context with --kubeconfig FILE.",
    details: { paths },
  });
}

function isBroken(error: unknown): boolean {
  const { code = "" } = error as NodeJS.ErrnoException;
  return ["ECONNRESET", "ECONNREFUSED", "EPIPE", "ETIMEDOUT"].includes(code);
}

function contentType({ verb }: KubeRequest): string {
  return verb === "patch" ? "application/merge-patch+json" : "application/json";
}

function pathOf({ group, resource, namespace, name, subresource }: KubeRequest): string {
  const parts = [
    group === undefined ? "/api/v1" : `/apis/${group}`,
    ...(namespace === null ? [] : ["namespaces", encodeURIComponent(namespace)]),
    resource,
    ...(name === undefined ? [] : [encodeURIComponent(name)]),
    ...(subresource === undefined ? [] : [subresource]),
  ];
  return parts.join("/");
}
