import { PyroError } from "../../contract/errors.js";

/** One request to the API server, for messages too. */
export interface KubeRequest {
  readonly verb: "create" | "delete" | "get" | "list" | "patch";
  /** Plural, such as `pods`. */
  readonly resource: string;
  /** The API group with its version; the core group unless given. */
  readonly group?: string;
  /** Null for a resource without one. */
  readonly namespace: string | null;
  readonly name?: string;
  readonly subresource?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/** Who asks whom. */
export interface KubeParties {
  /** The server's host and port. */
  readonly server: string;
  /** The kubeconfig's context, or null. */
  readonly context: string | null;
  readonly user: string;
  /** The day on which the user's certificate has expired, or null. */
  readonly expired: string | null;
}

interface Status {
  readonly reason?: string;
  readonly message?: string;
  readonly details?: {
    readonly kind?: string;
    readonly name?: string;
    readonly causes?: readonly { readonly field?: string; readonly message?: string }[];
  };
}

const TRUST =
  /^(UNABLE_TO|DEPTH_ZERO|SELF_SIGNED|CERT_|ERR_TLS_CERT|HOSTNAME_MISMATCH|UNABLE_TO_VERIFY|ERR_SSL_TLSV1_ALERT_UNKNOWN_CA)/;
const OUR_CERTIFICATE = /^ERR_SSL_.*(CERTIFICATE_EXPIRED|BAD_CERTIFICATE|CERTIFICATE_REQUIRED|CERTIFICATE_UNKNOWN)/;

/** The error of a request that got no answer. */
export function explainSilence(error: unknown, parties: KubeParties): PyroError {
  if (error instanceof PyroError) return error;
  const { code = "", message } = error as NodeJS.ErrnoException;
  const { server } = parties;
  const details = { server, connected: false };
  if (OUR_CERTIFICATE.test(code)) return denyLogin(parties);
  if (TRUST.test(code)) {
    return new PyroError("REMOTE_DENIED", `The certificate of the API server ${server} is not accepted: ${message}.`, {
      hint:
        code === "CERT_HAS_EXPIRED"
          ? "The cluster's administrator has to renew it."
          : "Check the kubeconfig: certificate-authority must be this cluster's, and the server's name in its certificate.",
      details: { ...details, tls: code },
    });
  }
  return new PyroError("DAEMON_UNREACHABLE", `The API server ${server} cannot be reached: ${message}.`, {
    hint: `Check the network and the kubeconfig: ${kubectl(parties)} version`,
    details,
    cause: error,
  });
}

/** The error of an answer with another status than success. */
export function explainAnswer(status: number, text: string, request: KubeRequest, parties: KubeParties): PyroError {
  const answer = parseStatus(text);
  const message = (answer.message ?? text.slice(0, 300).trim()).replace(/\.$/, "");
  const facts = {
    verb: request.verb,
    resource: nameResource(request),
    ...(request.namespace !== null && { namespace: request.namespace }),
    http_status: status,
  };
  if (status === 401) return denyLogin(parties);
  if (status === 403) return explainRefusal(message, facts, parties);
  if (status === 404 && answer.details?.kind === "namespaces") {
    return new PyroError("NOT_FOUND", `The namespace ${request.namespace} does not exist.`, {
      hint: `Create it, or choose another one: ${kubectl(parties)} create namespace ${request.namespace}`,
      details: facts,
    });
  }
  if (status === 404) return new PyroError("NOT_FOUND", `Kubernetes: ${message}.`, { details: facts });
  if (status === 409) return new PyroError("ALREADY_EXISTS", `Kubernetes: ${message}.`, { details: facts });
  if (status === 422 || status === 400) {
    const fields = (answer.details?.causes ?? []).map(({ field }) => field).filter((field) => field !== undefined);
    return new PyroError(
      "INVALID_ARGUMENT",
      `Kubernetes refuses the ${request.resource.replace(/s$/, "")}: ${message}.`,
      {
        hint: "Check the names and sizes, and the context's pod template.",
        details: { ...facts, fields },
      },
    );
  }
  if (status === 429) {
    return new PyroError("RESOURCE_EXHAUSTED", `The API server ${parties.server} has too many requests.`, {
      hint: "Try again in a while.",
      details: facts,
    });
  }
  return new PyroError(
    "DAEMON_UNREACHABLE",
    `The API server ${parties.server} failed with status ${status}: ${message}.`,
    {
      hint: "Try again; the cluster's administrator can look at its log.",
      details: facts,
    },
  );
}

/** Several refusals have the status 403; only the text of Kubernetes tells a missing right, a quota and a policy apart. */
function explainRefusal(message: string, facts: Record<string, unknown>, parties: KubeParties): PyroError {
  if (message.includes("exceeded quota") || message.includes("must specify")) {
    return new PyroError("RESOURCE_EXHAUSTED", `The namespace's quota does not allow it: ${message}.`, {
      hint: `Delete tasks, ask for less, or get a higher quota: ${kubectl(parties)} -n ${String(facts["namespace"])} describe quota`,
      details: { ...facts, reason: "quota" },
    });
  }
  if (/ cannot [a-z]+ resource /.test(message) || !message.includes("forbidden:")) {
    const where = facts["namespace"] === undefined ? "" : ` in the namespace ${String(facts["namespace"])}`;
    return new PyroError(
      "REMOTE_DENIED",
      `The API server does not let ${parties.user || "this user"} ${String(facts["verb"])} ${String(facts["resource"])}${where}.`,
      {
        hint: "Ask the cluster's administrator for the Role in docs/kubernetes.md; `pyro context check` shows every missing right.",
        details: { ...facts, message },
      },
    );
  }
  return new PyroError("FAILED_PRECONDITION", `A rule of the cluster refuses the pod: ${message}.`, {
    hint: "Change the context's pod template, or the rule (pod security, limit range or admission webhook).",
    details: { ...facts, reason: "policy" },
  });
}

function denyLogin(parties: KubeParties): PyroError {
  const { user, server, expired } = parties;
  if (expired !== null) {
    return new PyroError("REMOTE_DENIED", `The certificate of ${user || "the user"} has expired on ${expired}.`, {
      hint: "Get a new kubeconfig from the cluster's administrator.",
      details: { server, expired },
    });
  }
  return new PyroError(
    "REMOTE_DENIED",
    `The API server ${server} does not accept the login of ${user || "the user"}.`,
    {
      hint: `Log in again with your provider's program; this must work: ${kubectl(parties)} version`,
      details: { server },
    },
  );
}

/** How `kubectl` is called with the same kubeconfig. */
function kubectl({ context }: KubeParties): string {
  return context === null ? "kubectl" : `kubectl --context ${context}`;
}

function nameResource({ resource, subresource }: KubeRequest): string {
  return subresource === undefined ? resource : `${resource}/${subresource}`;
}

function parseStatus(text: string): Status {
  try {
    const value = JSON.parse(text) as Status | null;
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}
