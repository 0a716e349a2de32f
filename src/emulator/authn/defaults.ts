import type { EmulatorOAuthClient, EmulatorUser } from "./options.ts";

/** The password of every emulated user that is given none. */
export const defaultEmulatorPassword = "password";

/** The user of an emulator that is given none: `ada@example.com` with the password `password`. */
export const defaultEmulatorUser: EmulatorUser = {
  username: "ada@example.com",
  email: "ada@example.com",
  password: defaultEmulatorPassword,
  profile: { first_name: "Ada", last_name: "Lovelace" },
};

/** The id of {@link defaultEmulatorClient}. */
export const defaultEmulatorClientId = "psa_emulatoremulatoremulatoremulator";

/** The secret of {@link defaultEmulatorClient}. It opens nothing but the emulator. */
export const defaultEmulatorClientSecret = "pck_emulatoremulatoremulatoremulator";

/** The OAuth client of an emulator that is given none. It takes any redirect URI on loopback. */
export const defaultEmulatorClient: EmulatorOAuthClient = {
  clientId: defaultEmulatorClientId,
  clientSecret: defaultEmulatorClientSecret,
  clientName: "Example MCP server",
  redirectUris: [],
  anyLoopbackRedirectUri: true,
};
