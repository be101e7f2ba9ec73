import { doneEvent, isNamedData, namedEvent, type Answer, type StreamEvent } from './answer.js';
import type { EventsReply, RawReply, Reply } from './reply.js';

/** Whether a reply gives the response itself, not what it is to say. */
export function isExact(reply: Reply | undefined): reply is EventsReply | RawReply {
  return typeof reply === 'object' && ('raw' in reply || 'events' in reply);
}

/** The answer that a reply spells out. Streams of completions end in `[DONE]`; in others, an event's type is its name too. */
export function exactAnswer(reply: EventsReply | RawReply, stream: 'completions' | 'named'): Answer {
  if ('raw' in reply) return rawAnswer(reply);
  const isNamed = stream === 'named';
  const events = reply.events.map((data): StreamEvent => (isNamed && isNamedData(data) ? namedEvent(data) : { data }));
  const isEnded = isNamed || reply.done === false;
  return { kind: 'events', status: 200, events: isEnded ? events : [...events, doneEvent], tokens: 0 };
}

function rawAnswer({ raw, headers, status = 200 }: RawReply): Answer {
  const pieces = typeof raw === 'string' || raw instanceof Uint8Array ? [raw] : raw;
  const named = Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]));
  return {
    kind: 'bytes',
    status,
    headers: { 'content-type': 'text/event-stream; charset=utf-8', ...named },
    pieces: pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece)),
    isDocument: false,
    tokens: 0,
  };
}
