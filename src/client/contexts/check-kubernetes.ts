import { PyroError } from "../../contract/errors.js";
import { readContract } from "../../contract/rendered.js";
import { Client } from "../client.js";
import { checkKvm, checkNamespace, checkNetwork, checkQuota, checkRights, type Check } from "../kubernetes/check.js";
import { openCluster } from "../kubernetes/cluster.js";
import type { KubernetesContext } from "./context.js";
import type { ContextReport } from "./report.js";

/**
 * Looks at everything that a context of Kubernetes needs, and starts a pod. Throws when the cluster cannot be reached, or does not let
 * the caller in.
 */
export async function checkKubernetes(env: NodeJS.ProcessEnv, context: KubernetesContext): Promise<ContextReport> {
  const { kubeconfig, kubeContext, name, url } = context;
  const began = performance.now();
  using cluster = await openCluster(env, { kubeconfig, context: kubeContext });
  const rights = await checkRights(cluster, context);
  const connected = performance.now();
  const namespace = await checkNamespace(cluster, context);
  const called = performance.now();
  const more = await Promise.all([checkQuota, checkNetwork, checkKvm].map((each) => each(cluster, context)));
  const seen = [rights, namespace, ...more];
  const isBlocked = [rights, namespace].some(({ ok }) => ok === false);
  const checks = isBlocked ? seen : [...seen, await checkPod(env, context)];
  return {
    context: name,
    url,
    version: readContract().version,
    home: context.namespace,
    connect_ms: Math.round(connected - began),
    call_ms: Math.round(called - connected),
    ok: checks.every(({ ok }) => ok !== false),
    checks,
  };
}

/** Starts a pod, and asks its daemon whether VMs can run there. */
async function checkPod(env: NodeJS.ProcessEnv, { image, name }: KubernetesContext): Promise<Check> {
  const began = performance.now();
  try {
    const { ok, accelerator, problems } = await new Client(env).call("doctor", {});
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    if (ok) {
      const how = accelerator.in_use === "kvm" ? "with KVM" : "emulated";
      return { name: "pod", ok, message: `A pod of ${image} answered in ${seconds} s; VMs run ${how}.`, hint: null };
    }
    const why = problems[0]?.message ?? "its daemon does not say why";
    return {
      name: "pod",
      ok,
      message: `A pod of ${image} cannot run VMs: ${why}`,
      hint: `See: pyro doctor --context ${name}`,
    };
  } catch (error) {
    const { message, hint } = PyroError.from(error);
    return { name: "pod", ok: false, message, hint };
  }
}
