/** Where the guides are: below this package's folder, and beside its sources. */
const guides = "docs";

/** The guide for whoever reads a message: what it means, and what to do. */
export const troubleshootingGuide = `${guides}/troubleshooting.md`;

/**
 * Where the guide explains a code or a kind of message. It has a section for each.
 *
 * @param topic - An error code, the name of a warning, or that of a check.
 */
export function guideTo(topic: string): string {
  return `${troubleshootingGuide}#${topic.toLowerCase()}`;
}
