import { describe, expect, it } from "vitest";
import { findInvocation } from "../../src/cli/invocation.ts";

const packages = ["@modelcontextprotocol/sdk", "oidc-provider"];
const installed = "node_modules/pangea-authn-fastmcp/dist/cli/invocation.js";
const npx =
  "npx -p pangea-authn-fastmcp -p @modelcontextprotocol/sdk -p oidc-provider pangea-authn-fastmcp demo --serve";

describe("what the command line suggests can be typed where it was started:", () => {
  it.each([
    ["npx without a project", `/home/a/.npm/_npx/1f2e/${installed}`, npx, npx],
    ["a project", `/site/server/${installed}`, "npx pangea-authn-fastmcp demo --serve", "npm install oidc-provider"],
    [
      "a project, from the root of its workspaces",
      `/site/${installed}`,
      "npx pangea-authn-fastmcp demo --serve",
      "npm install oidc-provider",
    ],
    [
      "the whole machine",
      `/usr/lib/${installed}`,
      "pangea-authn-fastmcp demo --serve",
      "npm install --global oidc-provider",
    ],
    ["a clone", "/site/server/src/cli/invocation.ts", "npm run demo -- --serve", "npm ci"],
    ["a clone that is built", "/site/server/dist/cli/invocation.js", "npm run demo -- --serve", "npm ci"],
    ["a copy", "/site/copy/src/cli/invocation.ts", "npm run demo -- --serve", "npm install oidc-provider"],
  ])("%s", (_, program, line, installation) => {
    const exists = (path: string) => path === "/site/server/package-lock.json";
    const invocation = findInvocation({ program, directory: "/site/server", exists });
    expect(invocation.line("demo --serve", packages)).toBe(line);
    expect(invocation.installation("demo --serve", ["oidc-provider"], packages)).toBe(installation);
  });
});
