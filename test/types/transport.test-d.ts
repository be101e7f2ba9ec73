import { Mistral } from '@mistralai/mistralai';
import { MistralCore } from '@mistralai/mistralai/core.js';
import type { ChatCompletionStreamRequest } from '@mistralai/mistralai/models/components/chatcompletionstreamrequest.js';
import type { CompletionChunk } from '@mistralai/mistralai/models/components/completionchunk.js';
import { NEVER, type Observable, of } from 'rxjs';
import { describe, expectTypeOf, test } from 'vitest';
import {
  chatChunks,
  chatComplete,
  chatStream,
  type MistralClient,
  type MistralTransport,
  type ResponseMeta,
  sdkTransport,
  type StreamOperation,
  type TransportOptions,
  type UnaryOperation,
} from '../../src/index.js';
import { fakeMistral } from '../../src/testing/index.js';
import type { chatCompleteOperation } from '../../src/transport/operations/chatComplete.js';
import { chatStreamOperation } from '../../src/transport/operations/chatStream.js';

declare const request: ChatCompletionStreamRequest;

describe('a client', () => {
  test('is one of the SDK, of whichever of its classes, or a transport', () => {
    expectTypeOf<Mistral>().toExtend<MistralClient>();
    expectTypeOf<MistralCore>().toExtend<MistralClient>();
    expectTypeOf<MistralTransport>().toExtend<MistralClient>();
    expectTypeOf<MistralClient>().toEqualTypeOf<Mistral | MistralCore | MistralTransport>();
    expectTypeOf(fakeMistral({})).toExtend<MistralClient>();
    // A resource is a client of its own in the SDK.
    expectTypeOf<Mistral['chat']>().toExtend<MistralClient>();
  });

  test('is what every source takes first', () => {
    for (const client of [new Mistral({ apiKey: 'any' }), new MistralCore({ apiKey: 'any' }), fakeMistral({})]) {
      void chatStream(client, request);
      void chatChunks(client, request);
      void chatComplete(client, { ...request, stream: false });
    }
    expectTypeOf(chatStream).parameter(0).toEqualTypeOf<MistralClient>();
    expectTypeOf(chatChunks).parameter(0).toEqualTypeOf<MistralClient>();
    expectTypeOf(chatComplete).parameter(0).toEqualTypeOf<MistralClient>();
  });

  test('is nothing else', () => {
    // @ts-expect-error -- a key is no client
    void chatStream('key', request);
    // @ts-expect-error -- nor are its options
    void chatStream({ apiKey: 'key' }, request);
    expectTypeOf<typeof Mistral>().not.toExtend<MistralClient>();
    // @ts-expect-error -- nor half a transport
    void chatStream({ stream: () => NEVER }, request);
    // @ts-expect-error -- it may not be missing
    void chatStream(undefined, request);
  });
});

describe('a transport', () => {
  test('is made of a client of the SDK', () => {
    expectTypeOf(sdkTransport).parameter(0).toEqualTypeOf<Mistral | MistralCore>();
    expectTypeOf(sdkTransport).returns.toEqualTypeOf<MistralTransport>();
    // @ts-expect-error -- not of a transport
    sdkTransport(fakeMistral({}));
  });

  test('can be made by hand', () => {
    const transport: MistralTransport = { call: () => NEVER, stream: () => NEVER };
    const withIds: MistralTransport = { ...transport, createRequestId: () => 'mine' };
    expectTypeOf([transport, withIds]).toExtend<MistralClient[]>();
    expectTypeOf<{ call: () => Promise<never>; stream: () => Observable<never> }>().not.toExtend<MistralTransport>();
  });

  test('can be wrapped, with the types of what passes through', () => {
    const inner = sdkTransport(new MistralCore({ apiKey: 'any' }));
    const wrapped: MistralTransport = {
      call: (operation, given, options) => inner.call(operation, given, { ...options, headers: { ...options?.headers, 'x-team': 'red' } }),
      stream: (operation, given, options) => inner.stream(operation, given, options),
    };
    expectTypeOf(wrapped.stream(chatStreamOperation, request)).toEqualTypeOf<Observable<CompletionChunk>>();
  });

  test('types request and events by the operation', () => {
    const transport = sdkTransport(new MistralCore({ apiKey: 'any' }));
    expectTypeOf(transport.stream(chatStreamOperation, request)).toEqualTypeOf<Observable<CompletionChunk>>();
    // @ts-expect-error -- not the request of this operation
    void transport.stream(chatStreamOperation, { inputs: 'Hi' });
    // @ts-expect-error -- a stream is not called
    void transport.call(chatStreamOperation, request);
  });

  test('names its operations by literals', () => {
    expectTypeOf<(typeof chatStreamOperation)['name']>().toEqualTypeOf<'chat.stream'>();
    expectTypeOf<(typeof chatCompleteOperation)['name']>().toEqualTypeOf<'chat.complete'>();
    expectTypeOf<typeof chatStreamOperation>().toExtend<StreamOperation<'chat.stream', ChatCompletionStreamRequest, CompletionChunk>>();
    expectTypeOf<StreamOperation<'a', string, string>>().not.toExtend<UnaryOperation<'a', string, string>>();
  });

  test('takes options that are undefined', () => {
    expectTypeOf<{ headers: undefined; maxEventBytes: undefined; onResponse: undefined }>().toExtend<TransportOptions>();
    expectTypeOf<Parameters<NonNullable<TransportOptions['onResponse']>>>().toEqualTypeOf<[ResponseMeta]>();
    expectTypeOf<ResponseMeta['headers']>().toEqualTypeOf<Headers>();
  });

  test('may answer with what an Observable of another maker emits', () => {
    const transport: MistralTransport = { call: () => NEVER, stream: () => of() };
    expectTypeOf(transport.createRequestId).toEqualTypeOf<(() => string) | undefined>();
  });
});
