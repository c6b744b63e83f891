import { PyroError } from "../contract/errors.js";
import { readContract } from "../contract/rendered.js";
import { openCore } from "../core/open.js";
import { openHome } from "../host/home.js";
import { openLog } from "../host/log.js";
import { sealDescriptors } from "../host/peer.js";
import { Audit } from "./audit.js";
import { buildHandlers } from "./handlers.js";
import { Lifetime } from "./lifetime.js";
import { Listener } from "./listener.js";
import { serveRequest, serveUpgrade } from "./server.js";
import { readSettings } from "./settings.js";

/** The daemon's life. `flock` holds the lock of its home, so each home has one daemon. */
async function main(): Promise<void> {
  process.chdir("/");
  process.umask(0o022);
  sealDescriptors();
  process.on("SIGHUP", () => {});

  const settings = readSettings(process.env);
  const home = openHome();
  const log = openLog(home.daemonLog);
  const { version } = readContract();
  process.on("unhandledRejection", (error) => log.error({ err: error }, "unhandled rejection"));
  process.on("uncaughtException", (error) => {
    log.fatal({ err: error }, "uncaught exception");
    process.exit(1);
  });

  const core = await openCore({ home, version, log, ...settings });
  await core.isolation.assert(undefined);
  let listener: Listener | null = null;
  const hide = () => listener?.hide();
  const lifetime = new Lifetime({ ...settings, vmsInUse: () => core.machines.inUse(), hide, log });
  const audit = new Audit(home.auditLog, log);
  const daemon = { core, lifetime, audit, handlers: buildHandlers(lifetime) };
  process.on("SIGTERM", () => lifetime.stop("SIGTERM"));
  process.on("SIGINT", () => lifetime.stop("SIGINT"));

  listener = await Listener.open({
    home,
    log,
    onRequest: (request, response) => void serveRequest(daemon, request, response),
    onUpgrade: (request, socket, head) => void serveUpgrade(daemon, request, socket, head),
    isWelcome: (socket) => audit.isWelcome(socket),
    onLockLost: () => lifetime.stop("the lock file of its home was removed"),
  });
  log.info({ pid: process.pid, version, home: home.path }, "listening");

  await lifetime.ended;
  setTimeout(() => process.exit(1), settings.cleanUpMs);
  core.vms.detachAll();
  await core.tasks.detachAll();
  await core.machines.closeAll();
  log.info("ended");
}

/** The waiting client reads the log's last line to learn why the daemon did not start. */
function reportFailure(error: unknown): void {
  process.stderr.write(`${JSON.stringify(PyroError.from(error).toBody())}\n`);
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    reportFailure(error);
    process.exit(1);
  },
);
