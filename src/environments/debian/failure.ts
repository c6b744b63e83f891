import { PyroError } from "../../contract/errors.js";

/** The reason why a build failed, from the output of its tools. */
export type BuildFailure =
  | "disk_full"
  | "mirror_unreachable"
  | "signature"
  | "package_missing"
  | "namespace"
  | "unknown";

/** The tools have one exit status for every failure, so their text is all there is to go by. First match wins. */
const patterns: readonly (readonly [BuildFailure, RegExp])[] = [
  ["disk_full", /No space left on device|Disk quota exceeded|enough free (disk )?space|Could not allocate block/i],
  ["signature", /NO_PUBKEY|BADSIG|EXPKEYSIG|REVKEYSIG|is not signed|signatures? (couldn't be verified|were invalid)/i],
  [
    "mirror_unreachable",
    /Temporary failure resolving|Could not resolve|Could not connect|Unable to connect|Connection (timed out|refused|failed)|Network is unreachable|Failed to fetch/i,
  ],
  [
    "package_missing",
    /Unable to locate package|No packages found|has no installation candidate|does not have a Release file/i,
  ],
  ["namespace", /unshare(\(\)|:)? (syscall )?failed|newuidmap .*failed|cannot find newuidmap|uid_map|invalid idmap/i],
];

const messages: Record<Exclude<BuildFailure, "disk_full">, string> = {
  mirror_unreachable: "The package mirror cannot be reached.",
  signature: "The package archive's signature cannot be verified.",
  package_missing: "The package archive lacks a package of this environment.",
  namespace: "This host does not allow the user namespace that the build needs.",
  unknown: "The environment could not be built.",
};

const hints: Partial<Record<BuildFailure, string>> = {
  signature: "Check the host's clock, and update it with `apt-get install debian-archive-keyring`.",
  package_missing: "Check PYRO_DEBIAN_MIRROR, or try again later.",
  namespace:
    "Allow user namespaces (sysctl kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0), or run the daemon as root outside a container.",
};

const PROGRESS_LINE =
  /^(Get:|Hit:|Ign:|Unpacking|Preparing|Selecting|Setting up|Reading|Building|Fetched|Processing|I: |\(Reading)/;
const ERROR_LINE =
  /^(E|W|Err|dpkg|dpkg-deb|apt-get|mke2fs|cp|mv|mkdir|mount|chroot|find|tar|sh|xz|newuidmap)\b.*:|error|failed|cannot/i;
const KEPT_LINES = 8;

export function classifyBuildFailure(lines: readonly string[]): BuildFailure {
  for (const [failure, pattern] of patterns) if (lines.some((line) => pattern.test(line))) return failure;
  return "unknown";
}

/** The last lines that describe the failure. */
export function meaningfulLines(lines: readonly string[]): string[] {
  const said = lines.map((line) => line.trim()).filter((line) => line !== "" && !PROGRESS_LINE.test(line));
  const errors = said.filter((line) => ERROR_LINE.test(line));
  return (errors.length > 0 ? errors : said).slice(-KEPT_LINES).map((line) => line.slice(0, 500));
}

/** The error of a build whose tool ended with a failure. `space` reports a full disk. */
export function buildFailureError(
  environment: string,
  lines: readonly string[],
  space: { readonly path: string; readonly freeBytes: number; readonly neededBytes: number },
): PyroError {
  const failure = classifyBuildFailure(lines);
  const details = { environment, reason: failure, lines: meaningfulLines(lines) };
  if (failure === "disk_full") return diskFullError(space, details);
  const hint = hints[failure];
  const code = failure === "namespace" ? "HOST_NOT_ABLE" : "ENVIRONMENT_BUILD_FAILED";
  return new PyroError(code, messages[failure], { ...(hint === undefined ? {} : { hint }), details });
}

export function diskFullError(
  space: { readonly path: string; readonly freeBytes: number; readonly neededBytes: number },
  details: Record<string, unknown> = {},
): PyroError {
  return new PyroError(
    "DISK_FULL",
    `Building needs about ${inMib(space.neededBytes)} MiB in ${space.path}; ${inMib(space.freeBytes)} MiB are free.`,
    { details: { ...details, path: space.path, free_bytes: space.freeBytes, needed_bytes: space.neededBytes } },
  );
}

function inMib(bytes: number): number {
  return Math.round(bytes / (1 << 20));
}
