import { PyroError } from "../../contract/errors.js";
import { archiveKeyring } from "./commands.js";

/** Lines for apt's list of sources. */
export interface PackageSource {
  readonly keyring: string;
  readonly lines: readonly string[];
}

/**
 * The mirrors of PYRO_DEBIAN_MIRROR: URLs unchanged, and whole lines only if they are of this suite. Debian's own mirrors without the
 * variable. `purpose` is the thing that is made of the packages. Throws INVALID_ARGUMENT.
 */
export function buildSource(
  mirrors: readonly string[],
  { suite, purpose, keyring = archiveKeyring }: { suite: string; purpose: string; keyring?: string },
): PackageSource {
  const whole = mirrors.filter((mirror) => mirror.startsWith("deb "));
  const urls = mirrors.filter((mirror) => !mirror.startsWith("deb "));
  const ofSuite = whole.filter((line) => new RegExp(`\\s${suite}(-\\S+)?\\s`).test(line));
  if (urls.length === 0 && ofSuite.length === 0 && whole.length > 0) {
    throw new PyroError(
      "INVALID_ARGUMENT",
      `PYRO_DEBIAN_MIRROR has no line for ${suite}, the release of the packages of ${purpose}.`,
      {
        hint: `Add a line such as \`deb http://deb.debian.org/debian ${suite} main\`, or name a URL alone.`,
        details: { suite, lines: whole },
      },
    );
  }
  const line = (url: string, of: string) => `deb [signed-by=${keyring}] ${url} ${of} main`;
  if (mirrors.length > 0) return { keyring, lines: [...ofSuite, ...urls.map((url) => line(url, suite))] };
  return {
    keyring,
    lines: [
      line("http://deb.debian.org/debian", suite),
      line("http://deb.debian.org/debian", `${suite}-updates`),
      line("http://deb.debian.org/debian-security", `${suite}-security`),
    ],
  };
}
