import type { MistralCore } from '@mistralai/mistralai/core.js';
import type { agentsComplete } from '@mistralai/mistralai/funcs/agentsComplete.js';
import type { agentsStream } from '@mistralai/mistralai/funcs/agentsStream.js';
import type { audioTranscriptionsComplete } from '@mistralai/mistralai/funcs/audioTranscriptionsComplete.js';
import type { audioTranscriptionsStream } from '@mistralai/mistralai/funcs/audioTranscriptionsStream.js';
import type { betaAgentsCreate } from '@mistralai/mistralai/funcs/betaAgentsCreate.js';
import type { betaAgentsDelete } from '@mistralai/mistralai/funcs/betaAgentsDelete.js';
import type { betaAgentsGet } from '@mistralai/mistralai/funcs/betaAgentsGet.js';
import type { betaAgentsUpdate } from '@mistralai/mistralai/funcs/betaAgentsUpdate.js';
import type { classifiersClassify } from '@mistralai/mistralai/funcs/classifiersClassify.js';
import type { classifiersModerate } from '@mistralai/mistralai/funcs/classifiersModerate.js';
import type { classifiersModerateChat } from '@mistralai/mistralai/funcs/classifiersModerateChat.js';
import type { embeddingsCreate } from '@mistralai/mistralai/funcs/embeddingsCreate.js';
import type { fimComplete } from '@mistralai/mistralai/funcs/fimComplete.js';
import type { fimStream } from '@mistralai/mistralai/funcs/fimStream.js';
import type { modelsList } from '@mistralai/mistralai/funcs/modelsList.js';
import type { ocrProcess } from '@mistralai/mistralai/funcs/ocrProcess.js';
import type { CompletionChunk } from '@mistralai/mistralai/models/components/completionchunk.js';
import type { SpeechRequest } from '@mistralai/mistralai/models/components/speechrequest.js';
import type { SpeechStreamEvents } from '@mistralai/mistralai/models/operations/speechv1audiospeechpost.js';
import type { Observable } from 'rxjs';
import { describe, expectTypeOf, test } from 'vitest';
import type * as rx from '../../src/index.js';

type AnyFunction = (client: never, request: never, options?: never) => unknown;
/** What one of the SDK's standalone functions is asked. */
type Asked<F extends AnyFunction> = Parameters<F>[1];
/** What it answers, taken out of its promise and its result. */
type Answered<F extends AnyFunction> =
  Awaited<ReturnType<F>> extends infer R ? (R extends { ok: true; value: infer Value } ? Value : never) : never;
type Emitted<F extends AnyFunction> = ReturnType<F> extends Observable<infer T> ? T : never;
type EventOf<Stream> = Stream extends AsyncIterable<infer Event> ? Event : never;

