import { defaultEmulatorClientId, defaultEmulatorClientSecret } from "../../emulator/authn/defaults.ts";
import { startPangeaEmulator } from "../../emulator/pangea-emulator.ts";
import { PangeaOAuthProvider } from "../../provider/pangea-oauth-provider.ts";
import { createVaultRepositories } from "../../records/create-vault-repositories.ts";
import { startProtectedServer } from "./protected-server.ts";
import { drawTable } from "./table.ts";
import { type DemoStep, walkThrough } from "./walk-through.ts";

/** What the demo is run with. */
export interface DemoOptions {
  /** Stay up for a browser or an MCP client after the walk-through. */
  readonly serve: boolean;
  /** The MCP server's port; 0 for any free one. */
  readonly port: number;
  /** Whether to use colours. */
  readonly colour: boolean;
  readonly print: (text: string) => void;
  /** Resolves when a server that stays up should stop. */
  readonly stopped: () => Promise<void>;
}

/** Runs the demo: an emulated Pangea, a protected MCP server on it, and a real client that goes all the way through. */
export async function runDemo(options: DemoOptions): Promise<void> {
  const { print } = options;
  const bold = (text: string): string => (options.colour ? `\u001b[1m${text}\u001b[22m` : text);
  const started = performance.now();
  const emulator = await startPangeaEmulator();
  try {
    const repositories = createVaultRepositories("pts_demo", {
      baseUrlTemplate: emulator.baseUrlTemplate,
      folder: "/mcp",
    });
    const server = await startProtectedServer(options.port, (baseUrl) => {
      return new PangeaOAuthProvider({
        mcpBaseUrl: baseUrl,
        mcpScopes: ["user"],
        requiredScopes: ["user"],
        pangeaAuthnIssuerUrl: emulator.issuerUrl,
        pangeaAuthnClientId: defaultEmulatorClientId,
        pangeaAuthnClientSecret: defaultEmulatorClientSecret,
        pangeaAuthnScopes: ["user"],
        repositories,
      });
    });
    try {
      print(`
${bold("An MCP server that Pangea AuthN guards, with its state in Pangea Vault")}

  Pangea (emulated)   ${emulator.url}
  MCP server          ${server.baseUrl}/mcp   one protected tool: whoami
`);
      const steps = await walkThrough(emulator, server.baseUrl, repositories);
      print(drawSteps(steps));
      const calls = steps.reduce((sum, step) => sum + step.vaultCalls, 0);
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      print(`
  ${bold("Done")} in ${seconds} s with ${calls} calls to Vault. Keys in Vault are hashes: no token or code is stored in the clear.
`);
      if (!options.serve) {
        print("  To try it yourself, leave it running: npm run demo -- --serve\n");
        return;
      }
      print(`  ${bold("Still running.")} Connect any MCP client, or the Inspector, to

      ${bold(`${server.baseUrl}/mcp`)}

  and log in as ada@example.com with the password "password". Ctrl-C ends it.
`);
      await options.stopped();
    } finally {
      await server[Symbol.asyncDispose]();
    }
  } finally {
    await emulator.close();
  }
}

function drawSteps(steps: readonly DemoStep[]): string {
  return drawTable(
    [
      { title: "#", align: "right" },
      { title: "Step" },
      { title: "Outcome" },
      { title: "In Vault" },
      { title: "Calls", align: "right" },
      { title: "ms", align: "right" },
    ],
    steps.map((step, index) => [
      String(index + 1),
      step.title,
      step.result,
      step.vault.join("\n"),
      String(step.vaultCalls),
      step.milliseconds.toFixed(0),
    ]),
  );
}
