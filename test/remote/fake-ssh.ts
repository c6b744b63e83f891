import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** The fake's messages for certain hosts, as OpenSSH prints them. */
const failures = {
  away: "ssh: connect to host away port 22: Connection refused",
  nowhere: "ssh: Could not resolve hostname nowhere: Name or service not known",
  denied: "me@denied: Permission denied (publickey).",
  unknown:
    "No ED25519 host key is known for unknown and you have requested strict checking.\nHost key verification failed.",
  changed: "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\nHost key verification failed.",
} as const;

/**
 * A stand-in for ssh: it runs the command on this machine, and a forwarded socket is a link. Its connection is a file, CONTROL. A forwarded
 * port is a file CONTROL.HERE with the other machine's port; CONTROL.no refuses all, CONTROL.no-HERE one.
 */
export function makeFakeSsh(directory: string): string {
  const path = join(directory, "fake-ssh");
  const cases = Object.entries(failures).map(
    ([host, words]) => `  ${host}) printf '%s\\n' '${words}' >&2; exit 255 ;;`,
  );
  const script = `#!/bin/sh
while [ $# -gt 0 ]; do
  case $1 in
    -S) control=$2; shift 2 ;;
    -O) verb=$2; shift 2 ;;
    -L) pair=$2; shift 2 ;;
    -o | -p | -l) shift 2 ;;
    --) shift; break ;;
    *) echo "an option that the fake does not know: $1" >&2; exit 255 ;;
  esac
done
case $pair in
  127.0.0.1:*)
    rest=\${pair#127.0.0.1:} here=\${rest%%:*} far=\${rest##*:}
    [ "$verb" = cancel ] && exec rm -f "$control.$here"
    [ -e "$control" ] && [ ! -e "$control.no" ] && [ ! -e "$control.no-$here" ] || exit 255
    [ "$(cat "$control.$here" 2>/dev/null || echo "$far")" = "$far" ] || exit 255
    echo "$far" >"$control.$here"
    exit 0 ;;
esac
case $verb in
  forward) [ -e "$control" ] && exec ln -sfn "\${pair#*:}" "\${pair%%:*}" ;;
  cancel) exec rm -f "\${pair%%:*}" ;;
  check) [ -e "$control" ] && exit 0 ;;
  exit) exec rm -f "$control" ;;
esac
[ -z "$verb" ] || exit 255
case $1 in
${cases.join("\n")}
esac
: >"$control"
unset PYRO_CONTEXT PYRO_HOME
exec sh -c "$2"
`;
  writeFileSync(path, script, { mode: 0o755 });
  return path;
}
