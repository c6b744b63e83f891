import { join } from "node:path";

import { existsSync, readFile } from "../../host/files.js";
import { emptyUser, parseServer, type ClusterAccess } from "./access.js";

const ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

/** The access of the pod that this process runs in; null elsewhere. */
export async function readInCluster(env: NodeJS.ProcessEnv, account = ACCOUNT): Promise<ClusterAccess | null> {
  const { KUBERNETES_SERVICE_HOST: host = "", KUBERNETES_SERVICE_PORT: port = "443" } = env;
  const tokenFile = join(account, "token");
  if (host === "" || !existsSync(tokenFile)) return null;
  const server = `https://${host.includes(":") ? `[${host}]` : host}:${port}`;
  return {
    context: null,
    cluster: {
      server: parseServer(server, "The pod's environment"),
      ca: await readFile(join(account, "ca.crt"), "utf8").catch(() => null),
      servername: null,
      isVerified: true,
      proxy: null,
    },
    user: { ...emptyUser, name: "the service account of this pod", tokenFile },
  };
}
