import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { bridgePlaceOf } from "../../src/client/bridge/place.js";
import { serveBridge } from "../../src/client/bridge/serve.js";
import { Client } from "../../src/client/client.js";
import type { ContextRecord } from "../../src/client/contexts/context.js";
import { addContext } from "../../src/client/contexts/manage.js";
import { chooseContext } from "../../src/client/contexts/contexts.js";
import type { PyroError } from "../../src/contract/errors.js";
import { openHome } from "../../src/host/home.js";
import { ApiDouble, homeOf, type DoublePod } from "./api-double.js";
import { FakeDaemon, type Work } from "./fake-daemon.js";

/** A client, its bridge and a cluster whose daemons do what the test says, all in this process. */
export class Near implements AsyncDisposable {
  readonly directory: string;
  readonly env: NodeJS.ProcessEnv;
  readonly daemons = new Map<string, FakeDaemon>();
  readonly cluster: ApiDouble;
  readonly client: Client;
  /** The error with which all daemons refuse every call. */
  refusal: PyroError | null = null;
  readonly #server: Server;

  private constructor(directory: string, cluster: ApiDouble, env: NodeJS.ProcessEnv, server: Server) {
    this.directory = directory;
    this.env = env;
    this.cluster = cluster;
    this.#server = server;
    this.client = new Client(env);
  }

  static async open(
    work: (pod: DoublePod) => Work,
    more: Pick<ContextRecord, "pool" | "storage" | "storageClass"> = {},
  ): Promise<Near> {
    const directory = mkdtempSync(join(tmpdir(), "pt-k-"));
    const cluster = await ApiDouble.open(directory);
    const kubeconfig = join(directory, "kubeconfig");
    writeFileSync(kubeconfig, cluster.kubeconfig());
    const env = { PYRO_HOME: join(directory, "h"), XDG_RUNTIME_DIR: directory, PYRO_CONTEXT: "k" };
    await addContext(env, "k", { url: "kubernetes:///pyro", image: "registry.example/pyro:1", kubeconfig, ...more });
    const home = openHome(env);
    const context = chooseContext(home.path, env);
    if (context?.kind !== "kubernetes") throw new Error("the context is lost");
    const server = await serveBridge(bridgePlaceOf(context, home, env), () => {});
    const near = new Near(directory, cluster, env, server);
    cluster.onPod = (pod) => {
      const podHome = homeOf(directory, pod);
      void FakeDaemon.open(podHome, work(pod), () => near.refusal).then((daemon) =>
        near.daemons.set(pod.metadata.name, daemon),
      );
      return podHome;
    };
    return near;
  }

  /** Ends the daemon of a pod. */
  async endDaemon(pod: string): Promise<void> {
    await this.daemons.get(pod)?.[Symbol.asyncDispose]();
    this.daemons.delete(pod);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const daemon of this.daemons.values()) await daemon[Symbol.asyncDispose]();
    await this.cluster[Symbol.asyncDispose]();
    rmSync(this.directory, { recursive: true });
  }
}
