import { lookup } from "node:dns/promises";

import { PyroError } from "../../contract/errors.js";
import { quoteCommand } from "../../contract/quote.js";
import { openGateway } from "./gateway.js";
import { openGatewayHome, readKey, readRunningPort, recordRunning, replaceKey } from "./home.js";
import { openPyro } from "./pyro.js";
import { Sandboxes } from "./sandboxes.js";
import { Authority } from "./tls/authority.js";
import { writeTrust } from "./tls/trust.js";

/** Serves programs of E2B until a signal. Returns the exit status. */
export async function serve({ port }: { readonly port: number }): Promise<number> {
  const home = await openGatewayHome(process.env);
  const running = await readRunningPort(home);
  if (running !== null) {
    throw new PyroError("FAILED_PRECONDITION", `A gateway of this home runs already, on port ${running}.`);
  }
  const log = (message: string) => void process.stderr.write(`pyro e2b: ${message}\n`);
  await readKey(home);
  const sandboxes = await Sandboxes.open({ home, pyro: openPyro(process.env), log });
  const authority = await Authority.open(home.authority);
  const gateway = await openGateway({ sandboxes, readKey: () => readKey(home), port, authority, log }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code !== "EADDRINUSE" && error.code !== "EACCES") throw error;
      throw new PyroError("FAILED_PRECONDITION", `Port ${port} of 127.0.0.1 is not available.`, {
        hint: "Choose another one with --port.",
      });
    },
  );
  const forget = await recordRunning(home, gateway.port);
  if (!(await resolvesLocalNames())) {
    log(
      "This host does not resolve names below localhost, which getHost() returns. Install libnss-myhostname, or see docs/e2b.md.",
    );
  }
  process.stderr.write(`pyro e2b: serving on http://127.0.0.1:${gateway.port}\n`);
  await untilSignal();
  gateway.close();
  await sandboxes.close();
  forget();
  return 0;
}

/** Lines for a shell that point E2B's programs to the gateway that runs. Throws FAILED_PRECONDITION when none does. */
export async function renderEnv(): Promise<string> {
  const home = await openGatewayHome(process.env);
  const port = await readRunningPort(home);
  if (port === null) {
    throw new PyroError("FAILED_PRECONDITION", "No gateway runs in this home.", { hint: "Start it: pyro e2b serve" });
  }
  const address = `http://127.0.0.1:${port}`;
  const trust = await writeTrust(home, process.env);
  const lines = { E2B_API_URL: address, E2B_SANDBOX_URL: address, E2B_API_KEY: await readKey(home), ...trust };
  return Object.entries(lines)
    .map(([name, value]) => `export ${name}=${quoteCommand([value])}\n`)
    .join("");
}

/** The key of this home. */
export async function renderKey(isNew: boolean): Promise<string> {
  const home = await openGatewayHome(process.env);
  return `${isNew ? await replaceKey(home) : await readKey(home)}\n`;
}

/** True when programs of this host find the loopback under names such as `3000-ID.localhost`. */
async function resolvesLocalNames(): Promise<boolean> {
  return lookup("3000-i0.localhost").then(
    ({ address }) => address === "::1" || address.startsWith("127."),
    () => false,
  );
}

function untilSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => resolve());
  });
}
