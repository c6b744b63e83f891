import { spawn } from "node:child_process";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import { connect, type AddressInfo, type Socket } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

import { WebSocketServer, type WebSocket } from "ws";

import type { Fields } from "../../src/client/kubernetes/pod-spec.js";
import { fieldsOf, listOf } from "../../src/client/kubernetes/pod-spec.js";
import { makeAuthority, signServer, type TestAuthority } from "../host/certificates.js";

const RELAY = fileURLToPath(new URL("../../../keeper/build/pyro-relay", import.meta.url));

/** An answer of a real API server, to be given instead of the double's own. */
export interface Recorded {
  readonly status: number;
  readonly body: unknown;
}

export interface DoublePod {
  readonly metadata: {
    readonly name: string;
    annotations: Record<string, string>;
    labels: Record<string, string>;
    resourceVersion: string;
  } & Fields;
  spec: Fields;
  status: Fields;
}

export const running: Fields = {
  phase: "Running",
  conditions: [{ type: "Ready", status: "True" }],
  containerStatuses: [{ name: "pyro", ready: true, state: { running: {} } }],
};

/** An API server of Kubernetes as far as pyro needs one: pods in memory, whose exec leads to a daemon of this machine. */
export class ApiDouble implements AsyncDisposable {
  readonly authority: TestAuthority;
  readonly pods = new Map<string, DoublePod>();
  readonly claims = new Map<string, DoublePod>();
  /** The requests so far: `POST pods`, `GET pods/pyro-1a2b3c`. */
  readonly requests: string[] = [];
  /** Bearer tokens that are let in. */
  readonly tokens = new Set(["good"]);
  /** Answers to give instead, by the request as in `requests`, with `*` for a name. */
  readonly recorded = new Map<string, Recorded>();
  /** Rights that a user lacks, such as `create pods/exec`. */
  readonly denied = new Set<string>();
  /** The states through which a new pod goes, one for each time that it is asked for. */
  states: readonly Fields[] = [{ phase: "Pending" }, running];
  /** False for an image without pyro. */
  hasRelay = true;
  /** The home of a pod's daemon; called when it is created. */
  onPod: (pod: DoublePod) => string = () => "";
  /** Called with a pod that was changed. */
  onPatch: (pod: DoublePod) => void = () => {};
  #version = 0;
  readonly #homes = new Map<string, string>();
  readonly #left = new Map<string, Fields[]>();
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({ noServer: true, handleProtocols: () => "v4.channel.k8s.io" });
  readonly #open = new Set<Socket>();

