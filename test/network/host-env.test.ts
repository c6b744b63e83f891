import assert from "node:assert/strict";
import { test } from "node:test";

import { rewriteHostEnv } from "../../src/backend/qemu/host-env.js";
import { planNetwork } from "../../src/backend/qemu/network.js";
import { parseNetworkRange } from "../../src/contract/network.js";

const GATEWAY = "198.18.0.1";

test("addresses in proxy settings become ports of the gateway, each leading to exactly one place", () => {
  const { env, forwards } = rewriteHostEnv(
    {
      http_proxy: "http://user:secret@127.0.0.1:3128/",
      https_proxy: "localhost:3128",
      HTTPS_PROXY: "http://[::1]:3128",
      all_proxy: "socks5h://10.0.0.7",
      ftp_proxy: "http://proxy.example:8080",
      no_proxy: "localhost,127.0.0.1,.example",
      PYRO_DEBIAN_MIRROR: "deb http://127.0.0.1/debian bookworm main\ndeb https://mirror.example/debian x main",
    },
    GATEWAY,
  );
  assert.deepEqual(env, {
    http_proxy: "http://user:secret@198.18.0.1:3128/",
    https_proxy: "http://198.18.0.1:3128",
    HTTPS_PROXY: "http://198.18.0.1:20001",
    all_proxy: "socks5h://198.18.0.1:1080",
    ftp_proxy: "http://proxy.example:8080",
    no_proxy: "localhost,127.0.0.1,.example",
    PYRO_DEBIAN_MIRROR: "deb http://198.18.0.1:80/debian bookworm main\ndeb https://mirror.example/debian x main",
  });
  assert.deepEqual(forwards, [
    { port: 3128, to: "127.0.0.1:3128" },
    { port: 20_001, to: "[::1]:3128" },
    { port: 1080, to: "10.0.0.7:1080" },
    { port: 80, to: "127.0.0.1:80" },
  ]);
});

test("each VM has its own addresses and MAC, all within the reserved range", () => {
  const host = { resolvers: ["127.0.0.53", "fd00::1"], hasIpv6: true, hostCa: [] };
  const plans = Array.from({ length: 200 }, (_, index) =>
    planNetwork(`vm-${index}`, { allow: [], deny: [], allowHosts: [], hostEnv: {}, hostCaFiles: null }, host),
  );
  assert.equal(new Set(plans.map(({ guest }) => guest.mac)).size, plans.length);
  for (const { guest } of plans) {
    assert.match(guest.mac, /^02:70:79(:[0-9a-f]{2}){3}$/);
    for (const address of [guest.address4, guest.gateway4, ...guest.resolvers]) assert.match(address, /^198\.1[89]\./);
    assert.equal(guest.resolvers.length, 2);
    assert.match(guest.v6!.address, /^fd70:7972:/);
  }
});

test("ranges with and without a port are parsed", () => {
  assert.deepEqual(parseNetworkRange("10.0.0.0/8"), { cidr: "10.0.0.0/8", port: null });
  assert.deepEqual(parseNetworkRange("10.0.0.0/8:443"), { cidr: "10.0.0.0/8", port: 443 });
  assert.deepEqual(parseNetworkRange("[fd00::/8]:443"), { cidr: "fd00::/8", port: 443 });
  assert.deepEqual(parseNetworkRange("fd00::1"), { cidr: "fd00::1", port: null });
  for (const text of ["", "10.0.0.0/33", "10.0.0.1:0", "10.0.0.1:65536", "host:80", "[10.0.0.1", "*", "10.0.0.1:"]) {
    assert.equal(parseNetworkRange(text), null, text);
  }
});