describe('the requests and responses of the sources are those of the SDK', () => {
  test('answers of one response', () => {
    expectTypeOf<Asked<typeof rx.agentsComplete>>().toEqualTypeOf<Asked<typeof agentsComplete>>();
    expectTypeOf<Emitted<typeof rx.agentsComplete>>().toEqualTypeOf<Answered<typeof agentsComplete>>();
    expectTypeOf<Asked<typeof rx.fimComplete>>().toEqualTypeOf<Asked<typeof fimComplete>>();
    expectTypeOf<Emitted<typeof rx.fimComplete>>().toEqualTypeOf<Answered<typeof fimComplete>>();
    expectTypeOf<Asked<typeof rx.embeddings>>().toEqualTypeOf<Asked<typeof embeddingsCreate>>();
    expectTypeOf<Emitted<typeof rx.embeddings>>().toEqualTypeOf<Answered<typeof embeddingsCreate>>();
    expectTypeOf<Asked<typeof rx.moderate>>().toEqualTypeOf<Asked<typeof classifiersModerate>>();
    expectTypeOf<Emitted<typeof rx.moderate>>().toEqualTypeOf<Answered<typeof classifiersModerate>>();
    expectTypeOf<Asked<typeof rx.moderateChat>>().toEqualTypeOf<Asked<typeof classifiersModerateChat>>();
    expectTypeOf<Emitted<typeof rx.moderateChat>>().toEqualTypeOf<Answered<typeof classifiersModerateChat>>();
    expectTypeOf<Asked<typeof rx.classify>>().toEqualTypeOf<Asked<typeof classifiersClassify>>();
    expectTypeOf<Emitted<typeof rx.classify>>().toEqualTypeOf<Answered<typeof classifiersClassify>>();
    expectTypeOf<Asked<typeof rx.ocr>>().toEqualTypeOf<Asked<typeof ocrProcess>>();
    expectTypeOf<Emitted<typeof rx.ocr>>().toEqualTypeOf<Answered<typeof ocrProcess>>();
    expectTypeOf<Asked<typeof rx.models>>().toEqualTypeOf<Asked<typeof modelsList>>();
    expectTypeOf<Emitted<typeof rx.models>>().toEqualTypeOf<Answered<typeof modelsList>>();
    expectTypeOf<Asked<typeof rx.transcribe>>().toEqualTypeOf<Asked<typeof audioTranscriptionsComplete>>();
    expectTypeOf<Emitted<typeof rx.transcribe>>().toEqualTypeOf<Answered<typeof audioTranscriptionsComplete>>();
    expectTypeOf<Asked<typeof rx.createAgent>>().toEqualTypeOf<Asked<typeof betaAgentsCreate>>();
    expectTypeOf<Emitted<typeof rx.createAgent>>().toEqualTypeOf<Answered<typeof betaAgentsCreate>>();
    expectTypeOf<Asked<typeof rx.getAgent>>().toEqualTypeOf<Asked<typeof betaAgentsGet>>();
    expectTypeOf<Emitted<typeof rx.getAgent>>().toEqualTypeOf<Answered<typeof betaAgentsGet>>();
    expectTypeOf<Asked<typeof rx.updateAgent>>().toEqualTypeOf<Asked<typeof betaAgentsUpdate>>();
    expectTypeOf<Emitted<typeof rx.updateAgent>>().toEqualTypeOf<Answered<typeof betaAgentsUpdate>>();
    expectTypeOf<Asked<typeof rx.deleteAgent>>().toEqualTypeOf<Asked<typeof betaAgentsDelete>>();
    expectTypeOf<Emitted<typeof rx.deleteAgent>>().toEqualTypeOf<Answered<typeof betaAgentsDelete>>();
  });

  test('streams', () => {
    expectTypeOf<Asked<typeof rx.agentsStream>>().toEqualTypeOf<Asked<typeof agentsStream>>();
    expectTypeOf<Asked<typeof rx.agentsChunks>>().toEqualTypeOf<Asked<typeof agentsStream>>();
    expectTypeOf<Asked<typeof rx.fimStream>>().toEqualTypeOf<Asked<typeof fimStream>>();
    expectTypeOf<Asked<typeof rx.fimChunks>>().toEqualTypeOf<Asked<typeof fimStream>>();
    expectTypeOf<Emitted<typeof rx.agentsStream>>().toEqualTypeOf<rx.ChatEvent>();
    expectTypeOf<Emitted<typeof rx.fimStream>>().toEqualTypeOf<rx.ChatEvent>();
    expectTypeOf<Emitted<typeof rx.agentsChunks>>().toEqualTypeOf<CompletionChunk>();
    expectTypeOf<Emitted<typeof rx.fimChunks>>().toEqualTypeOf<CompletionChunk>();
    expectTypeOf<Asked<typeof rx.transcriptionStream>>().toEqualTypeOf<Asked<typeof audioTranscriptionsStream>>();
    expectTypeOf<Emitted<typeof rx.transcriptionStream>>().toEqualTypeOf<EventOf<Answered<typeof audioTranscriptionsStream>>>();
    expectTypeOf<Asked<typeof rx.speechStream>>().toEqualTypeOf<SpeechRequest>();
    expectTypeOf<Emitted<typeof rx.speechStream>>().toEqualTypeOf<SpeechStreamEvents>();
  });

  test('options', () => {
    expectTypeOf<rx.ChatStreamOptions['onDisconnect']>().toEqualTypeOf<'error' | 'restart' | 'resume' | undefined>();
    expectTypeOf<Parameters<typeof rx.agentsStream>[2]>().toEqualTypeOf<rx.ChatStreamOptions | undefined>();
    expectTypeOf<Parameters<typeof rx.fimStream>[2]>().toEqualTypeOf<rx.RestartOptions | undefined>();
    expectTypeOf<rx.RestartOptions['onDisconnect']>().toEqualTypeOf<'error' | 'restart' | undefined>();
    expectTypeOf<MistralCore>().toExtend<rx.MistralClient>();
  });
});
