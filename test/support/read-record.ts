/** The members of a JSON answer that are text. */
export async function readRecord(response: Response): Promise<Readonly<Record<string, string | undefined>>> {
  const body = await response.json();
  if (typeof body !== "object" || body === null) throw new TypeError("The answer is not a JSON object");
  return Object.fromEntries(Object.entries(body).filter(([, value]) => typeof value === "string"));
}
