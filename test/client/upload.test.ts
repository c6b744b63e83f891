import assert from "node:assert/strict";
import { test } from "node:test";

import { Upload } from "../../src/client/upload.js";
import type { ClientRequest } from "../../src/host/http.js";

test("an upload that ends before the daemon asks leaves standard input to the next try", async () => {
  const said: string[] = [];
  const upload = new Upload({ write: (line: string) => said.push(line) } as unknown as ClientRequest);
  const source = (async function* () {
    yield Buffer.from("input");
  })();
  const sent = upload.sendStdin(source);
  upload.close();
  await sent;
  assert.deepEqual(said, []);
  assert.deepEqual(await source.next(), { done: false, value: Buffer.from("input") });
});
