import { protectMcp } from "../../src/integrations/node.ts";
import { describeMount } from "../support/mount-suite.ts";
import { onNodeServer } from "../support/protected-server.ts";
import { serveWhoamiV1 } from "../support/whoami-server.ts";

describeMount(
  "the mount for node:http",
  onNodeServer((provider) => protectMcp(provider, (request, response) => serveWhoamiV1(provider, request, response))),
);
