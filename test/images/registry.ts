import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";

export interface Registry {
  /** `localhost:PORT`. */
  readonly host: string;
  readonly end: () => void;
}

interface RegistryOptions {
  /** Its user `me` has the password `secret`. */
  readonly withPassword?: boolean;
  readonly withTls?: boolean;
}

const START_DEADLINE_MS = 20_000;

/** Starts Debian's docker-registry on loopback with an empty store. */
export async function startRegistry(directory: string, options: RegistryOptions): Promise<Registry> {
  mkdirSync(directory, { recursive: true });
  const port = await freePort();
  const lines = [
    ...["version: 0.1", "log:", "  level: error", "storage:", "  filesystem:"],
    ...[`    rootdirectory: ${join(directory, "store")}`, "http:", `  addr: localhost:${port}`],
  ];
  if (options.withTls) {
    const { key, certificate } = makeCertificate(directory);
    lines.push("  tls:", `    certificate: ${certificate}`, `    key: ${key}`);
  }
  if (options.withPassword) {
    const hash = execFileSync("perl", ["-e", "print crypt('secret', '$2b$05$abcdefghijklmnopqrstuu')"], {
      encoding: "utf8",
    });
    writeFileSync(join(directory, "htpasswd"), `me:${hash}\n`);
    lines.push("auth:", "  htpasswd:", "    realm: test", `    path: ${join(directory, "htpasswd")}`);
  }
  const config = join(directory, "config.yml");
  writeFileSync(config, `${lines.join("\n")}\n`);
  const child = spawn("docker-registry", ["serve", config], { stdio: "ignore" });
  const registry = { host: `localhost:${port}`, end: () => void child.kill() };
  for (const end = Date.now() + START_DEADLINE_MS; !(await accepts(port)); await setTimeout(50))
    if (Date.now() > end || child.exitCode !== null) throw new Error("docker-registry did not start");
  return registry;
}

/** An authority of the test, and a certificate of it for localhost. */
function makeCertificate(directory: string): { key: string; certificate: string } {
  const path = (name: string) => join(directory, name);
  const openssl = (...args: string[]) => execFileSync("openssl", args, { stdio: "pipe" });
  const algorithm = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl(
    "req",
    "-x509",
    ...algorithm,
    "-days",
    "2",
    "-subj",
    "/CN=Test",
    "-keyout",
    path("ca.key"),
    "-out",
    path("ca.crt"),
  );
  openssl("req", ...algorithm, "-subj", "/CN=localhost", "-keyout", path("key.pem"), "-out", path("request.pem"));
  writeFileSync(path("names"), "subjectAltName=DNS:localhost\n");
  const signed = ["-CA", path("ca.crt"), "-CAkey", path("ca.key"), "-CAcreateserial", "-days", "2"];
  openssl("x509", "-req", "-in", path("request.pem"), ...signed, "-extfile", path("names"), "-out", path("cert.pem"));
  return { key: path("key.pem"), certificate: path("cert.pem") };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "localhost", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "localhost");
    socket.on("connect", () => (socket.destroy(), resolve(true)));
    socket.on("error", () => resolve(false));
  });
}