  private constructor(directory: string) {
    this.authority = makeAuthority(directory, "cluster");
    const identity = signServer(directory, this.authority, "localhost");
    const options = { ...identity, ca: this.authority.pem, requestCert: true, rejectUnauthorized: false };
    this.#server = createServer(options, (request, response) => void this.#serve(request, response));
    this.#server.on("upgrade", (request, socket: Socket, head) => this.#upgrade(request, socket, head));
    this.#server.on("connection", (socket: Socket) => {
      this.#open.add(socket);
      socket.once("close", () => this.#open.delete(socket));
    });
  }

  static async open(directory: string): Promise<ApiDouble> {
    const double = new ApiDouble(directory);
    double.#server.listen(0, "127.0.0.1");
    await once(double.#server, "listening");
    return double;
  }

  get url(): string {
    return `https://localhost:${(this.#server.address() as AddressInfo).port}`;
  }

  /** A kubeconfig that leads here. */
  kubeconfig(user: Fields = { token: "good" }, cluster: Fields = {}): string {
    const data = Buffer.from(this.authority.pem).toString("base64");
    return JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      "current-context": "here",
      clusters: [{ name: "c", cluster: { server: this.url, "certificate-authority-data": data, ...cluster } }],
      users: [{ name: "u", user }],
      contexts: [{ name: "here", context: { cluster: "c", user: "u" } }],
    });
  }

  /** Adds a pod that somebody else has made. */
  add(pod: Fields, podStatus = running): void {
    this.#create(pod);
    const { name } = fieldsOf(pod["metadata"]);
    this.#left.delete(String(name));
    this.pods.get(String(name))!.status = podStatus;
  }

  /** Shows another certificate to connections from now on. */
  useCertificate(identity: { readonly key: string; readonly cert: string }): void {
    this.#server.setSecureContext(identity);
  }

  /** Breaks all connections, as a restart of the server does. */
  breakConnections(): void {
    for (const socket of this.#open) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.breakConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, body } = await this.#answer(request);
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  }

  async #answer(request: IncomingMessage): Promise<Recorded> {
    const url = new URL(request.url ?? "", this.url);
    const sent = await text(request);
    const body = fieldsOf(sent === "" ? null : JSON.parse(sent));
    const resource = url.pathname.replace(/^\/apis?\/(v1\/|[a-z.0-9]+\/v1\/)?(namespaces\/[^/]+\/)?/, "");
    const [kind = "", name = ""] = resource.split("/");
    this.requests.push(`${request.method} ${resource}`);
    if (!this.#isKnown(request)) return status(401, "Unauthorized", "Unauthorized");
    const given =
      this.recorded.get(`${request.method} ${resource}`) ?? this.recorded.get(`${request.method} ${kind}/*`);
    if (given) return given;
    if (kind === "selfsubjectaccessreviews")
      return { status: 201, body: { status: { allowed: this.#isAllowed(body) } } };
    if (kind === "persistentvolumeclaims") return this.#answerClaim(request.method ?? "", name, body, url);
    if (kind !== "pods") return { status: 200, body: { items: [] } };
    if (request.method === "POST") return this.#create(body);
    if (name === "") return { status: 200, body: { items: select(this.pods, url.searchParams) } };
    return this.#answerPod(request.method ?? "", name, body);
  }

  #answerClaim(method: string, name: string, body: Fields, { searchParams }: URL): Recorded {
    if (method === "POST") {
      const made = makeObject(body, String((this.#version += 1)));
      if (this.claims.has(made.metadata.name)) return status(409, "AlreadyExists", "it already exists");
      this.claims.set(made.metadata.name, made);
      return { status: 201, body: made };
    }
    if (name === "") return { status: 200, body: { items: select(this.claims, searchParams) } };
    const claim = this.claims.get(name);
    if (claim === undefined) return status(404, "NotFound", `persistentvolumeclaims "${name}" not found`, { name });
    if (method === "DELETE") this.claims.delete(name);
    if (method === "PATCH") this.#patch(claim, body);
    return { status: 200, body: claim };
  }

  #answerPod(method: string, name: string, body: Fields): Recorded {
    const pod = this.pods.get(name);
    if (pod === undefined) return status(404, "NotFound", `pods "${name}" not found`, { kind: "pods", name });
    if (method === "DELETE") this.pods.delete(name);
    if (method === "PATCH" && !this.#patch(pod, body)) return status(409, "Conflict", "the object has been modified");
    if (method === "GET") pod.status = this.#left.get(name)?.shift() ?? pod.status;
    return { status: 200, body: pod };
  }

  #create(body: Fields): Recorded {
    const pod = makeObject(body, String((this.#version += 1)));
    const { name } = pod.metadata;
    if (this.pods.has(name)) return status(409, "AlreadyExists", "it already exists");
    pod.spec = { ...pod.spec, nodeName: "n1" };
    this.pods.set(name, pod);
    this.#left.set(name, [...this.states]);
    this.#homes.set(name, this.onPod(pod));
    return { status: 201, body: pod };
  }

  /** False when the pod has changed since the version that the patch names. */
  #patch(pod: DoublePod, body: Fields): boolean {
    const { metadata } = pod;
    const given = fieldsOf(body["metadata"]);
    if (![undefined, metadata.resourceVersion].includes(given["resourceVersion"] as string | undefined)) return false;
    for (const kind of ["annotations", "labels"] as const) {
      for (const [key, value] of Object.entries(fieldsOf(given[kind]))) {
        if (value === null) delete metadata[kind][key];
        else metadata[kind][key] = String(value);
      }
    }
    pod.spec = { ...pod.spec, ...fieldsOf(body["spec"]) };
    metadata.resourceVersion = String((this.#version += 1));
    this.onPatch(pod);
    return true;
  }

  #isKnown(request: IncomingMessage): boolean {
    const token = /^Bearer (.*)$/.exec(request.headers.authorization ?? "")?.[1];
    if (token !== undefined) return this.tokens.has(token);
    return (request.socket as Socket & { authorized?: boolean }).authorized === true;
  }

  #isAllowed(review: Fields): boolean {
    const { verb, resource, subresource } = fieldsOf(fieldsOf(review["spec"])["resourceAttributes"]);
    return !this.denied.has(`${String(verb)} ${String(resource)}${subresource ? `/${String(subresource)}` : ""}`);
  }

  #upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    const url = new URL(request.url ?? "", this.url);
    const [, name = "", what = ""] = /\/pods\/([^/]+)\/([a-z]+)$/.exec(url.pathname) ?? [];
    this.requests.push(`GET pods/${name}/${what}`);
    const home = this.#homes.get(name);
    const given = this.recorded.get(`GET pods/*/${what}`) ?? unreachable(this.pods.get(name));
    if (given !== undefined || !this.#isKnown(request) || home === undefined || !this.pods.has(name)) {
      const { status: code, body } =
        given ?? (this.#isKnown(request) ? status(404, "NotFound", `pods "${name}" not found`) : status(401, "", ""));
      const sent = JSON.stringify(body);
      socket.end(`HTTP/1.1 ${code} Refused\r\ncontent-length: ${Buffer.byteLength(sent)}\r\n\r\n${sent}`);
      return;
    }
    this.#sockets.handleUpgrade(request, socket, head, (opened) => {
      if (what === "portforward") forwardPort(opened, Number(url.searchParams.get("ports")));
      else if (this.hasRelay) execRelay(opened, home);
      else refuseExec(opened);
    });
  }
}

function makeObject(body: Fields, resourceVersion: string): DoublePod {
  const metadata = fieldsOf(body["metadata"]);
  const annotations = { ...(fieldsOf(metadata["annotations"]) as Record<string, string>) };
  const labels = { ...(fieldsOf(metadata["labels"]) as Record<string, string>) };
  const creationTimestamp = new Date().toISOString();
  return {
    metadata: { ...metadata, name: String(metadata["name"]), annotations, labels, creationTimestamp, resourceVersion },
    spec: fieldsOf(body["spec"]),
    status: { phase: "Pending" },
  };
}

function select(all: ReadonlyMap<string, DoublePod>, query: URLSearchParams): DoublePod[] {
  const labels = (query.get("labelSelector") ?? "").split(",").filter((each) => each !== "");
  const phases = (query.get("fieldSelector") ?? "").split(",").filter((each) => each !== "");
  return [...all.values()].filter(({ metadata, status: { phase } }) => {
    return (
      labels.map((each) => each.split("=")).every(([key, value]) => metadata.labels[key!] === value) &&
      phases.every((each) => each !== `status.phase!=${String(phase)}`)
    );
  });
}

/** The answer of an API server to a request that fails. */
export function status(code: number, reason: string, message: string, details: Fields = {}): Recorded {
  return {
    status: code,
    body: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, reason, details, code },
  };
}

/** The answer of an API server that cannot reach the container of a pod; undefined when it can. */
function unreachable(pod: DoublePod | undefined): Recorded | undefined {
  const { phase, conditions } = pod?.status ?? {};
  if (phase === "Failed" || phase === "Succeeded") return status(500, "InternalError", 'container not found ("pyro")');
  const isLost = listOf(conditions).some(({ type, status: is }) => type === "Ready" && is === "False");
  return isLost
    ? status(500, "InternalError", "error dialing backend: dial tcp 192.0.2.1:10250: i/o timeout")
    : undefined;
}

function execRelay(socket: WebSocket, home: string): void {
  for (const channel of [0, 1, 2]) socket.send(Buffer.of(channel));
  const relay = spawn(RELAY, { env: { PYRO_HOME: home }, stdio: ["pipe", "pipe", "pipe"] });
  relay.stdin.on("error", () => {});
  const send = (channel: number) => (chunk: Buffer | string) =>
    socket.send(Buffer.concat([Buffer.of(channel), Buffer.from(chunk)]));
  relay.stdout.on("data", send(1));
  relay.stderr.on("data", send(2));
  socket.on("message", (data: Buffer) => relay.stdin.write(data.subarray(1)));
  socket.on("close", () => relay.stdin.end());
  relay.once("close", (code) => {
    const causes = [{ reason: "ExitCode", message: String(code) }];
    const failure = { status: "Failure", reason: "NonZeroExitCode", message: "exited", details: { causes } };
    send(3)(JSON.stringify(code === 0 ? { metadata: {}, status: "Success" } : failure));
    socket.close();
  });
}

/** The answer of a container runtime when the image has no such program. */
function refuseExec(socket: WebSocket): void {
  const message =
    'Internal error occurred: error executing command in container: failed to exec in container: failed to start exec "0a": OCI runtime exec failed: exec failed: unable to start container process: exec: "pyro-relay": executable file not found in $PATH: unknown';
  const body = { metadata: {}, status: "Failure", message, reason: "InternalError", code: 500 };
  socket.send(Buffer.concat([Buffer.of(3), Buffer.from(JSON.stringify(body))]));
  socket.close();
}

/** The first two messages of both channels name the port. */
function forwardPort(socket: WebSocket, port: number): void {
  const named = Buffer.alloc(2);
  named.writeUInt16LE(port);
  for (const channel of [0, 1]) socket.send(Buffer.concat([Buffer.of(channel), named]));
  const target = connect({ host: "127.0.0.1", port });
  target.on("error", (error) => {
    socket.send(Buffer.concat([Buffer.of(1), Buffer.from(error.message)]));
    socket.close();
  });
  target.on("data", (chunk: Buffer) => socket.send(Buffer.concat([Buffer.of(0), chunk])));
  target.on("close", () => socket.close());
  socket.on("message", (data: Buffer) => target.write(data.subarray(1)));
  socket.on("close", () => target.destroy());
}

/** The path of a pod's directory in a directory of a test. */
export function homeOf(directory: string, { metadata }: DoublePod): string {
  return join(directory, metadata.name);
}

/** The value of a variable of a pod's container. */
export function variableOf({ spec }: DoublePod, name: string): string {
  const [container] = listOf(spec["containers"]);
  return String(listOf(container?.["env"]).find((each) => each["name"] === name)?.["value"] ?? "");
}
