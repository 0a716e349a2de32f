/** The parts of the MCP SDK's older versions that an application uses. */
export { auth as auth110 } from "mcp-sdk-1.10/client/auth.js";
export { Client as Client110 } from "mcp-sdk-1.10/client/index.js";
export { StreamableHTTPClientTransport as Transport110 } from "mcp-sdk-1.10/client/streamableHttp.js";
export { auth as auth112 } from "mcp-sdk-1.12/client/auth.js";
export { Client as Client112 } from "mcp-sdk-1.12/client/index.js";
export { StreamableHTTPClientTransport as Transport112 } from "mcp-sdk-1.12/client/streamableHttp.js";
export { auth as auth117 } from "mcp-sdk-1.17/client/auth.js";
export { Client as Client117 } from "mcp-sdk-1.17/client/index.js";
export { StreamableHTTPClientTransport as Transport117 } from "mcp-sdk-1.17/client/streamableHttp.js";
