import { metrics } from "@opentelemetry/api";
import { ConsoleMetricExporter, MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";

// What a person loads before `examples/opentelemetry.ts`: an SDK of OpenTelemetry. This one prints.
const reader = new PeriodicExportingMetricReader({ exporter: new ConsoleMetricExporter(), exportIntervalMillis: 50 });
metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
