import { PangeaOAuthProvider, type PangeaOAuthProviderOptions } from "pangea-authn-fastmcp";
import { defaultEmulatorClient, startPangeaEmulator } from "pangea-authn-fastmcp/emulator";

/** Where the examples listen. */
export const host = "127.0.0.1";
export const port = Number(process.env.PORT ?? 3000);

/** The public URL of the server: another one than it listens on where a proxy is in front of it. */
export const baseUrl = process.env.MCP_BASE_URL ?? `http://${host}:${port}`;

/** The provider of every example: on your Pangea project where the environment names one, else on an emulator. */
export async function createProvider(options: Partial<PangeaOAuthProviderOptions> = {}): Promise<PangeaOAuthProvider> {
  return new PangeaOAuthProvider({
    mcpBaseUrl: baseUrl,
    mcpScopes: ["user"],
    pangeaAuthnScopes: ["user"],
    ...(await pangeaProject()),
    ...options,
  });
}

async function pangeaProject() {
  const { PANGEA_AUTHN_ISSUER_URL, PANGEA_AUTHN_CLIENT_ID = "", PANGEA_AUTHN_CLIENT_SECRET = "" } = process.env;
  if (PANGEA_AUTHN_ISSUER_URL !== undefined) {
    return {
      pangeaAuthnIssuerUrl: PANGEA_AUTHN_ISSUER_URL,
      pangeaAuthnClientId: PANGEA_AUTHN_CLIENT_ID,
      pangeaAuthnClientSecret: PANGEA_AUTHN_CLIENT_SECRET,
    };
  }
  const emulator = await startPangeaEmulator();
  console.log("No PANGEA_AUTHN_ISSUER_URL: Pangea is emulated. Log in as ada@example.com with the password: password");
  return {
    pangeaAuthnIssuerUrl: emulator.issuerUrl,
    pangeaAuthnClientId: defaultEmulatorClient.clientId,
    pangeaAuthnClientSecret: defaultEmulatorClient.clientSecret,
  };
}

/** Says that the server is there. */
export function announce(): void {
  console.log(`MCP endpoint: ${baseUrl}/mcp`);
}
