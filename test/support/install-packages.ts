import { installOnce } from "../../.ci/install-once.ts";

/** Installs what test files import and nothing else of the project needs, where that was not done before. */
export default async function setup(): Promise<void> {
  await Promise.all([installOnce("test"), installOnce("test/older-mcp-sdks")]);
}
