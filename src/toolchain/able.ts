import { PyroError } from "../contract/errors.js";
import { existsSync } from "../host/files.js";
import { findProgram } from "../host/find-program.js";

/** Throws HOST_NOT_ABLE when this host cannot fetch and check Debian's packages. */
export async function assertAbleToFetch(keyring: string): Promise<void> {
  if (process.platform !== "linux" || process.arch !== "x64") {
    throw new PyroError(
      "HOST_NOT_ABLE",
      `A toolchain is for x86-64 Linux; this is ${process.platform} ${process.arch}.`,
      { details: { platform: process.platform, architecture: process.arch } },
    );
  }
  const found = await Promise.all(["apt-get", "dpkg-deb", "tar"].map((name) => findProgram(name)));
  const missing = ["apt-get", "dpkg-deb", "tar"].filter((_, index) => found[index] === null);
  if (missing.length > 0) {
    throw new PyroError("HOST_NOT_ABLE", `Fetching a toolchain needs ${missing.join(", ")}, which this host lacks.`, {
      hint: "Install QEMU 9 or later, bubblewrap and e2fsprogs with the host's own package manager instead.",
      details: { missing },
    });
  }
  if (existsSync(keyring)) return;
  throw new PyroError("HOST_NOT_ABLE", `Fetching a toolchain needs ${keyring}, the keys for its packages.`, {
    hint: "sudo apt-get install debian-archive-keyring",
    details: { missing: [keyring], packages: ["debian-archive-keyring"] },
  });
}
