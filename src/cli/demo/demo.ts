import { styleText } from "node:util";
import { defaultEmulatorClientId, defaultEmulatorClientSecret } from "../../emulator/authn/defaults.ts";
import { startPangeaEmulator } from "../../emulator/pangea-emulator.ts";
import { PangeaOAuthProvider } from "../../provider/pangea-oauth-provider.ts";
import { createSqliteRepositories } from "../../records/create-sqlite-repositories.ts";
import { createVaultRepositories } from "../../records/create-vault-repositories.ts";
import { stopped } from "../stopped.ts";
import { drawTable } from "../table.ts";
import { startProtectedServer } from "./protected-server.ts";
import { type DemoStep, walkThrough } from "./walk-through.ts";

/** What the demo is run with. */
export interface DemoOptions {
  /** Stay up for a browser or an MCP client after the walk-through. */
  readonly serve: boolean;
  /** The MCP server's port; 0 for any free one. */
  readonly port: number;
  /** The SQLite file of the server's state. The demo then leaves out the walk-through, which shows what is in Vault. */
  readonly state?: string;
  /** The line that runs the demo and leaves it up, as it can be typed here. */
  readonly serveLine: string;
}

type Walk = Parameters<typeof walkThrough>;

/** Runs the demo: an emulated Pangea, a protected MCP server on it, and a real client that goes all the way through. */
export async function runDemo({ serve, port, serveLine, state }: DemoOptions): Promise<void> {
  const started = performance.now();
  const emulator = await startPangeaEmulator();
  try {
    const { baseUrlTemplate } = emulator;
    const repositories = createVaultRepositories("pts_demo", { baseUrlTemplate, folder: "/mcp" });
    await using kept = state === undefined ? undefined : createSqliteRepositories(state);
    const server = await startProtectedServer(port, (mcpBaseUrl) => {
      return new PangeaOAuthProvider({
        mcpBaseUrl,
        mcpScopes: ["user"],
        requiredScopes: ["user"],
        pangeaAuthnIssuerUrl: emulator.issuerUrl,
        pangeaAuthnClientId: defaultEmulatorClientId,
        pangeaAuthnClientSecret: defaultEmulatorClientSecret,
        pangeaAuthnScopes: ["user"],
        // The walk-through tells what happens; what goes wrong it does not.
        logger: { ...console, debug: () => {}, info: () => {} },
        repositories: kept ?? repositories,
      });
    });
    try {
      console.log(`
${bold(`An MCP server that Pangea AuthN guards, with its state in ${state ?? "Pangea Vault"}`)}

  Pangea (emulated)   ${emulator.url}
  MCP server          ${server.baseUrl}/mcp   one protected tool: whoami
`);
      if (state === undefined) await showWalkThrough(emulator, server.baseUrl, repositories, started);
      if (!serve) {
        console.log(`  To try it yourself, leave it running:\n\n    ${serveLine}\n`);
        return;
      }
      console.log(`  ${bold("Still running.")}

  An MCP client, such as the Inspector, connects to

    ${bold(`${server.baseUrl}/mcp`)}

  In a browser, this is the page of what you have allowed:

    ${bold(`${server.baseUrl}/account`)}

  Log in as ada@example.com with the password "password". Ctrl-C ends
  the demo.
`);
      await stopped();
    } finally {
      await server[Symbol.asyncDispose]();
    }
  } finally {
    await emulator.close();
  }
}

/** Lets a client go all the way through, and shows what each step did. */
async function showWalkThrough(...[emulator, baseUrl, repositories, started]: [...Walk, number]): Promise<void> {
  const steps = await walkThrough(emulator, baseUrl, repositories);
  console.log(drawSteps(steps));
  const calls = steps.reduce((sum, step) => sum + step.vaultCalls, 0);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`
  ${bold("Done")} in ${seconds} s with ${calls} calls to Vault. Keys in Vault are hashes: no token
  or code is stored in the clear.
`);
}

/** Bold on a terminal that takes colours: Node looks at what the output is and at `NO_COLOR`. */
function bold(text: string): string {
  return styleText("bold", text);
}

function drawSteps(steps: readonly DemoStep[]): string {
  const columns = [
    { title: "#", isNumber: true },
    { title: "Step", width: 27 },
    { title: "In Vault", width: 32 },
    { title: "Calls", isNumber: true },
    { title: "ms", isNumber: true },
  ];
  const rows = steps.map(({ title, result, vault, vaultCalls, milliseconds }, index) => {
    const step = `${title}\n→ ${result}`;
    return [String(index + 1), step, vault.join("\n"), String(vaultCalls), milliseconds.toFixed(0)];
  });
  return drawTable(columns, rows);
}
