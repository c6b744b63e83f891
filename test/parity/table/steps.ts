import { of, sh, SMALL, type Case } from "./case.js";

export const steps: readonly Case[] = [
  { name: "a VM", ...of("vm.create", SMALL), expect: { state: "created", execution_mode: null }, on: "both" },
  {
    name: "a command before the start",
    ...of("vm.exec", { vm_id: "$vm", command: ["true"] }),
    expect: "FAILED_PRECONDITION",
    on: "both",
  },
  { name: "starting the VM", ...of("vm.start", { vm_id: "$vm" }), expect: { state: "started" }, on: "both" },
  { name: "starting a started VM", ...of("vm.start", { vm_id: "$vm" }), expect: "FAILED_PRECONDITION" },
  { name: "the VM's network", ...of("vm.network_info", { vm_id: "$vm" }), expect: { network: null }, on: "both" },
  { name: "the VM's status", ...of("vm.status", { vm_id: "$vm" }), expect: { state: "started" }, on: "both" },
  {
    name: "the command of the VM",
    ...of("vm.exec", { vm_id: "$vm", command: sh("cat; echo $A; pwd"), cwd: "/", env: { A: "b" } }),
    stdin: "in ",
    expect: { stdout: "in b\n/\n", cleanup: { deleted: true } },
    on: "both",
  },
  { name: "the VM after its command", ...of("vm.status", { vm_id: "$vm" }), expect: "NOT_FOUND", on: "both" },
  { name: "a VM", ...of("vm.create", SMALL), expect: { state: "created" } },
  { name: "stopping the VM", ...of("vm.stop", { vm_id: "$vm" }), expect: { state: "stopped" } },
  { name: "starting a stopped VM", ...of("vm.start", { vm_id: "$vm" }), expect: "FAILED_PRECONDITION" },
  { name: "deleting the VM", ...of("vm.delete", { vm_id: "$vm" }), expect: { deleted: true } },
  { name: "deleting the VM again", ...of("vm.delete", { vm_id: "$vm" }), expect: "NOT_FOUND" },
  { name: "removing expired VMs and tasks", ...of("vm.reap_expired"), expect: { removed: [] }, on: "both" },
];
