import assert from "node:assert/strict";
import { Readable } from "node:stream";

import { PyroError } from "../../../src/contract/errors.js";
import { Authorization } from "../../../src/environments/registry/authorization.js";
import { parseRegistryReference, renderReference } from "../../../src/environments/registry/reference.js";
import { readRefusal } from "../../../src/environments/registry/refusal.js";
import type { WebResponse } from "../../../src/host/web.js";
import { describeRefusal, withoutValues, type FuzzTarget } from "../target.js";

const reference = { registry: "example.org", repository: "a/b", tag: "1", digest: null };
const answerOf = (status: number, text: Buffer, headers: WebResponse["headers"] = {}): WebResponse => ({
  status,
  headers,
  body: Readable.from([text]) as unknown as WebResponse["body"],
});

/** A registry's demand for a login, and what its token server answers: the first line and the rest. */
export const registryLogin: FuzzTarget = {
  name: "registry-login",
  seeds: [
    'Bearer realm="https://auth.example.org/token",service="example.org",scope="x"\n{"token":"abc","expires_in":60}',
    'Bearer realm="http://[::1]:5000/t?x=1"\n{"access_token":"abc"}',
    'Basic realm="x"\n',
    'Bearer realm="file:///etc/passwd"\n{"errors":[{"code":"DENIED","message":"no"}]}',
  ].map((text) => Buffer.from(text)),
  words: ["Bearer ", "Basic ", 'realm="', "https://", "file:", '"token":', '"errors":[', "\u001b[", "null"],
  maxBytes: 2_000,
  run: async (input) => {
    const end = input.indexOf(10);
    const [challenge, body] = end === -1 ? [input, Buffer.alloc(0)] : [input.subarray(0, end), input.subarray(end + 1)];
    const status = [200, 200, 401, 500][input.length % 4]!;
    // The session refuses addresses without TLS, whatever they are.
    const authorization = new Authorization(reference, null, async ({ protocol }) => {
      if (protocol !== "https:") throw new PyroError("REGISTRY_UNREACHABLE", "without TLS");
      return answerOf(status, body);
    });
    try {
      const header = { "www-authenticate": challenge.toString("latin1") };
      const isNew = await authorization.renew(answerOf(401, Buffer.alloc(0), header), new AbortController().signal);
      return `renewed ${isNew}`;
    } catch (error) {
      return describeRefusal(error, /^ENVIRONMENT_|^REGISTRY_/);
    }
  },
};

/** Why a registry refuses, as a person sees it. */
export const registryRefusal: FuzzTarget = {
  name: "registry-refusal",
  seeds: ['{"errors":[{"code":"DENIED","message":"no"}]}', '{"details":"x"}', "plain", "<html>"].map((text) =>
    Buffer.from(text),
  ),
  words: ['"errors":', '"message":', "null", "{}", "\u001b[31m", "\u009b"],
  maxBytes: 2_000,
  run: async (input) => {
    const { said } = await readRefusal(answerOf(403, input));
    assert.match(said ?? "", /^[\x20-\x7e\xa0-\uffff]*$/);
    return withoutValues(String(said)).slice(0, 5);
  },
};

/** References of images, as callers give them. */
export const imageReference: FuzzTarget = {
  name: "image-reference",
  seeds: ["python:3.12", "ghcr.io/a/b@sha256:" + "1".repeat(64), "localhost:5000/x", "[::1]:5000/x:y", "a/b"].map(
    (text) => Buffer.from(text),
  ),
  words: ["@sha256:", ":", "/", "..", "%2f", "--", "__"],
  maxBytes: 400,
  run: (input) => {
    try {
      const parsed = parseRegistryReference(input.toString("utf8"));
      if (parsed === null) return "none";
      assert.doesNotMatch(`${parsed.repository}/${parsed.tag}`, /\.\.\/|[\s?#%]/);
      assert.deepEqual(parseRegistryReference(renderReference(parsed)), parsed);
      return `${parsed.tag === null} ${parsed.digest === null}`;
    } catch (error) {
      return describeRefusal(error, ["INVALID_ARGUMENT"]);
    }
  },
};
