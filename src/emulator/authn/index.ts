export { createAuthnEmulator } from "./authn-emulator.ts";
export {
  defaultEmulatorClient,
  defaultEmulatorClientId,
  defaultEmulatorClientSecret,
  defaultEmulatorPassword,
  defaultEmulatorUser,
} from "./defaults.ts";
export type { AuthnEmulator, AuthnEmulatorOptions, EmulatorOAuthClient, EmulatorUser, LiveTokens } from "./types.ts";
