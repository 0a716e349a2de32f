import {
  defaultEmulatorClientId,
  defaultEmulatorClientSecret,
  defaultEmulatorPassword,
  defaultEmulatorUser,
} from "../emulator/authn/defaults.ts";
import { startPangeaEmulator } from "../emulator/pangea-emulator.ts";

/** Runs the emulator by itself and prints the settings that point a server at it. */
export async function runEmulator(options: {
  readonly port: number;
  readonly print: (text: string) => void;
  readonly stopped: () => Promise<void>;
}): Promise<void> {
  const emulator = await startPangeaEmulator({ port: options.port });
  try {
    options.print(`Pangea Vault and AuthN, emulated, on ${emulator.url}

PANGEA_AUTHN_ISSUER_URL=${emulator.issuerUrl}
PANGEA_AUTHN_CLIENT_ID=${defaultEmulatorClientId}
PANGEA_AUTHN_CLIENT_SECRET=${defaultEmulatorClientSecret}
PANGEA_BASE_URL_TEMPLATE=${emulator.baseUrlTemplate}
PANGEA_VAULT_TOKEN=pts_demo

Log in as ${defaultEmulatorUser.username} with the password "${defaultEmulatorPassword}". Ctrl-C ends it.`);
    await options.stopped();
  } finally {
    await emulator.close();
  }
}
