import { fileURLToPath } from "node:url";

/** pyro-keeper, as `make setup` builds it. */
export const keeperPath = fileURLToPath(new URL("../../../keeper/build/pyro-keeper", import.meta.url));
