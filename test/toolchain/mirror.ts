import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import type { PackageSource } from "../../src/environments/debian/package-source.js";

const PACKAGES = ["qemu-utils", "bubblewrap", "e2fsprogs", "util-linux", "xz-utils", "nftables", "mmdebstrap"];
const NAME = "Pyro Test <test@example.invalid>";

/** Handles a request in place of the mirror, to make a fault. Returns false to let the mirror answer. */
export type Fault = (path: string, response: ServerResponse, body: Buffer) => boolean;

export const isPackage = (path: string) => path.endsWith(".deb");

/** Faults of a mirror, each with the reason that an error gives for it. `isCut` chooses the packages whose download is cut. */
export function mirrorFaults(isCut = isPackage): readonly (readonly [what: string, fault: Fault, reason: string])[] {
  const cut: Fault = (path, response, body) => {
    if (!isCut(path)) return false;
    response.writeHead(200, { "Content-Length": body.length });
    response.write(body.subarray(0, body.length / 2), () => response.destroy());
    return true;
  };
  const changed: Fault = (path, response, body) => {
    if (!isPackage(path)) return false;
    const other = Buffer.from(body);
    other[other.length - 1]! ^= 1;
    response.writeHead(200, { "Content-Length": other.length }).end(other);
    return true;
  };
  const missing: Fault = (_path, response) => {
    response.writeHead(404).end();
    return true;
  };
  return [
    ["a download that is cut", cut, "mirror_unreachable"],
    ["a package with another digest than the list says", changed, "mirror_unreachable"],
    ["a mirror without the release", missing, "package_missing"],
  ];
}

export interface OfferedPackage {
  readonly name: string;
  readonly version: string;
  readonly depends?: string;
  readonly files: Readonly<Record<string, string | Buffer>>;
}

/** A signed Debian archive of small packages, on a port of this machine. */
export class Mirror implements AsyncDisposable {
  /** Requested paths. */
  readonly requests: string[] = [];
  fault: Fault = () => false;
  readonly #directory = mkdtempSync(join(tmpdir(), "pm-"));
  readonly #server: Server;
  readonly #files = new Map<string, Buffer>();

  private constructor() {
    this.#server = createServer((request, response) => {
      const path = decodeURIComponent(request.url ?? "");
      this.requests.push(path);
      const body = this.#files.get(path);
      if (body !== undefined && this.fault(path, response, body)) return;
      response.writeHead(body === undefined ? 404 : 200, { "Content-Length": body?.length ?? 0 });
      response.end(body);
    });
  }

  /** A mirror whose QEMU reports this version. */
  static async open(version = "10.0.0"): Promise<Mirror> {
    const mirror = new Mirror();
    mkdirSync(mirror.#gnupgHome, { mode: 0o700 });
    mirror.#gpg("--quick-generate-key", "--passphrase", "", NAME, "ed25519", "sign", "never");
    writeFileSync(mirror.keyring, mirror.#gpg("--export", NAME));
    mirror.publish(version);
    await new Promise<void>((resolve) => mirror.#server.listen(0, "127.0.0.1", resolve));
    return mirror;
  }

  /** The key that signs it, for apt. */
  get keyring(): string {
    return join(this.#directory, "keyring.gpg");
  }

  source(keyring = this.keyring, suite = "trixie"): PackageSource {
    const { port } = this.#server.address() as AddressInfo;
    return { keyring, lines: [`deb [signed-by=${keyring}] http://127.0.0.1:${port} ${suite} main`] };
  }

  /** Replaces the offered packages by those of a toolchain. `qemu` is the program that runs as QEMU. */
  publish(version: string, qemu = `#!/bin/sh\necho "QEMU emulator version ${version} (test)"\n`): void {
    this.offer("trixie", [
      { name: "qemu-system-x86", version, files: { "usr/bin/qemu-system-x86_64": qemu } },
      ...PACKAGES.map((name) => ({
        ...{ name, version: "1" },
        files: { [`usr/share/${name}`]: name, "usr/share/doc/left-out": "" },
      })),
    ]);
  }

  /** Replaces the offered packages of a release. */
  offer(suite: string, offered: readonly OfferedPackage[]): void {
    const packages = offered.map((one) => this.#build(one)).join("\n");
    const digest = createHash("sha256").update(packages).digest("hex");
    const release = [
      `Suite: ${suite}`,
      `Codename: ${suite}`,
      `Date: ${new Date().toUTCString()}`,
      "Architectures: amd64",
      "Components: main",
      `SHA256:\n ${digest} ${Buffer.byteLength(packages)} main/binary-amd64/Packages`,
    ];
    this.#files.set(`/dists/${suite}/main/binary-amd64/Packages`, Buffer.from(packages));
    this.#files.set(`/dists/${suite}/InRelease`, this.#gpg("--clearsign", `${release.join("\n")}\n`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    execFileSync("gpgconf", ["--homedir", this.#gnupgHome, "--kill", "all"]);
    rmSync(this.#directory, { recursive: true });
  }

  get #gnupgHome(): string {
    return join(this.#directory, "gnupg");
  }

  /** With `--clearsign` the last word is the text to sign. */
  #gpg(...words: string[]): Buffer {
    const input = words[0] === "--clearsign" ? words.pop() : undefined;
    const args = ["--homedir", this.#gnupgHome, "--batch", "--quiet", "--pinentry-mode", "loopback", ...words];
    return execFileSync("gpg", args, { input, stdio: ["pipe", "pipe", "pipe"] });
  }

  /** Builds a package and offers it; gives its paragraph of the list. */
  #build({ name, version, depends, files }: OfferedPackage): string {
    const tree = join(this.#directory, name);
    const archive = `${tree}.deb`;
    const control = [
      `Package: ${name}`,
      `Version: ${version}`,
      "Architecture: amd64",
      ...(depends === undefined ? [] : [`Depends: ${depends}`]),
      "Maintainer: x",
      "Description: x",
    ];
    const all: Record<string, string | Buffer> = { ...files, "DEBIAN/control": `${control.join("\n")}\n` };
    for (const [path, content] of Object.entries(all)) {
      mkdirSync(dirname(join(tree, path)), { recursive: true });
      writeFileSync(join(tree, path), content);
      if (path.includes("/bin/")) chmodSync(join(tree, path), 0o755);
    }
    execFileSync("dpkg-deb", ["--root-owner-group", "--build", tree, archive], { stdio: "pipe" });
    rmSync(tree, { recursive: true });
    const content = readFileSync(archive);
    const path = `pool/${name}_${version}_amd64.deb`;
    this.#files.set(`/${path}`, content);
    const sha256 = createHash("sha256").update(content).digest("hex");
    return `${[...control, `Filename: ${path}`, `Size: ${content.length}`, `SHA256: ${sha256}`].join("\n")}\n`;
  }
}
