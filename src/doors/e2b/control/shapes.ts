import { ENVD_VERSION } from "../version.js";
import { trafficTokenOf } from "../guard.js";
import type { Sandbox } from "../sandbox.js";

/** A sandbox as the answers of the control API have it. */

const CLIENT_ID = "pyro";

export function renderSandbox({ record: { id, templateId, token } }: Sandbox, domain: string | null) {
  return {
    sandboxID: id,
    templateID: templateId,
    clientID: CLIENT_ID,
    alias: templateId,
    envdVersion: ENVD_VERSION,
    envdAccessToken: token,
    trafficAccessToken: trafficTokenOf(token),
    domain,
  };
}

export function renderListed({ record, state }: Sandbox) {
  return {
    sandboxID: record.id,
    templateID: record.templateId,
    clientID: CLIENT_ID,
    alias: record.templateId,
    startedAt: record.startedAt,
    endAt: record.endAt,
    state,
    cpuCount: record.cpuCount,
    memoryMB: record.memoryMib,
    diskSizeMB: record.diskMib,
    envdVersion: ENVD_VERSION,
    metadata: record.metadata,
  };
}

export function renderDetail(sandbox: Sandbox, domain: string | null) {
  const { allowInternet, network, onTimeout, autoResume } = sandbox.record;
  const { trafficAccessToken: _, ...shown } = renderSandbox(sandbox, domain);
  return {
    ...shown,
    ...renderListed(sandbox),
    allowInternetAccess: allowInternet,
    ...(network && { network }),
    lifecycle: { onTimeout, autoResume },
  };
}
