import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Served } from "./served.js";

let served: Served;
before(async () => void (served = await Served.open()));
after(() => served[Symbol.asyncDispose]());

test("create: maps Internet access and E2B's lists to the rules of the task's network", async () => {
  const [all, closed] = ["0.0.0.0/0", "none.invalid"];
  const rules = (allow: string[] = [], deny: string[] = [], hosts: string[] = []) => [allow, deny, hosts];
  const cases = [
    [{}, rules()],
    [{ allow_internet_access: false }, rules([], [], [closed])],
    [{ network: { denyOut: [all] } }, rules([], [], [closed])],
    [
      { network: { denyOut: [all], allowOut: ["example.org", "192.0.2.1/32"] } },
      rules(["192.0.2.1/32"], [], ["example.org"]),
    ],
    [{ allow_internet_access: false, network: { allowOut: ["192.0.2.0/24"] } }, rules(["192.0.2.0/24"], [], [closed])],
    [{ network: { denyOut: ["8.8.8.8"] } }, rules([], ["8.8.8.8"])],
    [{ network: { denyOut: ["8.8.0.0/16"], allowOut: ["8.8.8.8"] } }, rules(["8.8.8.8"], ["8.8.0.0/16"])],
    [{ network: { denyOut: [all, "8.8.8.8"], allowOut: [all] } }, rules()],
    [{ network: { allowOut: ["10.0.0.0/8"] } }, rules()],
  ] as const;
  for (const [fields, expected] of cases) {
    const sandbox = await served.create(fields);
    const { network, network_allow, network_deny, network_allow_host } = served.pyro.inputsOf("task.create").at(-1)!;
    assert.deepEqual([network, [network_allow, network_deny, network_allow_host]], [true, expected]);
    await served.control("DELETE", `/sandboxes/${sandbox.id}`);
  }
});

test("network: the rules of a running sandbox are replaced whole, and what its servers ask of clients stays", async () => {
  const { id } = await served.create({ network: { denyOut: ["0.0.0.0/0"], allowPublicTraffic: false } });
  const put = (body: object) => served.control("PUT", `/sandboxes/${id}/network`, body);
  const shown = async () => (await served.control("GET", `/sandboxes/${id}`)).body;
  const sent = () => {
    const { network_allow, network_deny, network_allow_host } = served.pyro.inputsOf("task.network").at(-1)!;
    return [network_allow, network_deny, network_allow_host];
  };
  assert.equal((await put({ denyOut: ["8.8.8.8"] })).status, 204);
  assert.deepEqual(sent(), [[], ["8.8.8.8"], []]);
  assert.deepEqual((await shown()).network, { allowPublicTraffic: false, denyOut: ["8.8.8.8"] });
  assert.equal((await put({ allow_internet_access: false })).status, 204);
  assert.deepEqual([sent(), (await shown()).allowInternetAccess], [[[], [], ["none.invalid"]], false]);
  assert.equal((await put({})).status, 204);
  assert.deepEqual([sent(), (await shown()).allowInternetAccess], [[[], [], []], true]);
  for (const [field, body] of [
    ["rules", { rules: { "example.org": [] } }],
    ["egressProxy", { egressProxy: { address: "x:1" } }],
    ["denyOut", { denyOut: ["example.org"] }],
    ["allowOut", { allowOut: ["a b"] }],
    ["denyOut", { denyOut: 5 }],
  ] as const) {
    const { status, body: told } = await put(body);
    assert.deepEqual([status, told.message.includes(field)], [400, true], told.message);
  }
  assert.equal((await served.control("PUT", "/sandboxes/inope/network", {})).status, 404);
  await served.control("POST", `/sandboxes/${id}/pause`);
  assert.equal((await put({})).status, 409);
  await served.control("DELETE", `/sandboxes/${id}`);
});

test("create: has no network where the host cannot give one, unless rules were asked for", async () => {
  served.pyro.hasNetwork = false;
  const { id } = await served.create();
  assert.equal((await served.control("GET", `/sandboxes/${id}`)).body.allowInternetAccess, false);
  const network = { denyOut: ["0.0.0.0/0"], allowOut: ["example.org"] };
  assert.equal((await served.control("POST", "/v2/sandboxes", { templateID: "base", network })).status, 500);
  const put = (body: object) => served.control("PUT", `/sandboxes/${id}/network`, body);
  assert.deepEqual([(await put({ denyOut: ["0.0.0.0/0"] })).status, (await put({})).status], [204, 409]);
  const closed = await served.create({ allow_internet_access: false });
  await served.control("DELETE", `/sandboxes/${closed.id}`);
  served.pyro.hasNetwork = true;
  await served.control("DELETE", `/sandboxes/${id}`);
});
