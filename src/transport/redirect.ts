import { RxMistralError } from '../errors/RxMistralError.js';

/** How many redirects of one call are followed. */
export const maxRedirects = 5;

const redirects = [301, 302, 303, 307, 308];

/**
 * Where a response redirects `request` to; `undefined` when it is no redirect.
 *
 * Only a redirect that keeps the host and sends the same request again is followed: a prompt and a key go to nobody
 * but the server that the user named, and a POST that became a GET (301 to 303) would be another call.
 *
 * @throws RxMistralError of kind `http` for any other redirect.
 */
export function redirectTarget(request: Request, response: Response): URL | undefined {
  // A browser shows no redirect but an opaque response with status 0.
  if (response.type !== 'opaqueredirect' && !redirects.includes(response.status)) return undefined;
  const location = response.headers.get('location');
  const from = new URL(request.url);
  const to = location !== null && URL.canParse(location, from) ? new URL(location, from) : undefined;
  if (to === undefined) return refuse(response, 'a redirect without a usable location');
  if (to.username !== '' || to.password !== '') return refuse(response, 'a redirect with credentials in its location');
  if (!sameHost(from, to)) return refuse(response, `a redirect to another host (${to.host})`);
  const keepsMethod = response.status === 307 || response.status === 308 || request.method === 'GET';
  return keepsMethod ? to : refuse(response, `a redirect that would turn ${request.method} into GET`);
}

// The same host and port; from http to https the default port may change with the scheme, the other way never.
function sameHost(from: URL, to: URL): boolean {
  return from.host === to.host && (from.protocol === to.protocol || to.protocol === 'https:');
}

function refuse(response: Response, what: string): never {
  throw new RxMistralError({
    kind: 'http',
    message: `Refused ${what}`,
    status: response.status === 0 ? undefined : response.status,
  });
}
