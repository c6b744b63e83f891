import { createHash } from "node:crypto";

import { z } from "zod";

import { startBuild } from "../builds/work.js";
import { bodyOf, readJsonBody, Refusal, sendEmpty, sendJson } from "../answer.js";
import { findTemplate } from "../templates.js";
import type { ControlCall } from "./call.js";
import { removeSnapshot } from "./snapshots.js";
import { refuseUnsupported } from "./unsupported.js";

/** Templates of programs: they are built, tagged and removed. */

const requestForm = z.looseObject({
  name: z.string().nullish(),
  alias: z.string().nullish(),
  tags: z.array(z.string()).nullish(),
  cpuCount: z.int().nullish(),
  memoryMB: z.int().nullish(),
  minFreeDiskMb: z.unknown().optional(),
});
const tagsForm = z.looseObject({
  target: z.string().optional(),
  name: z.string().optional(),
  tags: z.array(z.string()),
});
/** Log entries of one answer. */
const MAX_ENTRIES = 100;

export async function requestBuild({ sandboxes, exchange }: ControlCall): Promise<void> {
  const { name, alias, tags, cpuCount, memoryMB, minFreeDiskMb } = parse(
    requestForm,
    await readJsonBody(exchange.request),
  );
  refuseUnsupported({ minFreeDiskMb });
  const size = { ...(cpuCount && { vcpuCount: cpuCount }), ...(memoryMB && { memMib: memoryMB }) };
  const build = sandboxes.builds.request(name ?? alias ?? "", tags ?? [], size);
  const { templateID, name: bare } = build;
  const names = { names: [bare], aliases: [bare], tags: build.tags };
  sendJson(exchange.response, 202, { templateID, buildID: build.id, public: false, ...names });
}

export async function beginBuild({ sandboxes, exchange, id, last }: ControlCall): Promise<void> {
  const build = sandboxes.builds.requested.find(id, last);
  await startBuild(sandboxes, build, await readJsonBody(exchange.request));
  sendEmpty(exchange.response, 202);
}

export async function readBuild({ sandboxes, exchange: { query, response }, id, last }: ControlCall): Promise<void> {
  const { status, log, reason } = sandboxes.builds.requested.find(id, last);
  const offset = Number(query.get("logsOffset") ?? 0);
  if (!Number.isInteger(offset) || offset < 0) throw new Refusal(400, "logsOffset is a whole number.");
  const logEntries = log.slice(offset, offset + MAX_ENTRIES);
  const logs = logEntries.map(({ message }) => message);
  sendJson(response, 200, { templateID: id, buildID: last, status, logs, logEntries, ...(reason && { reason }) });
}

/** A link for the files of a step. Its signature stands for the key, which the upload does not carry. */
export async function linkUpload({ sandboxes, exchange, id, last, key }: ControlCall): Promise<void> {
  sandboxes.builds.assertKnown(id);
  const { headers, socket } = exchange.request;
  const path = `/templates/${id}/files/${encodeURIComponent(last)}`;
  const origin = `${"encrypted" in socket ? "https" : "http"}://${headers.host}`;
  sendJson(exchange.response, 201, { present: false, url: `${origin}${path}?signature=${signUpload(path, key)}` });
}

export function signUpload(path: string, key: string): string {
  return createHash("sha256").update(`upload:${path}:${key}`).digest("hex");
}

/** Gives uploaded files, a tar, to the daemon, which keeps them for a build. */
export async function upload({ sandboxes, exchange, id, last }: ControlCall): Promise<void> {
  sandboxes.builds.assertKnown(id);
  const facts = { source_path: last, source_kind: "directory" } as const;
  const openUpload = () => bodyOf(exchange.request);
  const { source } = await sandboxes.pyro.perform("env.build.source", facts, { openUpload });
  sandboxes.builds.uploads.set(`${id}/${last}`, source);
  sendEmpty(exchange.response, 200);
}

export async function findAlias({ sandboxes: { templates, builds, pyro }, exchange, id }: ControlCall): Promise<void> {
  const built = builds.findTemplate(id);
  if (!built) await findTemplate(id, { templates, builds, pyro });
  sendJson(exchange.response, 200, { templateID: built?.id ?? id, public: false });
}

export async function assignTags({ sandboxes, exchange }: ControlCall): Promise<void> {
  const { target = "", tags } = parse(tagsForm, await readJsonBody(exchange.request));
  sendJson(exchange.response, 201, { buildID: await sandboxes.builds.assignTags(target, tags), tags });
}

export async function removeTags({ sandboxes, exchange }: ControlCall): Promise<void> {
  const { name = "", tags } = parse(tagsForm, await readJsonBody(exchange.request));
  if (!(await sandboxes.builds.removeTags(name, tags))) throw new Refusal(404, `template '${name}' not found`);
  sendEmpty(exchange.response, 204);
}

export async function listTags({ sandboxes, exchange, id }: ControlCall): Promise<void> {
  const template = sandboxes.builds.findTemplate(id);
  if (!template) throw new Refusal(404, `template '${id}' not found`);
  const tags = Object.entries(template.tags).map(([tag, fields]) => ({ tag, ...fields }));
  sendJson(exchange.response, 200, tags);
}

/** Removes a template that a program has built, or a snapshot. Others are not the gateway's to remove. */
export async function removeTemplate(call: ControlCall): Promise<void> {
  if (!(await call.sandboxes.builds.removeTags(call.id))) return removeSnapshot(call);
  sendEmpty(call.exchange.response, 204);
}

function parse<Form extends z.ZodType>(form: Form, body: unknown): z.infer<Form> {
  const { data, error } = form.safeParse(body);
  if (error) throw new Refusal(400, z.prettifyError(error));
  return data as z.infer<Form>;
}
