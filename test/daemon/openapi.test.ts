import assert from "node:assert/strict";
import { request, type IncomingMessage } from "node:http";
import { json } from "node:stream/consumers";
import { test } from "node:test";

import { Validator } from "@seriousme/openapi-schema-validator";

import type { Operation } from "../../src/contract/operation.js";
import { operations } from "../../src/contract/operations.js";
import { buildOpenApi } from "../../src/contract/openapi.js";
import { Listening, runInShell } from "./listening.js";

interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, { readonly post?: { readonly operationId: string } }>>;
}

test("the daemon serves an OpenAPI 3.1 document that a validator accepts, with every operation in it", async () => {
  await using daemon = new Listening(runInShell);
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = request({ socketPath: daemon.home.daemonSocket, path: "/openapi.json", agent: false }, resolve);
    sent.on("error", reject).end();
  });
  assert.equal(response.headers["content-type"], "application/json");
  const document = (await json(response)) as Document;
  assert.match(document.openapi, /^3\.1\./);
  assert.deepEqual(await new Validator().validate({ ...document }), { valid: true });
  const found = Object.values(document.paths).flatMap(({ post }) => (post ? [post.operationId] : []));
  const remote = Object.values<Operation>(operations).filter(({ isLocal }) => isLocal !== true);
  assert.deepEqual(found.toSorted(), remote.map(({ name }) => name).toSorted());
});

test("the validator refuses an invalid document", async () => {
  const broken = { ...buildOpenApi(), info: {} };
  const { valid } = await new Validator().validate({ ...broken });
  assert.equal(valid, false);
});
