/** The port on which E2B's own server listens in a sandbox. */
export const ENVD_PORT = 49_983;
/** The version of that server whose interface this is. */
export const ENVD_VERSION = "0.6.4";
/** The user of requests that name none. */
export const DEFAULT_USER = "user";
