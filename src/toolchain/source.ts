import { PyroError } from "../contract/errors.js";
import { archiveKeyring } from "../environments/debian/commands.js";

/** The release whose packages a toolchain is made of. It brings its own C library, so the host's release does not matter. */
export const SUITE = "trixie";

/** Lines for apt's list of sources. */
export interface PackageSource {
  readonly keyring: string;
  readonly lines: readonly string[];
}

/**
 * The mirrors of PYRO_DEBIAN_MIRROR: URLs unchanged, and whole lines only if they are of this suite. Debian's own mirrors without the
 * variable. Throws INVALID_ARGUMENT.
 */
export function buildSource(mirrors: readonly string[], keyring = archiveKeyring): PackageSource {
  const whole = mirrors.filter((mirror) => mirror.startsWith("deb "));
  const urls = mirrors.filter((mirror) => !mirror.startsWith("deb "));
  const ofSuite = whole.filter((line) => new RegExp(`\\s${SUITE}(-\\S+)?\\s`).test(line));
  if (urls.length === 0 && ofSuite.length === 0 && whole.length > 0) {
    throw new PyroError(
      "INVALID_ARGUMENT",
      `PYRO_DEBIAN_MIRROR has no line for ${SUITE}, the release of a toolchain's packages.`,
      {
        hint: `Add a line such as \`deb http://deb.debian.org/debian ${SUITE} main\`, or name a URL alone.`,
        details: { suite: SUITE, lines: whole },
      },
    );
  }
  const line = (url: string, suite: string) => `deb [signed-by=${keyring}] ${url} ${suite} main`;
  if (mirrors.length > 0) return { keyring, lines: [...ofSuite, ...urls.map((url) => line(url, SUITE))] };
  return {
    keyring,
    lines: [
      line("http://deb.debian.org/debian", SUITE),
      line("http://deb.debian.org/debian", `${SUITE}-updates`),
      line("http://deb.debian.org/debian-security", `${SUITE}-security`),
    ],
  };
}
