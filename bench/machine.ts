import { cpus, loadavg, release, totalmem, type } from "node:os";

/**
 * What the figures were measured on, in one line. Every benchmark prints it, since its figures mean little without.
 *
 * @param parts - Versions of what else took part, such as `Redis 7.0.15`.
 */
export function machine(...parts: readonly string[]): string {
  return machineOn(process.version, ...parts);
}

/** The same, where another Node.js than this one was measured. */
export function machineOn(node: string, ...parts: readonly string[]): string {
  const cores = cpus();
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  const load = `load ${loadavg()[0]?.toFixed(1)} before`;
  const system = `${type()} ${release()}`;
  return [`${cores.length} cores of ${cores[0]?.model.trim()}`, memory, system, `Node ${node}`, ...parts, load].join(
    ", ",
  );
}
