/** Everything that asking a site by itself needs: loaded together. */
export { connectPinned } from "./pinned-connection.ts";
export { pinnedTransport } from "./pinned-transport.ts";
export { createHostResolver } from "./resolve-host.ts";
