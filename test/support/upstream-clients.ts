/** What this server is to the OpenID provider of the tests. */
export const serverClient = { clientId: "mcp", clientSecret: "a secret that has thirty-two characters" };

/** What it is to their server of OAuth 2.0. */
export const oAuth2Client = { clientId: "Iv1.test", clientSecret: "a secret that has thirty-two characters" };
