import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before } from "node:test";

import { Client } from "../../src/client/client.js";
import { Scratch, until } from "../client/scratch.js";
import { applyBase, IMAGE, kubeconfigOf, listPods, NAMESPACE, untilNoPods, type Fields } from "./cluster.js";

interface Given {
  readonly user?: "admin" | "narrow" | "pyro";
  readonly image?: string;
  readonly namespace?: string;
  readonly kubeconfig?: string;
  readonly pool?: string;
  readonly storage?: string;
  readonly storageClass?: string;
  /** Fields of the pod's spec, and of its container. */
  readonly spec?: Fields;
  readonly container?: Fields;
}

/** Few processors for each pod, so that two small nodes take many; a pod that has nothing to do ends soon. */
const small = {
  resources: { requests: { cpu: "50m" } },
  env: [{ name: "PYRO_DAEMON_IDLE_SECONDS", value: "20" }],
};

/** A client's home with the context `kube`. */
export class Near extends Scratch {
  #client: Client | null = null;

  private constructor() {
    super({ PYRO_CONTEXT: "kube", PYRO_TIMEOUT_SECONDS: "300" });
  }

  /** The client in this process. */
  get client(): Client {
    return (this.#client ??= new Client({ ...process.env, ...this.env }));
  }

  static async open({
    user = "pyro",
    kubeconfig = kubeconfigOf(user),
    image = IMAGE,
    namespace = NAMESPACE,
    pool,
    storage,
    storageClass,
    spec = {},
    container = {},
  }: Given = {}): Promise<Near> {
    await applyBase();
    const near = new Near();
    const pod = join(near.directory, "pod.json");
    writeFileSync(
      pod,
      JSON.stringify({ kind: "Pod", spec: { ...spec, containers: [{ name: "pyro", ...small, ...container }] } }),
    );
    const words = [
      ...["context", "add", "kube", `kubernetes:///${namespace}`, "--image", image, "--pod", pod],
      ...Object.entries({ kubeconfig, pool, storage, "storage-class": storageClass }).flatMap(([flag, value]) =>
        value === undefined ? [] : [`--${flag}`, value],
      ),
    ];
    const { status, stderr } = await near.pyro(words);
    if (status !== 0) throw new Error(stderr);
    return near;
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    const removed = await this.pyro(["context", "remove", "kube"]);
    if (removed.status !== 0) throw new Error(removed.stderr);
    // Nothing of this home runs on this machine.
    this.env["PYRO_CONTEXT"] = "local";
    await super[Symbol.asyncDispose]();
  }
}

/** A client for the tests of a file, which leave no pod. Both functions run while it is open. */
export function useNear(
  begin: (near: Near) => Promise<void> | void,
  end: () => Promise<unknown> | void = () => {},
): void {
  let near: Near;
  before(async () => begin((near = await Near.open())));
  after(async () => {
    await end();
    await near[Symbol.asyncDispose]();
    await untilNoPods();
  });
}

/** Lists tasks until pods that have ended are removed, which a client does once a minute. */
export async function untilSwept(near: Near): Promise<void> {
  const isSwept = async () => {
    await near.client.call("task.list", {});
    return (await listPods()).length === 0;
  };
  await until("pods that have ended are removed", isSwept, 180);
}
