import { posix } from "node:path";

import { quoteCommand } from "../../../contract/quote.js";
import { Refusal } from "../answer.js";

/** A step of a template, as the SDKs send it. */
export interface Step {
  readonly type: string;
  readonly args: readonly string[];
  readonly filesHash?: string | null | undefined;
  readonly force?: boolean | null | undefined;
}

/** Where the next command runs. */
export interface Place {
  readonly user: string;
  readonly workdir: string;
  readonly envs: Readonly<Record<string, string>>;
}

/** A line of shell that root runs in `/`, for the step of that number, from 1. Step 0 prepares the base. */
export interface Line {
  readonly step: number;
  readonly text: string;
  readonly command: string;
}

/** The work of a build. */
export interface Plan {
  /** Hashes of the uploaded files, in the order of their directories below `COPIES`. */
  readonly hashes: readonly string[];
  readonly lines: readonly Line[];
  /** Where the last step leaves off. */
  readonly place: Place;
}

/** Where uploaded files wait in the guest for the step that copies them. */
export const COPIES = "/.e2b-copies";

/** Translates steps. `isForced`, or `force` of a step, adds the nonce, so that no earlier result fits. Throws 400. */
export function planSteps(
  steps: readonly Step[],
  start: Place,
  {
    setup,
    isForced,
    nonce,
  }: { readonly setup: string | undefined; readonly isForced: boolean; readonly nonce: string },
): Plan {
  const plan = { hashes: [] as string[], lines: [] as Line[], place: { ...start, envs: { ...start.envs } } };
  const add = (step: number, text: string, command: string, force: boolean) =>
    plan.lines.push({ step, text, command: force ? `: ${nonce}; ${command}` : command });
  if (setup !== undefined) add(0, "base", setup, isForced);
  for (const [index, step] of steps.entries()) {
    const { type, args } = step;
    const render = Object.hasOwn(renderers, type) ? renderers[type] : undefined;
    if (!render) throw new Refusal(400, `steps[${index}]: the type ${JSON.stringify(type)} is not supported.`);
    const command = args[0] && !args.some((text) => text.includes("\0")) ? render(step, plan) : null;
    if (command === null) throw new Refusal(400, `steps[${index}]: args or filesHash are missing or invalid.`);
    const text = type === "RUN" ? args[0] : args.join(" ").trim();
    if (command !== "") add(index + 1, `${type} ${text}`, command, isForced || step.force === true);
  }
  if (plan.hashes.length > 0) add(steps.length, "Removing the uploaded files", `rm -rf ${COPIES}`, false);
  return plan;
}

interface Draft {
  readonly hashes: string[];
  readonly place: { user: string; workdir: string; readonly envs: Record<string, string> };
}

/** The command of a step, empty without any work; null when the step is invalid. Changes the place of the next ones. */
const renderers: Readonly<Record<string, (step: Step, draft: Draft) => string | null>> = {
  RUN: ({ args: [command = "", user] }, { place }) => renderCommand({ ...place, user: user || place.user }, command),
  WORKDIR({ args: [path = ""] }, { place }) {
    place.workdir = posix.resolve(place.workdir, path);
    const make = `mkdir -p "$t" && chown ${ownerOf(place.user)} "$t"`;
    return `t=${quote(place.workdir)}; [ -d "$t" ] || { ${make}; }`;
  },
  USER({ args: [user = ""] }, { place }) {
    place.user = user;
    return renderCheck(user);
  },
  ENV({ args }, { place }) {
    for (let at = 0; at < args.length; at += 2) {
      if (!/^[A-Za-z_]\w*$/.test(args[at]!)) return null;
      place.envs[args[at]!] = args[at + 1] ?? "";
    }
    return "";
  },
  COPY({ args, filesHash }, { hashes, place }) {
    if (!filesHash) return null;
    if (!hashes.includes(filesHash)) hashes.push(filesHash);
    return renderCopy(`${COPIES}/${hashes.indexOf(filesHash)}`, args, place);
  },
};

/** A command in a login shell of its user. */
export function renderCommand({ user, workdir, envs }: Place, command: string): string {
  const shell = ["su", user, "-s", "/bin/bash", "-c", `exec /bin/bash -l -c ${quote(command)}`];
  const variables = Object.entries(envs).map(([name, value]) => `${name}=${value}`);
  return `${renderCheck(user)}; cd ${quote(workdir)} && exec ${quoteCommand(["env", ...variables, ...shell])}`;
}

function renderCheck(user: string): string {
  const message = quote(`command failed: unauthenticated: invalid username: '${user}'`);
  return `id -u ${quote(user)} >/dev/null 2>&1 || { echo ${message} >&2; exit 1; }`;
}

/** Copies a file, or the content of a directory or pattern. What it makes belongs to the named user, else to the current one. */
function renderCopy(
  from: string,
  [src = "", dest = "", user = "", mode = ""]: readonly string[],
  place: Place,
): string {
  const pattern = src.search(/[*?[{]/);
  const source = posix.join(from, pattern === -1 ? src : src.slice(0, src.lastIndexOf("/", pattern) + 1));
  const target = posix.resolve(place.workdir, dest) + (dest.endsWith("/") ? "/" : "");
  const owner = ownerOf(user || place.user);
  return [
    `f=${quote(source)} t=${quote(target)}`,
    `own() { [ -d "$1" ] || { mkdir -p "$1" && chown ${owner} "$1"; }; }`,
    `cd ${from} && chown -hR ${owner} .${mode === "" ? "" : ` && chmod -R ${quote(mode)} .`} || exit 1`,
    `if [ -d "$f" ] && [ ! -L "$f" ]; then own "$t" && find "$f" -mindepth 1 -maxdepth 1 -exec cp -a -t "$t" {} +; exit; fi`,
    `case $t in */) own "$t" ;; *) own "$(dirname "$t")" ;; esac && cp -a "$f" "$t"`,
  ].join("\n");
}

/** A user with its group, as chown takes them. */
function ownerOf(user: string): string {
  return quote(user.includes(":") ? user : `${user}:`);
}

function quote(text: string): string {
  return quoteCommand([text]);
}
