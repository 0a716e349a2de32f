import { readFileSync } from "node:fs";
import { Converter } from "typedoc";

const root = new URL("../", import.meta.url);
const { name, exports: entries } = JSON.parse(readFileSync(new URL("package.json", root), "utf8"));
const sources = Object.entries(entries).flatMap(([subpath, { "pangea-authn-fastmcp-source": source }]) =>
  source === undefined ? [] : [{ source, specifier: name + subpath.slice(1) }],
);

/** Calls each module what programs import it by. */
function nameModulesByTheirImport({ converter }) {
  converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.children ?? []) {
      const entry = sources.find(({ source }) => source === `./src/${module.name}.ts`);
      if (entry !== undefined) module.name = entry.specifier;
    }
  });
}

/** @type {Partial<import("typedoc").TypeDocOptions>} */
export default {
  name,
  tsconfig: "../tsconfig.build.json",
  entryPoints: sources.map(({ source }) => `.${source}`),
  readme: "../README.md",
  projectDocuments: [
    "../ARCHITECTURE.md",
    "../CONTRIBUTING.md",
    "../SECURITY.md",
    "identity-providers.md",
    "options.md",
    "login-flow.md",
    "account.md",
    "guarantees.md",
    "repositories.md",
    "moving.md",
    "storage.md",
    "backends.md",
    "own-backend.md",
    "emulator.md",
    "administration.md",
    "mcp-authorization.md",
    "from-python.md",
    "from-mcp-auth-router.md",
    "operating.md",
    "troubleshooting.md",
    "../bench/README.md",
    "../CHANGELOG.md",
  ],
  out: "reference",
  plugin: [nameModulesByTheirImport],
  excludeExternals: true,
  excludeInternal: true,
  excludePrivate: true,
  disableSources: true,
  disableGit: true,
  // Its page lacks two of the interfaces that link to it.
  includeHierarchySummary: false,
  highlightLanguages: ["typescript", "json", "sh", "mermaid"],
  // Types that a public one mentions, and that nobody has to name.
  intentionallyNotExported: [
    "CopyKeeping",
    "UnreadableExpiry",
    "recordKinds",
    "InvalidationChannels",
    "Preset",
    "CopyRepositoryInternals",
    "InMemoryOptions",
    "RetryingInternals",
    "KeyRingOptions",
    "SharedPostgres",
    "SharedConnection",
    "Notification",
    "AccountSession",
    "AuthnEmulator",
    "AuthnEmulatorOptions",
    "ConsentRevocation",
    "ConveysAuthority",
    "CookieJar",
    "EndingFault",
    "FreshlyReadable",
    "GrantUse",
    "HtmlForm",
    "KeyAnnouncement",
    "Lock",
    "MemoryReadable",
    "MountPlace",
    "Remembered",
    "RepositoryOf",
    "SharedClient",
    "StoredRecord",
    "SubscribableClient",
    "UpstreamRevocation",
    "UpstreamSessionRecord",
  ],
  validation: { invalidLink: true, invalidPath: true, notExported: true, rewrittenLink: true, notDocumented: false },
  treatWarningsAsErrors: true,
};
