import { channel, subscribe } from "node:diagnostics_channel";
import { createServer } from "node:http";
import { metrics } from "@opentelemetry/api";
import {
  createInMemoryRepositories,
  observed,
  providerEventChannels,
  type RepositoryCall,
  wrapRepositories,
} from "pangea-authn-fastmcp";
import { protectMcp } from "pangea-authn-fastmcp/node";
import { announce, createProvider, host, port } from "./settings.ts";
import { serveWhoami } from "./whoami.ts";

// An SDK of OpenTelemetry, which sends this somewhere, is loaded before: `node --import ./telemetry.js …`. Without one
// nothing is counted. `test/examples/console-metrics.ts` is one that prints.
const meter = metrics.getMeter("pangea-authn-fastmcp");
const counter = meter.createCounter("mcp.oauth.events", {
  description: "What the authorization server did, by event",
});
for (const channel of providerEventChannels) {
  subscribe(channel, (event) => counter.add(1, { event: channel.split(":")[1] ?? channel, ...reasonOf(event) }));
}

/** Few values each, so that they can be labels. Client and user ids belong into a log. */
function reasonOf(event: unknown): Record<string, string> {
  if (typeof event !== "object" || event === null) return {};
  if ("error" in event) return { error: String(event.error) };
  return "code" in event ? { code: String(event.code) } : {};
}

const storeCalls = meter.createHistogram("mcp.oauth.store.duration", {
  description: "How long the calls of the store took, by kind of record, method and outcome",
  unit: "ms",
});
// A channel for each kind of record. In production the repositories are those of your store.
const repositories = wrapRepositories(createInMemoryRepositories(), (repository, kind) => {
  const calls = channel(`store:${kind}`);
  subscribe(calls.name, (call) => isCall(call) && storeCalls.record(call.duration, { kind, ...labelsOf(call) }));
  return observed(repository, calls);
});

function isCall(message: unknown): message is RepositoryCall {
  return typeof message === "object" && message !== null && "duration" in message;
}

function labelsOf({ method, outcome, code }: RepositoryCall): Record<string, string> {
  return { method, outcome, ...(code !== undefined && { code }) };
}

const provider = await createProvider({ repositories });
const listener = protectMcp(provider, (request, response) => serveWhoami(provider, request, response));

createServer((request, response) => void listener(request, response)).listen(port, host, announce);
