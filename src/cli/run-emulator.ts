import {
  defaultEmulatorClientId,
  defaultEmulatorClientSecret,
  defaultEmulatorPassword,
  defaultEmulatorUser,
} from "../emulator/authn/defaults.ts";
import { startPangeaEmulator } from "../emulator/pangea-emulator.ts";
import { stopped } from "./stopped.ts";

/**
 * Runs the emulator by itself until it is told to stop, and prints the settings that point a server at it.
 *
 * @param port - 0 for any free port.
 * @throws {ConfigurationError} when the port is taken or `oidc-provider` is not installed.
 */
export async function runEmulator(port: number): Promise<void> {
  const emulator = await startPangeaEmulator({ port });
  try {
    console.log(`Pangea Vault and AuthN, emulated, on ${emulator.url}

PANGEA_AUTHN_ISSUER_URL=${emulator.issuerUrl}
PANGEA_AUTHN_CLIENT_ID=${defaultEmulatorClientId}
PANGEA_AUTHN_CLIENT_SECRET=${defaultEmulatorClientSecret}
PANGEA_BASE_URL_TEMPLATE=${emulator.baseUrlTemplate}
PANGEA_VAULT_TOKEN=pts_demo

Log in as ${defaultEmulatorUser.username} with the password "${defaultEmulatorPassword}". Ctrl-C ends it.`);
    await stopped();
  } finally {
    await emulator.close();
  }
}
