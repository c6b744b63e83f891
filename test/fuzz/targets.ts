import type { FuzzTarget } from "./target.js";
import { gzip, tar } from "./targets/archive.js";
import { operationInput, patch, requestBody, streamCall, streamFrames } from "./targets/client.js";
import { connect, guestProgram, multipart, newSandbox, requestHead } from "./targets/e2b.js";
import { guestChannel } from "./targets/guest-channel.js";
import { guestFrames } from "./targets/guest-frames.js";
import { guestConsole, guestNames } from "./targets/guest-names.js";
import { dockerArchive, imageConfig, imageDocuments, imageLayer } from "./targets/image.js";
import { imageReference, registryLogin, registryRefusal } from "./targets/registry.js";
import { gateReport, qmp } from "./targets/vm.js";

/** Every parser in TypeScript that reads bytes of a guest, an archive, an image or a client. Those in C are in `fuzz/` of their programs. */
export const targets: readonly FuzzTarget[] = [
  ...[guestFrames, guestNames, guestChannel, guestConsole, qmp, gateReport],
  ...[tar, gzip, imageLayer, imageDocuments, imageConfig, dockerArchive],
  ...[registryLogin, registryRefusal, imageReference],
  ...[streamFrames, streamCall, requestBody, operationInput, patch],
  ...[connect, multipart, requestHead, newSandbox, guestProgram],
];
