import type { Observable, Subscriber } from 'rxjs';
import type { OpenResponse, RequestBody, TransportOptions, UnaryOperation } from './MistralTransport.js';
import { openCall, unexpectedStart } from './openCall.js';
import type { SdkCall, SdkClient, SendRequest } from './SdkCall.js';
import { brokenStreamError } from './sdkError.js';

/** The answer to one call of a client of the SDK: {@link MistralTransport.call}. */
export function callThroughSdk<Name extends string, Req, Res>(
  client: SdkClient,
  operation: UnaryOperation<Name, Req, Res>,
  request: Req,
  { headers, onResponse }: TransportOptions = {},
): Observable<Res> {
  const { body, open } = operation;
  // What the SDK knows of a download: not that it may be a part (206), nor that servers name other types.
  const leavesBodyAs = open && 'application/octet-stream';
  return openCall(client, { headers, onResponse, leavesBodyAs }, async (call, subscriber) => {
    const sendRequest = body && streamForm((form, onError) => body(form, request, onError), subscriber);
    const result = await call.send(client, operation.send, request, sendRequest);
    if (subscriber.closed) return;
    if (open !== undefined && result.ok) {
      subscriber.next(open(openResponse(call, subscriber)));
      return;
    }
    // An answer may be nothing at all: a 204.
    const answer = result.ok ? result.value : readRefusedAnswer(operation, result.error);
    if (answer === undefined && !result.ok) throw result.error;
    subscriber.next(answer as Res);
    subscriber.complete();
  });
}

// Puts the body that `makeBody` makes of the SDK's form in its place, for as long as there is a subscriber.
function streamForm(
  makeBody: (form: FormData, onError: (error: unknown) => void) => RequestBody,
  subscriber: Subscriber<unknown>,
): SendRequest {
  let body: RequestBody | undefined;
  subscriber.add(() => {
    body?.cancel();
  });
  const streamed = async (request: Request, signal: AbortSignal, redirect: 'error' | 'manual'): Promise<Request> => {
    const form = await request.clone().formData();
    signal.throwIfAborted();
    // That of a request which was, or is, redirected.
    body?.cancel();
    body = makeBody(form, (error) => {
      subscriber.error(error);
    });
    const headers = new Headers(request.headers);
    headers.set('content-type', body.contentType);
    // A browser sets it by itself, or not at all.
    if (body.contentLength !== undefined) headers.set('content-length', String(body.contentLength));
    const init: RequestInit & { readonly duplex: 'half' } = { signal, redirect, headers, body: body.stream, duplex: 'half' };
    return new Request(request, init);
  };
  // Where a redirect might be followed, `fetch` of Node keeps a second copy of the body, all of it, for as long as the
  // first is sent; so the first try allows none, and only a server that redirects costs that memory.
  return async (request, signal, send) => {
    try {
      return await send(await streamed(request, signal, 'error'));
    } catch (error) {
      if (!isRefusedRedirect(error)) throw error;
      return send(await streamed(request, signal, 'manual'));
    }
  };
}

// Each engine has its own words for it, and none has a code.
function isRefusedRedirect(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return /redirect/i.test(error.message) || isRefusedRedirect(error.cause);
}

function openResponse(call: SdkCall, subscriber: Subscriber<unknown>): OpenResponse {
  const { response } = call;
  if (response === undefined) throw unexpectedStart(call);
  return {
    status: response.status,
    headers: response.headers,
    // No body is an empty one.
    reader: call.read(response.stream ?? new Blob().stream()),
    isClosed: () => subscriber.closed,
    describe: (error) => brokenStreamError(error, call.redaction),
    onEnd: () => {
      call.release();
      subscriber.complete();
    },
  };
}

// The SDK refuses an answer with a value that it does not know yet; the answer has come and been paid for all the same.
function readRefusedAnswer<Res>(operation: UnaryOperation<string, never, Res>, error: unknown): Res | undefined {
  if (operation.decode === undefined || !(error instanceof Error) || error.name !== 'ResponseValidationError') {
    return undefined;
  }
  const { rawValue } = error as { readonly rawValue?: unknown };
  return operation.decode(rawValue);
}
