import type { Command } from "./commands.ts";
import { UsageError } from "./usage-error.ts";

/** The command that looks whether a server's settings fit together. */
export const doctorCommand: Command = {
  synopsis: "[--json] [--config FILE | --store ADDRESS]",
  summary: [
    "see whether settings, store and Pangea project of a server fit",
    '--config     a module that exports the provider, as "provider" or as default:',
    "             one of its own, that the server imports, and not the file that",
    "             listens",
    "--json       print the findings as JSON",
    "Without --config it reads the settings from the environment:",
    "--store      where state is: vault:[/folder], redis://…, rediss://…,",
    "             sqlite:file, postgres://…; redis: and postgres: alone take it",
    "             from REDIS_URL and DATABASE_URL. Default: redis: or vault:,",
    "             where REDIS_URL or PANGEA_VAULT_TOKEN is set",
    "--namespace  of the server's records",
    "--table      the table of a Postgres",
    "  MCP_BASE_URL                the public URL: https://mcp.example.org",
    "  MCP_PATH, MCP_SCOPES        default: /mcp, user",
    "  MCP_SECRET                  where the option secret is given",
    "  PANGEA_AUTHN_ISSUER_URL     the Hosted Login URL of the project",
    "  PANGEA_AUTHN_CLIENT_ID      psa_…",
    "  PANGEA_AUTHN_CLIENT_SECRET  pck_…; several with commas rotate",
    "  PANGEA_AUTHN_SCOPES         default: user",
    "  STORAGE_SECRET              where records are sealed by keys of their own",
    "  PANGEA_VAULT_TOKEN          for Vault; with PANGEA_VAULT_FOLDER,",
    "                              PANGEA_DOMAIN and PANGEA_BASE_URL_TEMPLATE",
    "  REDIS_URL                   for Redis; with REDIS_NAMESPACE",
    "  DATABASE_URL                for Postgres",
  ],
  options: {
    json: { type: "boolean" },
    config: { type: "string" },
    store: { type: "string" },
    namespace: { type: "string" },
    table: { type: "string" },
  },
  // Which packages are needed depends on the store.
  packages: {},
  check({ config, store, namespace, table }) {
    const isOther = [store, namespace, table].some((one) => one !== undefined);
    if (config !== undefined && isOther) {
      throw new UsageError("--store, --namespace and --table are for settings from the environment, not for --config.");
    }
  },
  async run({ config, json, store, namespace, table }, invocation) {
    const { runDoctor } = await import("./doctor.ts");
    const exitCode = await runDoctor({
      config: textOf(config),
      store: textOf(store),
      namespace: textOf(namespace),
      table: textOf(table),
      json: json === true,
      installation: (missing) => invocation.installation("doctor …", [missing], [missing]),
    });
    // What a file has opened, such as a connection to its store, would keep this process alive.
    process.stdout.write("", () => process.exit(exitCode));
  },
};

function textOf(value: string | boolean | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}
