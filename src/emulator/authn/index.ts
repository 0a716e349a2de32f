export { createAuthnEmulator } from "./authn-emulator.ts";
export { defaultEmulatorClient, defaultEmulatorClientId, defaultEmulatorClientSecret } from "./defaults.ts";
export type { AuthnEmulator, AuthnEmulatorOptions } from "./types.ts";
