import { PyroError } from "../../contract/errors.js";

/** A way into a cluster, as a kubeconfig or a pod's service account gives it. */
export interface ClusterAccess {
  /** The name of the kubeconfig's context; null in a cluster. */
  readonly context: string | null;
  readonly cluster: ClusterFacts;
  readonly user: UserFacts;
}

export interface ClusterFacts {
  readonly server: URL;
  /** Certificate authorities in PEM; null for those of Node.js. */
  readonly ca: string | null;
  readonly servername: string | null;
  readonly isVerified: boolean;
  readonly proxy: string | null;
}

export interface UserFacts {
  readonly name: string;
  readonly cert: string | null;
  readonly key: string | null;
  readonly token: string | null;
  /** A file with a token that may change; it is read again for each call. */
  readonly tokenFile: string | null;
  readonly plugin: CredentialPlugin | null;
  /** Headers of impersonation. */
  readonly headers: Readonly<Record<string, string | string[]>>;
}

/** A program that prints credentials. */
export interface CredentialPlugin {
  readonly apiVersion: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly installHint: string;
  readonly needsCluster: boolean;
  readonly needsTerminal: boolean;
}

export const emptyUser: UserFacts = {
  name: "",
  cert: null,
  key: null,
  token: null,
  tokenFile: null,
  plugin: null,
  headers: {},
};

/** The URL of a server. Throws INVALID_ARGUMENT. */
export function parseServer(text: string, where: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url !== null && /^https?:$/.test(url.protocol)) return url;
  throw new PyroError("INVALID_ARGUMENT", `${where} has no usable server: ${JSON.stringify(text)}.`, {
    hint: "It must be a URL such as https://cluster.example:6443.",
    details: { server: text },
  });
}
