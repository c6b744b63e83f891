import { PyroError } from "../../contract/errors.js";
import { CONTAINER, fieldsOf, listOf, type Fields } from "./pod-spec.js";

/** A pod as the API server describes it: only the fields that are read here. */
export interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly resourceVersion?: string;
    readonly creationTimestamp: string;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: Fields & { readonly nodeName?: string };
  readonly status?: Fields;
}

export type PodState =
  | { readonly is: "ready" }
  | { readonly is: "waiting"; readonly why: string }
  /** It will not run, unless somebody changes something. */
  | { readonly is: "stuck"; readonly why: string; readonly reason: string }
  | { readonly is: "ended"; readonly why: string };

/** Why a container does not start, and will not. */
const STUCK: ReadonlySet<string> = new Set([
  "ImagePullBackOff",
  "ErrImageNeverPull",
  "InvalidImageName",
  "CreateContainerConfigError",
  "CreateContainerError",
  "RunContainerError",
]);

/** The state of a pod for the callers of its task. Pure. */
export function stateOf(pod: Pod): PodState {
  const status = fieldsOf(pod.status);
  const phase = String(status["phase"] ?? "Pending");
  if (pod.metadata.deletionTimestamp !== undefined) return { is: "ended", why: explainRemoval(pod) };
  if (phase === "Failed" || phase === "Succeeded") return { is: "ended", why: explainEnd(status) };
  const state = fieldsOf(ownContainer(status)["state"]);
  if ("running" in state) return isLost(status) ? { is: "ended", why: explainRemoval(pod) } : { is: "ready" };
  const waiting = fieldsOf(state["waiting"]);
  const reason = String(waiting["reason"] ?? "");
  if (STUCK.has(reason)) {
    return { is: "stuck", reason, why: `${reason}: ${String(waiting["message"] ?? "").trim()}`.replace(/: $/, "") };
  }
  const unscheduled = conditionOf(status, "PodScheduled");
  if (unscheduled?.["status"] === "False") return { is: "waiting", why: String(unscheduled["message"] ?? "no node") };
  if (pod.spec?.nodeName === undefined) return { is: "waiting", why: "no node has been chosen yet" };
  return {
    is: "waiting",
    why: reason === "" ? `node ${pod.spec.nodeName} prepares it` : `${reason} on ${pod.spec.nodeName}`,
  };
}

/** The error for a pod that did not become ready. */
export function explainPod(pod: Pod, state: PodState, image: string): PyroError {
  const details = { pod: pod.metadata.name, ...(pod.spec?.nodeName !== undefined && { node: pod.spec.nodeName }) };
  if (state.is === "stuck" && /image/i.test(state.reason)) {
    return new PyroError("FAILED_PRECONDITION", `The image ${image} cannot be pulled: ${state.why}.`, {
      hint: "Check its name and tag, and imagePullSecrets in the context's pod template if the registry needs a login.",
      details: { ...details, reason: "image", image },
    });
  }
  if (state.is === "stuck") {
    return new PyroError("FAILED_PRECONDITION", `The pod's container cannot start: ${state.why}.`, {
      hint: "Check the image, and the context's pod template.",
      details: { ...details, reason: state.reason },
    });
  }
  if (state.is === "ended") {
    return new PyroError("VM_START_FAILED", `The pod ended before it was ready: ${state.why}.`, {
      hint: "Check the image, and the context's pod template.",
      details,
    });
  }
  const why = state.is === "waiting" ? state.why : "it did not answer";
  return new PyroError("RESOURCE_EXHAUSTED", `The pod did not start in time: ${why}.`, {
    hint: "Free some of what is missing, ask for less, or add nodes; then try again.",
    details: { ...details, reason: "unschedulable" },
  });
}

function explainEnd(status: Fields): string {
  const reason = String(status["reason"] ?? "");
  const message = String(status["message"] ?? "")
    .trim()
    .replace(/\.$/, "");
  if (reason === "DeadlineExceeded") return "its time was over (activeDeadlineSeconds)";
  if (reason !== "") return message === "" ? reason : `${reason}: ${message}`;
  const ended = fieldsOf(fieldsOf(ownContainer(status)["state"])["terminated"]);
  const why = String(ended["reason"] ?? "");
  if (why === "OOMKilled") return "it used more memory than its limit (OOMKilled)";
  if (status["phase"] === "Succeeded") return "its task has expired, or was deleted";
  return `its container ended${why === "" ? "" : ` (${why})`} with status ${String(ended["exitCode"] ?? "unknown")}`;
}

function explainRemoval(pod: Pod): string {
  const status = fieldsOf(pod.status);
  const node = pod.spec?.nodeName ?? "its node";
  if (isLost(status) || status["reason"] === "NodeLost") return `its node ${node} was lost`;
  return `its pod on ${node} is being removed`;
}

/** A node that does not report any more: its pods are no longer ready, although their containers are described as running. */
function isLost(status: Fields): boolean {
  const ready = conditionOf(status, "Ready");
  return ready?.["status"] === "False" && ownContainer(status)["ready"] === true;
}

function ownContainer(status: Fields): Fields {
  return listOf(status["containerStatuses"]).find(({ name }) => name === CONTAINER) ?? {};
}

/** Whether a pod's programs may still run, although the cluster has given it up or removes it. */
export function isLeaving({ metadata, status }: Pod): boolean {
  const { phase } = fieldsOf(status);
  return (
    phase !== "Failed" &&
    phase !== "Succeeded" &&
    (metadata.deletionTimestamp !== undefined || isLost(fieldsOf(status)))
  );
}

/** Whether all containers of a pod are ready, as it says itself. */
export function isReady({ status }: Pod): boolean {
  return conditionOf(fieldsOf(status), "Ready")?.["status"] === "True";
}

function conditionOf(status: Fields, type: string): Fields | undefined {
  return listOf(status["conditions"]).find((each) => each["type"] === type);
}
