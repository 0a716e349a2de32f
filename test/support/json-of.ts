/** The members of an OAuth answer that tests look at. Which of them are there is what a test asserts. */
export interface OAuthBody {
  readonly error?: string;
  readonly error_description?: string;
  readonly access_token: string;
  readonly refresh_token: string;
  readonly expires_in: number;
  readonly scope: string;
  readonly token_type: string;
  readonly client_id: string;
  readonly client_secret: string;
  readonly client_secret_expires_at: number;
  readonly client_id_issued_at: number;
  readonly client_name?: string;
  readonly redirect_uris: readonly string[];
  readonly grant_types: readonly string[];
  readonly token_endpoint_auth_method: string;
  readonly jwks_uri?: string;
  readonly jwks?: { readonly keys: readonly unknown[] };
  readonly issuer?: string;
  readonly resource?: string;
  readonly resource_name?: string;
  readonly scopes_supported?: readonly string[];
  readonly authorization_endpoint?: string;
  readonly token_endpoint?: string;
  readonly registration_endpoint?: string;
  readonly revocation_endpoint?: string;
  readonly active?: boolean;
}

/** The body of an answer, read as JSON. */
export async function jsonOf(response: Response): Promise<OAuthBody> {
  const body: OAuthBody = JSON.parse(await response.text());
  return body;
}
