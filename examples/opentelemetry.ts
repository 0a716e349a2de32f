import { subscribe } from "node:diagnostics_channel";
import { createServer } from "node:http";
import { metrics } from "@opentelemetry/api";
import { ConsoleMetricExporter, MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { providerEventChannels } from "pangea-authn-fastmcp";
import { protectMcp } from "pangea-authn-fastmcp/node";
import { announce, createProvider, host, port } from "./settings.ts";
import { serveWhoami } from "./whoami.ts";

// The SDK of your choice goes here, with an exporter that sends somewhere.
const exportIntervalMillis = Number(process.env.OTEL_METRIC_EXPORT_INTERVAL ?? 60_000);
const reader = new PeriodicExportingMetricReader({ exporter: new ConsoleMetricExporter(), exportIntervalMillis });
metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));

const counter = metrics.getMeter("pangea-authn-fastmcp").createCounter("mcp.oauth.events", {
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

const provider = await createProvider();
const listener = protectMcp(provider, (request, response) => serveWhoami(provider, request, response));

createServer((request, response) => void listener(request, response)).listen(port, host, announce);
