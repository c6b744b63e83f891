import { fileURLToPath } from "node:url";

const NOBODY = 65_534;
/** The owner in the form of chown. */
export const nobodyOwner = `${NOBODY}:${NOBODY}`;

const checkout = fileURLToPath(new URL("../../../", import.meta.url));
const asNobody = `setpriv --reuid ${NOBODY} --regid ${NOBODY} --clear-groups`;

/**
 * A command prefix with which root runs `pyro` as nobody. This checkout is mounted at `place`, an empty directory, since it may be
 * beneath a private directory such as /root. `prepare` is a line of shell that runs before, in the same mount namespace.
 */
export function buildPyroAsNobody(place: string, prepare = "true"): string[] {
  return buildAsNobody(place, "bin/pyro", prepare);
}

/** The same of another program of this checkout. */
export function buildAsNobody(place: string, program: string, prepare = "true"): string[] {
  const script = `
    checkout=$1 place=$2 node=$3 program=$4; shift 4
    mount --bind "$checkout" "$place" && ${prepare} || exit
    ${asNobody} test -r "$place/bin/pyro" || { echo "nobody cannot read this checkout: chmod -R a+rX $checkout" >&2; exit 1; }
    exec ${asNobody} "$node" "$place/$program" "$@"`;
  return ["unshare", "--mount", "sh", "-c", script, "sh", checkout, place, process.execPath, program];
}
