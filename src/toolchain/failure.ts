import { PyroError } from "../contract/errors.js";
import { classifyBuildFailure, meaningfulLines, type BuildFailure } from "../environments/debian/failure.js";
import { freeBytes } from "../host/disk.js";

/** The release whose packages a toolchain is made of. It brings its own C library, so the host's release does not matter. */
export const SUITE = "trixie";

const messages: Readonly<Partial<Record<BuildFailure, string>>> = {
  mirror_unreachable: "The package mirror cannot be reached, or a download was cut.",
  signature: "The package archive's signature cannot be verified.",
  package_missing: `The package archive lacks ${SUITE}, or a package of the toolchain.`,
};

const hints: Readonly<Partial<Record<BuildFailure, string>>> = {
  mirror_unreachable: "Check the network and PYRO_DEBIAN_MIRROR, then try again. The toolchain in use stays.",
  signature:
    "Check the host's clock and PYRO_DEBIAN_MIRROR, and update the keys with `apt-get install debian-archive-keyring`.",
  package_missing: `Check that PYRO_DEBIAN_MIRROR names a mirror with ${SUITE}, or try again later.`,
};

/** The error of an installation whose tool failed: DISK_FULL, or TOOLCHAIN_INSTALL_FAILED with the reason. */
export async function installError(lines: readonly string[], path: string): Promise<PyroError> {
  const reason = classifyBuildFailure(lines);
  const details = { reason, lines: meaningfulLines(lines) };
  if (reason === "disk_full") {
    const free = await freeBytes(path);
    return new PyroError("DISK_FULL", `The disk of ${path} is full.`, {
      details: { ...details, path, free_bytes: free },
    });
  }
  const hint = hints[reason];
  return new PyroError("TOOLCHAIN_INSTALL_FAILED", messages[reason] ?? "The toolchain could not be installed.", {
    ...(hint === undefined ? {} : { hint }),
    details,
  });
}
