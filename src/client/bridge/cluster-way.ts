import { readContract } from "../../contract/rendered.js";
import { readTextSync } from "../../host/files.js";
import type { KubernetesContext } from "../contexts/context.js";
import { openCluster, type Cluster } from "../kubernetes/cluster.js";
import { listKubeconfigs } from "../kubernetes/kubeconfig.js";
import { Pods } from "../kubernetes/pods.js";
import { Bridge } from "./bridge.js";
import { Daemons } from "./daemons.js";
import { BridgePorts } from "./ports.js";

/** The way of a bridge to its cluster, which is made again when a kubeconfig has changed. */
export class ClusterWay {
  readonly #context: KubernetesContext;
  readonly #env: NodeJS.ProcessEnv;
  readonly #ports = new BridgePorts();
  #open: { readonly seen: string; readonly bridge: Bridge; readonly cluster: Cluster } | null = null;

  constructor(context: KubernetesContext, env: NodeJS.ProcessEnv) {
    this.#context = context;
    this.#env = env;
  }

  /** True while a port of this machine leads to a pod. */
  get isUsed(): boolean {
    return this.#ports.count > 0;
  }

  /** Throws when the kubeconfig cannot be used. */
  async open(): Promise<Bridge> {
    const seen = this.#look();
    if (this.#open?.seen === seen) return this.#open.bridge;
    const { kubeconfig, kubeContext } = this.#context;
    const cluster = await openCluster(this.#env, { kubeconfig, context: kubeContext });
    const pods = new Pods(cluster, this.#context, readContract().version);
    // Calls that are under way keep the connections to the earlier cluster.
    this.#ports.use(pods);
    this.#open = { seen, cluster, bridge: new Bridge(pods, new Daemons(pods, this.#context.image), this.#ports) };
    return this.#open.bridge;
  }

  #look(): string {
    const paths = listKubeconfigs(this.#env, this.#context.kubeconfig);
    return JSON.stringify(paths.map((path) => readTextSync(path)));
  }

  /** Reads everything again for the next call: a certificate may have been renewed. */
  forget(): void {
    this.#open = null;
  }
}
